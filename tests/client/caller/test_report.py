import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from client.caller.call import CallResult, TurnResult
from client.caller.measure import BargeIn, ReceivedMessage, SentTurn, Wait, Words
from client.caller.report import as_json, print_report
from client.caller.speech_file import Recording, SpokenTurn
from client.caller.twilio import Tally

ROW = {
    "segments": {"endpointing": 0.2, "stt": 0.0, "llm_first_token": 0.1, "send": 0.1},
    "voice_to_voice_s": 0.4,
    "hidden": {"endpointing": 0.0, "stt": 0.08},
    "unattributed_s": 0.004,
    "verdict": {"stage": "transport", "over_s": 0.08, "text": "transport overspent by 80 ms"},
}
NOTHING = np.empty(0, dtype=np.int16)


def result(*turns: TurnResult) -> CallResult:
    fault = ReceivedMessage(1.0, "error", {"error": "the voice is away"})
    return CallResult(
        turns=turns,
        started_s=0.0,
        spoken=NOTHING,
        heard=NOTHING,
        sounds=(),
        messages=(fault,),
        microphone_late_s=0.0021,
    )


def turn(wait: Wait, words: Words, reference: str | None = None) -> TurnResult:
    said = SentTurn(start_s=0.0, end_s=1.0, next_s=9.0)
    labelled = SpokenTurn(0.0, 1.0, reference)
    one = Recording("a.wav", NOTHING, (labelled,), labelled=True)
    return TurnResult(recording=one, turn=labelled, said=said, wait=wait, words=words)


ANSWERED = turn(
    Wait(v2v_s=0.412, missed=False),
    Words(transcript="what time is it", answer="It is ten.", row=ROW),
    "What time is it now?",
)
MISSED = turn(Wait(v2v_s=5.0, missed=True), Words(transcript="", answer=""))
INTERRUPTED = turn(
    Wait(
        v2v_s=0.3,
        missed=False,
        cut_ins_s=(0.7,),
        cut_ins_heard_s=(0.42,),
        barge_in=BargeIn(0.09, None),
    ),
    Words(transcript="stop", answer="[bold]", cut_off="Once upon"),
)


def printed(*turns: TurnResult) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_report(console, [result(*turns)], None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_answered_turn_shows_its_words_its_wait_and_the_ledger() -> None:
    text = printed(ANSWERED)

    for part in ("412 ms voice to voice", "what time is it", "It is ten.", "overspent by 80 ms"):
        assert part in text
    assert "+ 80 ms hidden" in text
    assert "unattributed 4 ms" in text


def test_each_bar_begins_where_the_one_before_it_ended() -> None:
    bars = {line.split()[0]: line for line in printed(ANSWERED).splitlines() if "█" in line}

    assert [line.count("█") for line in bars.values()] == [16, 8, 8]
    assert bars["llm_first_token"].index("█") == bars["endpointing"].rindex("█") + 1
    assert bars["send"].index("█") == bars["llm_first_token"].rindex("█") + 1


def test_a_missed_turn_says_so() -> None:
    assert "no answer within 5 s" in printed(MISSED)


def test_an_interruption_shows_how_soon_the_bot_was_silent_and_what_was_heard() -> None:
    text = printed(INTERRUPTED)

    assert "silent 90 ms after it was spoken over" in text
    assert "Once upon" in text
    assert "cut in for 420 ms" in text
    assert "[bold]" in text


@pytest.mark.parametrize(
    ("ears", "told"), [("moonshine-tiny-en", 1), ("distil-small.en", 0), (None, 0)]
)
def test_the_worth_of_the_smallest_ears_is_told_once(ears: str | None, told: int) -> None:
    words = Words(transcript="what time", answer="Ten.", row={**ROW, "facts": {"stt": ears}})
    heard = replace(ANSWERED, words=words)

    assert printed(heard, heard, MISSED).count("gets 21.6 % of the words") == told


def test_a_server_that_does_not_name_its_ears_is_believed() -> None:
    assert "Misheard?" not in printed(ANSWERED)


def test_the_summary_counts_every_turn_and_the_servers_faults_are_told() -> None:
    text = printed(ANSWERED, MISSED, INTERRUPTED)

    assert "412 ms" in text
    assert "20.0%" in text
    assert "the voice is away" in text
    assert "heard zeros" in text


def test_the_document_holds_what_was_measured() -> None:
    document = json.loads(json.dumps(as_json([result(ANSWERED), result(MISSED)], -60.0)))

    first, second = document["turns"]
    assert (first["call"], second["call"]) == (0, 1)
    assert first["voice_to_voice_s"] == 0.412
    assert first["ledger"] == ROW
    assert first["reference"] == "What time is it now?"
    assert second["missed"] is True
    assert second["ledger"] is None
    assert document["summary"]["missed"] == 1
    assert document["summary"]["word_error_rate"] == pytest.approx(0.2)
    assert document["microphone"] == {"late_s": 0.0021, "silence": "-60 dBFS noise"}
    assert document["faults"] == ["the voice is away"] * 2


def test_a_call_without_turns_has_no_percentiles_in_the_document() -> None:
    summary = as_json([result()], None)["summary"]

    assert summary["p50_s"] is None
    assert summary["word_error_rate"] is None
    assert not any(isinstance(value, float) and math.isnan(value) for value in summary.values())


def test_a_telephone_call_tells_what_twilio_knows_and_no_words() -> None:
    tally = Tally(
        "CA1",
        "MZ1",
        received={"media": 200, "mark": 40, "clear": 1},
        most_ahead_s=0.2,
        said=["Sorry."],
        ended="the server hung up (1000)",
    )
    one = replace(result(ANSWERED), tally=tally)
    console = Console(file=io.StringIO(), width=200)
    print_report(console, [one], None)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()

    assert "412 ms voice to voice" in said
    assert "Twilio was sent 200 pieces of audio, 40 marks and 1 clears" in said
    assert "at most 200 ms of audio, and ran dry 0 times" in said
    assert "Twilio says: Sorry." in said
    assert "the server hung up (1000)" in said
    assert "what time is it" not in said
    document = as_json([one, result(ANSWERED)], None)
    assert document["telephone"][0]["received"]["clear"] == 1
    assert document["telephone"][1] is None
    assert as_json([one], None)["summary"]["word_error_rate"] is None
