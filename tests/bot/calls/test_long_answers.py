"""An answer of very many short phrases, at clients that read as they can, on virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import numpy as np
import pytest

from bot.browser.codec import BrowserCodec
from bot.calls.connection import Seat, Send, serve
from bot.calls.farewell import CallOutcome, Farewell
from bot.calls.limits import Limits
from bot.calls.messages import Codec
from bot.phone.codec import TwilioCodec
from bot.server.telemetry import Metrics
from pipelines.cascade import Call, CallFormat, Services
from pipelines.core.exchange import Typed
from pipelines.services.protocols import SpeechChunk
from replay.virtual_time import run
from tests.bot.phone.speaking_twilio import CONNECTED, said, start
from tests.echo import FakeSocket, ready
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    paced,
)

Pace = Callable[[float], float]
"""Seconds that a client takes to read a message, at such a time."""


class ShortVoice:
    """`TextToSpeech`: so much sound for each phrase, at once."""

    rate_hz = 8000

    def __init__(self, sound_s: float) -> None:
        self.texts: list[str] = []
        self._samples = round(sound_s * self.rate_hz)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        self.texts.append(text)
        yield SpeechChunk(np.full(self._samples, 8000, np.int16))


class SlowSocket(FakeSocket):
    def __init__(self, pace: Pace, *script: str | bytes) -> None:
        super().__init__(*script)
        self._pace = pace

    async def send(self, message: str | bytes) -> None:
        await asyncio.sleep(self._pace(asyncio.get_running_loop().time()))
        await super().send(message)


def outcome(pace: Pace, *, phrases: int, sound_s: float, codec: Codec | None = None) -> CallOutcome:
    """How a call ends in which so many phrases are told, and whose client leaves after that."""
    voice = ShortVoice(sound_s)
    answer = paced("Yes. " * phrases, between_s=0.001)

    async def play() -> Farewell:
        model = ScriptedLanguageModel(lambda _: answer)
        ears, turn = ScriptedSpeechToText(lambda _: ""), ScriptedTurnModel(lambda _: 0.0)
        for service in (model, ears, turn):
            await service.open()
        services = Services(new_vad=ScriptedVad, stt=ears, turn=turn, llm=model, tts=voice)

        def new_call(form: CallFormat, send: Send) -> Call:
            call = Call(services, form, send)
            call.push(Typed("Go on."))
            return call

        opening = [ready()] if codec is None else [said(CONNECTED), said(start())]
        socket = SlowSocket(pace, *opening)
        door = codec or BrowserCodec("call-1", lambda: "noon")
        limits = Limits(idle_s=1000.0)
        async with asyncio.TaskGroup() as tasks:
            served = tasks.create_task(serve(socket, door, new_call, Metrics(), Seat(), limits))
            await asyncio.sleep(phrases * sound_s + 30.0)
            socket.inbox.put_nowait(None)
        return served.result()

    last = run(play())
    assert len(voice.texts) == phrases
    return last.outcome


def promptly(now: float) -> float:
    return 0.0


def slowly(now: float) -> float:
    """70 messages a second."""
    return 1 / 70


def stalled(now: float) -> float:
    """The network stands still for 15 s."""
    return max(0.0, 20.0 - now) if now >= 5.0 else 0.0


@pytest.mark.parametrize(
    ("pace", "phrases", "sound_s"),
    [
        (promptly, 600, 0.002),
        (promptly, 1100, 0.05),
        (promptly, 1500, 0.02),
        (slowly, 600, 0.01),
        (slowly, 600, 0.1),
        (slowly, 600, 0.3),
        (stalled, 600, 0.1),
        (stalled, 300, 0.3),
    ],
)
def test_an_answer_of_very_many_short_phrases_ends_no_call(
    pace: Pace, phrases: int, sound_s: float
) -> None:
    assert outcome(pace, phrases=phrases, sound_s=sound_s) is CallOutcome.LEFT


@pytest.mark.parametrize("pace", [promptly, stalled])
def test_a_telephone_that_stands_still_while_an_answer_is_told_ends_no_call(pace: Pace) -> None:
    last = outcome(pace, phrases=300, sound_s=0.1, codec=TwilioCodec())
    assert last is CallOutcome.LEFT
