"""The examples work as they stand. The client is tried at a real server, over a socket."""

import asyncio
import io
import sys
import wave
from contextlib import aclosing
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from bot.settings import Settings
from bot.wiring.clock import clock_for
from bot.wiring.imported import function_at
from bot.wiring.tools import tools_for
from client.caller.speech_file import load
from examples.client import main
from examples.command_ears import CommandEars
from examples.command_voice import CommandVoice
from pipelines.core.memory.tool_runs import Repeats
from pipelines.services.protocols import ServiceError, TranscriptionJob
from pipelines.services.stt.stt_pipecat import PipecatSpeechToText
from pipelines.services.tts.tts_pipecat import PipecatTextToSpeech
from tests.echo import EchoEngine
from tests.serving import serving
from tests.test_leaks import RealEngine

ROOT = Path(__file__).parents[2]

SPEAKS = """
import sys, wave
with wave.open(sys.stdout.buffer, "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(sys.argv[1].encode() * 100)
"""
"""The text itself is the sound, a hundred times."""

HEARS = """
import sys, wave
with wave.open(sys.argv[1]) as sound:
    print(f"{sound.getframerate()} Hz")
"""


def program(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


async def say(voice: PipecatTextToSpeech, text: str) -> bytes:
    await voice.open()
    try:
        async with aclosing(voice.synthesise(text)) as chunks:
            return b"".join([chunk.pcm.tobytes() async for chunk in chunks])
    finally:
        await voice.close()


async def hear(ears: PipecatSpeechToText) -> str:
    await ears.open()
    try:
        noise = np.sin(np.arange(8_000, dtype=np.float32))
        return (await ears.transcribe(TranscriptionJob(noise))).text
    finally:
        await ears.close()


def test_the_tools_are_offered_and_answer() -> None:
    names = ("opening_hours", "book_table")
    named = [f"{ROOT}/examples/shop.py:{name}" for name in names]
    settings = Settings.model_validate({"llm_tools": named})
    hours, booking = tools_for(settings, clock_for(settings))
    assert hours.arguments('{"day": "sunday"}') == {"day": "sunday"}
    assert (booking.repeats, booking.run_id) == (Repeats.NEVER, "run_id")
    assert "run_id" not in str(booking.schema)


def test_a_program_that_writes_a_wav_is_a_voice() -> None:
    voice = PipecatTextToSpeech(new_service=lambda: CommandVoice(*program(SPEAKS)))
    assert asyncio.run(say(voice, "Good day.")) == b"Good day." * 100
    assert voice.rate_hz == 16_000


def test_a_program_that_fails_is_a_voice_that_fails() -> None:
    voice = PipecatTextToSpeech(new_service=lambda: CommandVoice(*program("raise SystemExit(3)")))
    with pytest.raises(ServiceError, match="ended with 3"):
        asyncio.run(say(voice, "Good day."))


def test_a_program_that_prints_words_has_ears() -> None:
    ears = PipecatSpeechToText(new_service=lambda: CommandEars(*program(HEARS)))
    assert asyncio.run(hear(ears)) == "16000 Hz"


def test_a_program_that_fails_has_ears_that_fail() -> None:
    ears = PipecatSpeechToText(new_service=lambda: CommandEars(*program("raise SystemExit(3)")))
    with pytest.raises(ServiceError, match="ended with 3"):
        asyncio.run(hear(ears))


@pytest.mark.parametrize("name", ["command_voice", "command_ears"])
def test_an_adapter_is_found_by_the_name_that_a_setting_gives(name: str) -> None:
    assert callable(function_at(f"examples.{name}:new_service", "TTS_MODEL"))


def test_the_client_is_heard_and_keeps_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    spoken = load(ROOT / "tests" / "recordings" / "phone_which_folder.wav")
    with wave.open(str(question), "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(spoken.pcm.tobytes())

    async def scenario() -> None:
        async with serving(cast(EchoEngine, RealEngine())) as served:
            server = f"http://127.0.0.1:{served.port}"
            await asyncio.to_thread(main, str(question), str(answer), server)

    asyncio.run(scenario())
    printed = capsys.readouterr().out
    assert "\nyou: Which folder" in printed
    assert "\nbot: You said:" in printed
    with wave.open(io.BytesIO(answer.read_bytes())) as sound:
        assert sound.getnframes() > 24_000
