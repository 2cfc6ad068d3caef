"""A whole telephone call on virtual time: a scripted caller, scripted models, Twilio's line."""

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.calls.connection import Seat, Send, serve
from bot.calls.farewell import Farewell
from bot.calls.limits import Limits
from bot.phone.codec import TwilioCodec
from bot.phone.line import LEAD_S, TelephoneConfig
from bot.server.telemetry import Metrics
from pipelines.cascade import Call, CallFormat, Services
from pipelines.core.commands import CommitReply, PauseReply, StartReply, StopReply
from pipelines.core.recording import Noted
from pipelines.services.protocols import ChatMessage, SpeechChunk
from replay.virtual_time import run
from tests.bot.phone.line import FRAME, RATE_HZ, TwilioLine
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    Step,
    ToneSpeech,
    paced,
)

STORY = " ".join(f"and then number{n} went on its way" for n in range(12)) + "."
ASKED = "a story"
BREAKS_IN = "wait again please"
LISTENS = "mhm"
CHARACTER = round(0.06 * RATE_HZ)
LEVEL = 8000


class EvenVoice:
    """`TextToSpeech`: each character lasts as long, so samples say what was heard."""

    rate_hz = RATE_HZ

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        yield SpeechChunk(np.full(CHARACTER * len(text), LEVEL, np.int16))


@dataclass
class Notes:
    """A `Recorder`."""

    commands: list[tuple[float, object]]

    def note(self, item: Noted, at_s: float) -> None:
        if isinstance(item, PauseReply | StopReply | CommitReply | StartReply):
            self.commands.append((at_s, item))

    def close(self) -> None: ...

    def when(self, kind: type) -> list[float]:
        return [at for at, item in self.commands if isinstance(item, kind)]


class Conversation:
    """A caller who asks for a story."""

    def __init__(
        self, *, way_s: float = 0.0, first_token_s: float = 0.05, story: str = STORY
    ) -> None:
        self._first_token_s = first_token_s
        self._story = story
        self.line = TwilioLine(way_s=way_s)
        self.notes = Notes([])
        self.voice = EvenVoice()
        self.llm = ScriptedLanguageModel(self._answer)
        self._tones = ToneSpeech(f"{ASKED} {BREAKS_IN} {LISTENS}")
        self._call: Call | None = None
        self.last: Farewell | None = None
        self.hung_up_s = self.over_s = 0.0

    def play_breaking_in(self, draw: random.Random, times: int) -> "Conversation":
        """Breaks in on the story so many times, and hangs up."""
        self.last = run(self._play(self._break_in(draw, times)))
        return self

    def play_listening(self, until_s: float) -> "Conversation":
        """Says that it listens, in the middle of the story, and hangs up in the end."""
        self.last = run(self._play(self._listen(until_s)))
        return self

    def play_leaving(self, after_s: float, *, dropping: bool) -> "Conversation":
        """Asks, and is gone so long after: with a `stop`, or without a word."""
        self.last = run(self._play(self._leave(after_s, dropping=dropping)))
        return self

    @property
    def kept(self) -> list[str]:
        """The history's part of each answer."""
        assert self._call is not None
        lines = self._call.conversation.lines
        return [line.text for line in lines if line.role == "assistant"]

    def _answer(self, messages: Sequence[ChatMessage]) -> list[Step]:
        return paced(self._story, first_s=self._first_token_s, between_s=0.005)

    async def _play(self, talk: Coroutine[None, None, None]) -> Farewell:
        stt, turn = ScriptedSpeechToText(self._tones.heard), ScriptedTurnModel(lambda audio: 0.95)
        for service in (self.llm, stt, turn, self.voice):
            await service.open()
        services = Services(new_vad=ScriptedVad, stt=stt, turn=turn, llm=self.llm, tts=self.voice)

        def new_call(form: CallFormat, send: Send) -> Call:
            form = replace(form, lead_s=LEAD_S)
            self._call = Call(services, form, send, recorder=self.notes)
            return self._call

        limits = TelephoneConfig().limits(Limits())
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(talk)
            last = await serve(self.line, TwilioCodec(), new_call, Metrics(), Seat(), limits)
            self.over_s = asyncio.get_running_loop().time()
            assert self.llm.answering == 0
            caller.cancel()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return last

    async def _leave(self, after_s: float, *, dropping: bool) -> None:
        await self._say("", 0.5)
        await self._say(ASKED, after_s)
        self.hung_up_s = asyncio.get_running_loop().time()
        if dropping:
            self.line.drop()
        else:
            self.line.hang_up()

    async def _listen(self, until_s: float) -> None:
        await self._say("", 0.5)
        await self._say(ASKED, 3.0)
        await self._say(LISTENS, until_s)
        self.line.hang_up()

    async def _break_in(self, draw: random.Random, times: int) -> None:
        await self._say("", 0.5)
        await self._say(ASKED, 1.0)
        for _ in range(times):
            frames = len(self.line.media)
            while len(self.line.media) == frames:
                await self._say("", 0.02)
            await self._say("", draw.uniform(0.2, 6.0))
            await self._say(BREAKS_IN, 1.5)
        self.line.hang_up()

    async def _say(self, words: str, at_least_s: float) -> None:
        speech = self._tones.spoken(words)[::2]  # the tones are below 4 kHz
        length = max(len(speech), round(at_least_s * RATE_HZ))
        tape = np.zeros(-(-length // FRAME) * FRAME, np.float32)
        tape[: len(speech)] = speech
        for at in range(0, len(tape), FRAME):
            await asyncio.sleep(FRAME / RATE_HZ)
            self.line.speak(tape[at : at + FRAME])
