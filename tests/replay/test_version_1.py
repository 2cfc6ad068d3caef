"""Calls that earlier versions recorded, in version 1 of the format, are read as they were."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from bot.wiring.engine import Wiring
from pipelines.core.exchange import AudioIn
from pipelines.core.recording import KIND_OF, RECORD_TYPES, TOLD_TYPES
from replay.call_folder import RecordedCall, UnreadableError, load
from replay.facts import replay_facts
from replay.performance import Company, Options, settings_of
from replay.turns import turns_of

CALLS = Path(__file__).parents[1] / "recorded_calls"
ALL = sorted(one.name for one in CALLS.iterdir() if one.is_dir())
FULL = [name for name in ALL if name.startswith("full")]
ABOUT_SOUND = {"t", "k", "type", "samples", "from", "late"}
"""Names in a line beside the fields of its class."""


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.close()


def call(name: str) -> RecordedCall:
    return load(CALLS / name)


def test_each_version_that_was_released_has_a_recording() -> None:
    assert ALL == ["full-0.1.0", "full-0.2.0", "timing-0.2.0"]
    for name in ALL:
        assert name.endswith(str(call(name).about["code"]).partition("+")[0])
        assert call(name).about["version"] == 1


@pytest.mark.parametrize("name", ALL)
def test_every_line_has_a_class_and_every_field_is_one_of_its_own(name: str) -> None:
    events = call(name).events
    for line in events:
        of = TOLD_TYPES[line["of"]] if line["k"] == "told" else RECORD_TYPES[line["type"]]
        given = line.get("given", {}) if line["k"] == "told" else line
        known = {field.name for field in fields(of)}
        known |= {f"{each}_characters" for each in known} | ABOUT_SOUND
        assert set(given) <= known, line
        assert line["k"] == KIND_OF.get(RECORD_TYPES[line["type"]])
    assert [line["t"] for line in events] == sorted(line["t"] for line in events)


@pytest.mark.parametrize("name", FULL)
def test_the_callers_sound_comes_as_it_came(name: str) -> None:
    recorded = call(name)
    came = [(at, one) for at, one in recorded.from_caller() if isinstance(one, AudioIn)]
    sound = np.concatenate([np.frombuffer(one.pcm, "<i2") for _, one in came])

    assert came[0][0] < 0.1
    assert len(sound) / recorded.caller_rate_hz == pytest.approx(recorded.duration_s, abs=0.5)
    assert np.abs(sound).max() > 3000
    assert np.abs(recorded.sound[:, 1]).max() > 3000  # the bot's
    assert len(recorded.voice) > recorded.about["voice_rate_hz"]


@pytest.mark.parametrize("name", FULL)
def test_a_call_is_played_again_as_it_went(name: str, company: Company) -> None:
    recorded = call(name)
    outcome = company.play(recorded, Options())

    (then,), (now,) = turns_of(recorded.events), turns_of(outcome.replayed.lines)
    assert (now.transcript, now.answer) == (then.transcript, then.answer)
    assert now.v2v_s == pytest.approx(then.v2v_s, abs=0.3)


def test_the_facts_of_then_commit_the_replies_of_then() -> None:
    """Later versions may decide otherwise when, and note more."""
    recorded = call("full-0.2.0")
    wiring = Wiring(settings_of(recorded, Options()))

    found = replay_facts(recorded, wiring.policies, None)

    now = [one["text"] for one in found.decisions if one["type"] == "CommitReply"]
    then = [line["text"] for line in recorded.events if line.get("type") == "CommitReply"]
    assert now == then
    assert then
    assert found.facts > 300


def test_a_recording_without_facts_says_since_when_there_are_some() -> None:
    recorded = call("full-0.1.0")
    policies = Wiring(settings_of(recorded, Options())).policies
    with pytest.raises(UnreadableError, match=r"since version 0\.2\.0"):
        replay_facts(recorded, policies, None)


def test_a_recording_of_times_has_no_word_and_no_sound() -> None:
    recorded = call("timing-0.2.0")
    text = json.dumps(recorded.events).lower()
    assert [word for word in ("weasels", "eaten", "phone", "system") if word in text] == []
    with pytest.raises(UnreadableError, match="RECORD_CALLS=full"):
        list(recorded.from_caller())
