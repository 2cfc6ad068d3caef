"""Speak into it, and it answers: recordings played at a real server, with only the wheels."""

import asyncio
from pathlib import Path
from typing import cast

import jiwer
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from bot.calls.limits import Limits
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.speech_file import load
from pipelines.core.turn.wording import words
from pipelines.services.protocols import EAR_RATE_HZ, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stt_moonshine import transcribe
from tests.echo import EchoEngine
from tests.serving import serving
from tests.test_leaks import RealEngine

RECORDINGS = Path(__file__).parent / "recordings"
FEW = ("phone_did_not_understand", "phone_which_folder", "phone_check_the_number")
ALL = tuple(path.stem for path in sorted(RECORDINGS.glob("*.wav")))


async def call(names: tuple[str, ...]) -> list[CallResult]:
    """A call for each recording, heard out."""
    engine = cast(EchoEngine, RealEngine("fixed-150"))
    options = CallOptions(pacing=Pacing(until_quiet_s=1.0))
    async with serving(engine, limits=Limits(calls=4)) as served:
        url = f"http://127.0.0.1:{served.port}"
        return [
            await place_call(url, [ScriptLine(load(RECORDINGS / f"{name}.wav"))], options)
            for name in names
        ]


def errors(said: list[str], heard: list[str]) -> float:
    return float(jiwer.wer([" ".join(words(s)) for s in said], [" ".join(words(h)) for h in heard]))


def by_ear(heard: NDArray[np.int16]) -> str:
    """The server's own sound (24 kHz), as its own ears understand it."""
    samples = soxr.resample(heard.astype(np.float32) / 32768, 24_000, EAR_RATE_HZ)
    return transcribe(Moonshine(), TranscriptionJob(samples), lambda: False).text


def assert_answered(results: list[CallResult]) -> None:
    turns = [turn for result in results for turn in result.turns]
    assert not any(turn.wait.missed for turn in turns)
    said = [turn.turn.transcript or "" for turn in turns]
    assert errors(said, [turn.words.transcript for turn in turns]) < 0.15
    for turn in turns:
        row = turn.words.row
        assert row is not None
        segments = cast(dict[str, float], row["segments"])
        assert sum(segments.values()) == pytest.approx(row["voice_to_voice_s"], abs=1e-9)


def assert_understood(results: list[CallResult], errors_at_most: float) -> None:
    """The robot's voice is hard on the ears, and figures come back as figures."""
    said = [" ".join(turn.words.answer for turn in result.turns) for result in results]
    assert errors(said, [by_ear(result.heard) for result in results]) < errors_at_most


def test_every_turn_is_heard_and_answered_and_the_answer_can_be_understood() -> None:
    results = asyncio.run(call(FEW))

    assert_answered(results)
    assert_understood(results, 0.5)  # three sentences: one that is misheard weighs heavily


@pytest.mark.soak
def test_every_recording_is_heard_and_answered_and_the_answers_can_be_understood() -> None:
    results = asyncio.run(call(ALL))

    assert_answered(results)
    assert_understood(results, 0.25)
