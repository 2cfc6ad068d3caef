"""A voice's program that has too much to say, with a program of a few lines."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from pipelines.services import minding
from pipelines.services.protocols import ServiceError, SpeechChunk
from pipelines.services.tts import tts_process
from pipelines.services.tts.tts_process import ProcessTextToSpeech
from pipelines.services.tts.voice_messages import VoiceMessageKind
from tests.patience import until

PROGRAM = """
import os, select
from pipelines.services.tts.voice_messages import (
    NUMBER, VoiceMessageKind as Kind, audio_message, message, take_messages,
)

endless, buffer = None, bytearray()
os.write(1, message(0, Kind.READY, NUMBER.pack(16000)))
while True:
    if endless is not None:
        os.write(1, audio_message(endless, bytes(320)) * 100)
    if not select.select([0], [], [], None if endless is None else 0)[0]:
        continue
    if not (data := os.read(0, 65536)):
        break
    buffer += data
    for job, kind, text in take_messages(buffer):
        if kind is Kind.CANCEL:
            endless = None
        elif kind is Kind.ASK:
            os.write(1, message(job, Kind.ALIVE))
        elif text == b"endless":
            endless = job
        elif text == b"unfinished":
            os.write(1, audio_message(job, bytes(320)))
        else:
            os.write(1, audio_message(job, bytes(320)) + message(job, Kind.DONE))
"""


def speaking(scenario: Callable[[ProcessTextToSpeech], Awaitable[None]]) -> None:
    async def with_voice() -> None:
        voice = ProcessTextToSpeech("the talker", [sys.executable, "-c", PROGRAM])
        await voice.open()
        try:
            await scenario(voice)
        finally:
            await voice.close()

    asyncio.run(with_voice())


async def chunks(stream: AsyncGenerator[SpeechChunk, None]) -> int:
    async with aclosing(stream):
        return len([chunk async for chunk in stream])


def test_a_voice_that_would_not_end_is_stopped_and_speaks_on_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tts_process, "MOST_REPLIES", 50)

    async def scenario(voice: ProcessTextToSpeech) -> None:
        with pytest.raises(ServiceError, match="the talker would not speak it") as caught:
            await chunks(voice.synthesise("endless"))
        assert not caught.value.retryable
        assert await chunks(voice.synthesise("hello")) == 1

    with capture_logs() as logs:
        speaking(scenario)
    assert [(line["event"], line["voice"]) for line in logs] == [
        ("a voice that would not end was stopped", "the talker")
    ]


def test_what_was_said_before_a_full_queue_is_heard_and_then_its_end() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        process = await voice._running()
        _, replies = process.say("unfinished", first=False)
        job = next(iter(process._jobs))
        for _ in range(tts_process.MOST_REPLIES - replies.qsize()):
            process._sort(job, VoiceMessageKind.AUDIO, b"")
        process._sort(job, VoiceMessageKind.DONE, b"")
        kinds = [replies.get_nowait()[0] for _ in range(replies.qsize())]
        assert kinds[:-1] == [VoiceMessageKind.AUDIO] * tts_process.MOST_REPLIES
        assert kinds[-1] is VoiceMessageKind.DONE

    speaking(scenario)


def test_one_job_too_many_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tts_process, "MOST_JOBS", 1)

    async def scenario(voice: ProcessTextToSpeech) -> None:
        async with aclosing(voice.synthesise("unfinished")) as unfinished:
            assert len((await anext(unfinished)).pcm) == 160
            with pytest.raises(ServiceError, match="has too much to say") as caught:
                await chunks(voice.synthesise("hello"))
            assert caught.value.retryable
        assert await chunks(voice.synthesise("hello")) == 1

    speaking(scenario)


def stopped(voice: ProcessTextToSpeech) -> int:
    assert voice._process is not None
    pid = voice._process._transport.get_pid()
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_voice_that_is_stopped_while_nobody_speaks_is_found_out_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(minding, "ASK_EVERY_S", 0.1)
    monkeypatch.setattr(minding, "HUNG_S", 0.5)

    async def scenario(voice: ProcessTextToSpeech) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(voice.minder.run())
            pid = stopped(voice)
            await until(lambda: voice.minder.trouble is not None, 0.01)
            await until(lambda: voice.minder.trouble is None, 0.01)
            assert voice._process is not None
            assert voice._process._transport.get_pid() != pid
            assert await chunks(voice.synthesise("hello")) == 1
            running.cancel()

    speaking(scenario)


@pytest.mark.parametrize("text", ["", "unfinished", "endless"])
def test_a_voice_says_that_it_is_there_also_while_it_speaks(text: str) -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        process = await voice._running()
        if text:
            process.say(text, first=False)
        assert await voice._is_there()

    speaking(scenario)
