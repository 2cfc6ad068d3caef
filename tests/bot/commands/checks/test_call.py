"""The finding of `doctor --call`, by how the call went."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from bot.commands.checks.call import (
    RECORDING,
    SAID,
    ServerStartError,
    check_call,
    judged,
    own_server,
)
from bot.commands.checks.finding import CheckVerdict
from bot.commands.doctor import as_text
from bot.settings import load as load_settings
from client.caller.call import CallResult, TurnResult
from client.caller.measure import ReceivedMessage, SentTurn, Wait, Words
from client.caller.speech_file import load

NOTHING = np.zeros(0, dtype=np.int16)


def result(
    transcript: str = SAID, *, missed: bool = False, faults: tuple[str, ...] = (), turns: int = 1
) -> CallResult:
    recording = load(RECORDING)
    turn = TurnResult(
        recording=recording,
        turn=recording.turns[0],
        said=SentTurn(start_s=0.4, end_s=2.9, next_s=20.0),
        wait=Wait(v2v_s=5.0 if missed else 0.412, missed=missed),
        words=Words(transcript=transcript, answer=""),
    )
    return CallResult(
        turns=(turn,) * turns,
        started_s=0.0,
        spoken=NOTHING,
        heard=NOTHING,
        sounds=(),
        messages=tuple(ReceivedMessage(1.0, "error", {"error": fault}) for fault in faults),
        microphone_late_s=0.0,
    )


def test_a_call_that_was_heard_and_answered_passes() -> None:
    finding = judged(result(), "http://here")
    assert finding.verdict is CheckVerdict.PASS
    assert finding.found == f'"{SAID}" was heard, and answered after 412 ms by http://here'


@pytest.mark.parametrize("heard", ["press four to place an outgoing call", f" {SAID} "])
def test_capitals_and_points_are_no_errors(heard: str) -> None:
    assert judged(result(heard), "it").verdict is CheckVerdict.PASS


@pytest.mark.parametrize("heard", ["", "Press for the police.", "Press four to place a call."])
def test_a_misheard_call_is_to_be_looked_at(heard: str) -> None:
    finding = judged(result(heard), "it")
    assert finding.verdict is CheckVerdict.WARN
    assert f'was heard as "{heard}"' in finding.found


def test_a_call_without_an_answer_fails() -> None:
    assert judged(result(missed=True), "it").verdict is CheckVerdict.FAIL


def test_a_call_that_ended_before_its_turn_fails() -> None:
    assert judged(result(turns=0), "it").verdict is CheckVerdict.FAIL


def test_what_the_server_says_of_a_failure_is_told() -> None:
    finding = judged(result(faults=("the language model does not answer",)), "it")
    assert finding.verdict is CheckVerdict.FAIL
    assert "the language model does not answer" in as_text([finding])


@pytest.mark.usefixtures("empty_folder")
def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts a process, which ends at its first look at the settings."""
    monkeypatch.setenv("MAX_CALLS", "many")

    async def started() -> None:
        async with own_server():
            pass

    with pytest.raises(ServerStartError, match="MAX_CALLS should be a valid integer"):
        asyncio.run(started())


@pytest.mark.usefixtures("empty_folder")
def test_no_server_is_a_finding_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts a process, as above."""
    settings = load_settings(port="1")
    monkeypatch.setenv("LLM_NO_SUCH_THING", "1")
    finding = asyncio.run(check_call(settings))
    assert finding.verdict is CheckVerdict.FAIL
    assert "LLM_NO_SUCH_THING" in finding.found


def test_the_recording_comes_with_the_program() -> None:
    assert RECORDING.is_file()
    assert RECORDING.parent == Path(RECORDING).resolve().parent, "a file, and not a link"
