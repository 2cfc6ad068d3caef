"""A change for the worse is named, with its size, and the gate does not open; no change passes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pipelines.stages import phrasing
from replay.call_folder import RecordedCall, load
from replay.comparison import Comparison, Difference, compare
from replay.performance import Change, Company, Options, ReplayOutcome
from replay.run import ReplayRun, play_of
from replay.suite import BOX
from replay.turns import decisions_of
from tests.replay.planted import NEAR_S, STT_S, VAD_S, WholeSentences, later_vad, slower_ears

TWO_TURNS_S = 13.0

Play = Callable[..., ReplayOutcome]
"""A call, and a change if any."""


@pytest.fixture(scope="module")
def call() -> RecordedCall:
    """The beginning of one: it takes a second to replay."""
    whole = load(BOX / "smoke" / "browser")
    return replace(whole, events=tuple(x for x in whole.events if x["t"] < TWO_TURNS_S))


@pytest.fixture(scope="module")
def played() -> Iterator[Play]:
    company = Company()

    def play(call: RecordedCall, change: Change | None = None) -> ReplayOutcome:
        return company.play(call, Options() if change is None else Options(change=change))

    yield play
    company.close()


def told(outcome: ReplayOutcome) -> str:
    """All that happened; the VAD's own time is this machine's, and the levels of sound differ in
    the last digits: soxr dithers the bot's voice, which is taken out of the microphone's sound.
    """
    lines = [line for line in outcome.replayed.lines if line["k"] != "told"]
    return json.dumps([{**line, "took_s": None} for line in lines])


def run_of(call: RecordedCall, outcome: ReplayOutcome, name: str = "") -> ReplayRun:
    lines, sound = outcome.replayed.lines, outcome.replayed.sound
    one = play_of(call.name, lines, sound, call.caller_rate_hz)
    return ReplayRun(name=name, made={}, played=[one])


@pytest.fixture(scope="module")
def unchanged(call: RecordedCall, played: Play) -> ReplayOutcome:
    return played(call)


@pytest.fixture
def compared(call: RecordedCall, unchanged: ReplayOutcome) -> Callable[[ReplayOutcome], Comparison]:
    return lambda other: compare(run_of(call, unchanged), run_of(call, other))


def worst(found: Comparison) -> Difference:
    """The worst difference of all stages."""
    stages = [one for one in found.differences if one.stage != "v2v"]
    return max(stages, key=lambda one: one.typical_s.value)


def test_slower_ears_are_named(
    call: RecordedCall, played: Play, compared: Callable[[ReplayOutcome], Comparison]
) -> None:
    found = compared(played(call, slower_ears))
    assert worst(found).stage == "stt"
    assert worst(found).typical_s.value == pytest.approx(STT_S, abs=NEAR_S)
    assert any(line.startswith("speech to text: p95 is worse") for line in found.broken)


def test_an_aggregator_that_waits_for_the_full_stop_is_named(
    call: RecordedCall,
    played: Play,
    compared: Callable[[ReplayOutcome], Comparison],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(phrasing, "Phraser", WholeSentences)
    other = played(call)
    found = compared(other)
    one = worst(found)
    assert one.stage == "first_clause"
    truth = [_to_the_full_stop(turn, other) for turn in range(one.after.turns)]
    assert one.after.p95 == pytest.approx(max(truth), abs=NEAR_S)
    assert any(line.startswith("the first clause: p95 is worse") for line in found.broken)


def _to_the_full_stop(turn: int, outcome: ReplayOutcome) -> float:
    """From the first token of a turn's answer to the one that ends its first sentence."""
    lines = outcome.replayed.lines
    reply = [line["reply_id"] for line in lines if line["type"] == "CommitReply"][turn]
    reached = {
        line["what"]: line["at_s"]
        for line in lines
        if line["type"] == "Reached" and line.get("reply_id") == reply
    }
    ends = [
        line["t"]
        for line in lines
        if line["type"] == "Came" and line["of"] == "llm" and line["text"].endswith((".", "?"))
    ]
    first_s = float(reached["first_token"])
    return min(float(end) for end in ends if end >= first_s) - first_s


def test_a_vad_that_stops_later_is_named(
    call: RecordedCall, played: Play, compared: Callable[[ReplayOutcome], Comparison]
) -> None:
    found = compared(played(call, later_vad))
    assert worst(found).stage == "vad"
    assert worst(found).typical_s.value == pytest.approx(VAD_S, abs=NEAR_S)
    assert any(line.startswith("noticing the pause: p95 is worse") for line in found.broken)


def test_no_change_is_none(
    call: RecordedCall,
    played: Play,
    unchanged: ReplayOutcome,
    compared: Callable[[ReplayOutcome], Comparison],
) -> None:
    again = played(call)
    found = compared(again)
    assert found.broken == []
    assert [one.stage for one in found.differences if one.changed] == []
    assert told(again) == told(unchanged)
    assert decisions_of(again.replayed.lines)


@pytest.mark.soak
@pytest.mark.parametrize("recording", ["browser", "phone"])
def test_ten_replays_are_the_same_to_the_last_line(recording: str, played: Play) -> None:
    call = load(BOX / "smoke" / recording)
    assert len({told(played(call)) for _ in range(10)}) == 1


def test_the_parts_of_every_turn_sum_to_its_wait(
    call: RecordedCall, unchanged: ReplayOutcome
) -> None:
    for events in (
        call.events,
        unchanged.replayed.lines,
        load(call.folder.parent / "phone").events,
    ):
        rows = [line["row"] for line in events if line["type"] == "TurnMeasured"]
        assert len(rows) >= 2
        for row in rows:
            parts_us = [round(part * 1e6) for part in row["segments"].values()]
            assert sum(parts_us) == round(row["voice_to_voice_s"] * 1e6)
