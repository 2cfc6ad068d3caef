"""One call on virtual time: a person on a script, scripted models, a page that plays and reports.

Speech is tones (`ToneSpeech`), so what the ears make of it depends on what they are given. Each
word of the voice has a level of its own, so what the page has played says which words, whose,
and how much of each.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from client.caller.player import Loudspeaker
from pipelines.cascade import Between, Call, CallFormat, Policies, Services
from pipelines.core.exchange import (
    AudioIn,
    AudioOut,
    Caption,
    Flush,
    FromCaller,
    Played,
    StateChanged,
    ToCaller,
    TurnMeasured,
)
from pipelines.core.hearing.intake import STALL_S
from pipelines.core.memory.entry import HistoryEntry
from pipelines.core.recording import Recorder
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    ChatMessage,
    LanguageModel,
    PromptCache,
    Samples,
    ServiceError,
    SpeechChunk,
    SpeechToText,
    SpokenWord,
    TranscriptionJob,
    TurnModel,
    VoiceActivity,
)
from replay.virtual_time import run
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    Step,
    ToneSpeech,
    paced,
)

FRAME_S = 0.02
RATE_HZ = 24_000
REPORT_S = 0.1
FIRST_LEVEL, LAST_LEVEL = 1000, 32000


# ---- the script ----


@dataclass(frozen=True, slots=True)
class Cue:
    at_s: float
    does: "str | FromCaller"
    """Words to say from then on, or something that the page sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything around the script."""

    answers: Callable[[Sequence[ChatMessage]], Iterable[Step]] = field(
        default=lambda messages: paced(f"You said {messages[-1].content}")
    )
    llm: Callable[[], AbstractAsyncContextManager[LanguageModel]] | None = None
    """Instead of the one that gives `answers`; not open yet."""
    prompts: PromptCache | None = None
    microphone: bool = True
    """False: no audio comes in, for those who only type."""
    score: Callable[[Samples], float] = lambda audio: 0.95
    """The turn model's."""
    stt_fails: Callable[[TranscriptionJob], bool] = lambda job: False
    stt_busy_s: float = 0.02
    stt: SpeechToText | None = None
    """Instead of the ears that know the tones."""
    vad: Callable[[], VoiceActivity] = ScriptedVad
    turn: TurnModel | None = None
    sound: NDArray[np.float32] | None = None
    """Sound that the microphone hears besides, at 16 kHz, from the beginning of the call."""
    voice: "Callable[..., LevelVoice] | None" = None
    """Makes one of another kind."""
    tts_first_s: float = 0.005
    tts_fails: Callable[[str], bool] = lambda text: False
    tts_is_silent: Callable[[str], bool] = lambda text: False
    """The voice ends these without a sample."""
    flushes: bool = True
    """The page obeys `Flush` and reports `Played`; a stock client does neither."""
    lead_s: float | None = None
    stall_s: float = STALL_S
    """How long no sound comes until that counts as silence."""
    way_s: float = 0.0
    """From the server to the page, and as long back."""
    socket_s: float = 0.0
    """Time that the connection takes to give a frame to the socket."""
    arrivals: Callable[[int], float] = lambda frame: (frame + 1) * FRAME_S
    """When the microphone's frames reach the server. They come in order whatever it says."""
    until_s: float = 12.0
    policies: Policies | None = None
    recorder: Recorder | None = None
    between: Callable[[], Between] = dict
    """Processors of others."""


class LevelVoice:
    """`TextToSpeech`: every word it ever speaks is a level of its own, 60 ms a character."""

    rate_hz = RATE_HZ

    def __init__(
        self,
        first_audio_s: float,
        fails: Callable[[str], bool],
        is_silent: Callable[[str], bool],
    ) -> None:
        self.words: list[tuple[str, int]] = []
        """By level: the word, and its samples."""
        self.texts: list[str] = []
        self._first_audio_s = first_audio_s
        self._fails = fails
        self._is_silent = is_silent

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        self.texts.append(text)
        await asyncio.sleep(self._first_audio_s)
        if self._fails(text):
            raise ServiceError("tts", "scripted", retryable=True)
        start_s = 0.0
        for word in () if self._is_silent(text) else text.split():
            length_s = 0.06 * (len(word) + 1)
            samples = round(length_s * RATE_HZ)
            level = FIRST_LEVEL + len(self.words)
            assert level < LAST_LEVEL
            self.words.append((word, samples))
            yield SpeechChunk(np.full(samples, level, np.int16), (SpokenWord(word, start_s),))
            start_s += length_s


# ---- what came of it ----


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One stretch of the loudspeaker's time in which one word was heard."""

    text: str
    level: int
    start_s: float
    end_s: float
    share: float
    """The part of the word's samples."""


@dataclass
class Rehearsed:
    sent: list[tuple[float, ToCaller]]
    heard: list[HeardWord]
    history: tuple[HistoryEntry, ...]
    llm: ScriptedLanguageModel
    stt: ScriptedSpeechToText
    turn: ScriptedTurnModel
    voice: LevelVoice
    asked_s: list[float]
    """When each request to the language model was made."""
    streams_beside: list[int]
    """How many others were open then."""
    streams_open: int
    """At the end of the call."""
    ended_s: float | None
    """When the bot ended the call."""
    errors: list[str]
    """Errors that pipecat logged, where exceptions in a stage end, or that broke the call."""
    tasks_left: set[str]

    @property
    def heard_text(self) -> str:
        return " ".join(word.text for word in self.heard)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(line.role, line.text) for line in self.history]

    def captions(self, speaker: str, *, final: bool) -> list[str]:
        return [caption.text for _, caption in self.captioned(speaker, final=final)]

    def captioned(self, speaker: str, *, final: bool) -> list[tuple[float, Caption]]:
        return [
            (at, item)
            for at, item in self.sent
            if isinstance(item, Caption) and item.speaker == speaker and item.final == final
        ]

    @property
    def states(self) -> list[str]:
        return [item.state for _, item in self.sent if isinstance(item, StateChanged)]

    @property
    def shown(self) -> list[tuple[float, str]]:
        return [(at, item.state) for at, item in self.sent if isinstance(item, StateChanged)]

    @property
    def rows(self) -> list[dict[str, object]]:
        return [dict(item.row) for _, item in self.sent if isinstance(item, TurnMeasured)]

    @property
    def questions(self) -> list[str]:
        """The last message of each request to the language model."""
        return [request[-1].content for request in self.llm.requests]


# ---- the rehearsal ----


def rehearse(*cues: Cue, scene: Scene | None = None, **changes: Any) -> Rehearsed:
    """Plays the cues at a `Call` on virtual time. `changes` are fields of `Scene`."""
    scene = replace(scene or Scene(), **changes)
    with _errors() as errors:
        rehearsed = run(_Rehearsal(cues, scene).play(errors))
    rehearsed.errors = errors
    return rehearsed


def speech_end(cue: Cue) -> float:
    """When the last sound of a spoken cue ends."""
    assert isinstance(cue.does, str)
    return cue.at_s + 0.35 * len(cue.does.split()) - 0.1


def says(at_s: float, words: str) -> Cue:
    """A word takes 0.25 s, with 0.1 s between two."""
    return Cue(at_s, words)


def does(at_s: float, event: FromCaller) -> Cue:
    return Cue(at_s, event)


@contextlib.contextmanager
def _errors() -> Iterator[list[str]]:
    errors: list[str] = []
    with contextlib.suppress(ValueError):
        logger.remove(0)  # what it would write to stderr is most of a rehearsal's time
    sink = logger.add(lambda message: errors.append(str(message)), level="ERROR")
    try:
        yield errors
    finally:
        logger.remove(sink)


class _Rehearsal:
    def __init__(self, cues: Sequence[Cue], scene: Scene) -> None:
        self._scene = scene
        self._cues = cues
        spoken = " ".join(cue.does for cue in cues if isinstance(cue.does, str))
        self._tones = ToneSpeech(spoken)
        new_voice = scene.voice or LevelVoice
        self._voice = new_voice(scene.tts_first_s, scene.tts_fails, scene.tts_is_silent)
        self._llm = ScriptedLanguageModel(self._answer)
        self._stt = ScriptedSpeechToText(
            self._tones.heard, busy_s=scene.stt_busy_s, fails=scene.stt_fails
        )
        self._turn = ScriptedTurnModel(scene.score)
        self._page = Loudspeaker(rate_hz=RATE_HZ)
        self._sent: list[tuple[float, ToCaller]] = []
        self._asked: list[float] = []
        self._ended_s: float | None = None
        self._beside: list[int] = []
        self._travelling: deque[Callable[[], None]] = deque()

    async def play(self, errors: list[str]) -> Rehearsed:
        """Exceptions within the call are written into `errors`."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, broken: errors.append(str(broken)))
        if self._scene.llm is None:
            return await self._play(self._llm)
        async with self._scene.llm() as llm:
            return await self._play(llm)

    async def _play(self, llm: LanguageModel) -> Rehearsed:
        before = asyncio.all_tasks()
        ears = self._scene.stt or self._stt
        turn = self._scene.turn or self._turn
        for service in (llm, ears, turn, self._voice):
            await service.open()
        lead_s = self._scene.lead_s
        form = CallFormat(
            in_rate_hz=EAR_RATE_HZ,
            out_rate_hz=RATE_HZ,
            lead_s=lead_s if lead_s is not None else (0.2 if self._scene.flushes else 0.06),
            reports_playout=self._scene.flushes,
            stall_s=self._scene.stall_s,
        )
        services = Services(
            new_vad=self._scene.vad,
            stt=ears,
            turn=turn,
            llm=llm,
            tts=self._voice,
            prompts=self._scene.prompts,
            between=self._scene.between,
        )
        scene = self._scene
        self._call = Call(services, form, self._send, scene.policies, scene.recorder)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._call.run())
            running.add_done_callback(self._note_end)
            page = tasks.create_task(self._report())
            for cue in self._cues:
                if not isinstance(cue.does, str):
                    tasks.create_task(self._act(cue.at_s, cue.does))
            await self._speak()
            await asyncio.sleep(max(0.0, self._scene.until_s - self._now()))
            streams_open = self._llm.answering
            ended_s = self._ended_s
            page.cancel()
            running.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        return Rehearsed(
            sent=self._sent,
            heard=self._heard(),
            history=self._call.conversation.lines,
            llm=self._llm,
            stt=self._stt,
            turn=self._turn,
            voice=self._voice,
            asked_s=self._asked,
            streams_beside=self._beside,
            streams_open=streams_open,
            ended_s=ended_s,
            errors=[],
            tasks_left={task.get_name() for task in asyncio.all_tasks() - before},
        )

    def _note_end(self, running: asyncio.Task[None]) -> None:
        self._ended_s = self._now()

    # ---- the person ----

    def _tape(self) -> NDArray[np.int16]:
        tape = np.zeros(round(self._scene.until_s * EAR_RATE_HZ), np.float32)
        for cue in self._cues:
            if isinstance(cue.does, str):
                spoken = self._tones.spoken(cue.does)
                at = round(cue.at_s * EAR_RATE_HZ)
                spoken = spoken[: max(0, len(tape) - at)]
                tape[at : at + len(spoken)] += spoken
        if self._scene.sound is not None:
            tape += self._scene.sound[: len(tape)]
        return (tape * 32767).astype(np.int16)

    async def _speak(self) -> None:
        tape, size = self._tape(), round(FRAME_S * EAR_RATE_HZ)
        for frame in range(len(tape) // size if self._scene.microphone else 0):
            await _until(self._scene.arrivals(frame))
            pcm = tape[frame * size : (frame + 1) * size]
            self._call.push(AudioIn(pcm.tobytes()))

    async def _act(self, at_s: float, event: FromCaller) -> None:
        await _until(at_s)
        self._call.push(event)

    def _answer(self, messages: Sequence[ChatMessage]) -> Iterable[Step]:
        self._asked.append(self._now())
        self._beside.append(self._llm.answering - 1)
        return self._scene.answers(messages)

    # ---- the page ----

    def _send(self, item: ToCaller) -> None:
        now = self._now()
        self._sent.append((now, item))
        if isinstance(item, AudioOut) and item.tell:
            asyncio.get_running_loop().call_later(self._scene.socket_s, self._hand_over, item)
        self._on_its_way(lambda: self._receive(item))

    def _hand_over(self, item: AudioOut) -> None:
        self._call.push(item.sent(self._now()))

    def _receive(self, item: ToCaller) -> None:
        match item:
            case AudioOut(pcm):
                self._page.add(np.frombuffer(pcm, np.int16), self._now())
            case Flush(generation) if self._scene.flushes:
                before = self._page.flush(generation, self._now())
                self._tell(Played(before.generation, before.samples))
            case _:
                pass

    async def _report(self) -> None:
        while self._scene.flushes:
            await asyncio.sleep(REPORT_S)
            played = self._page.played(self._now())
            self._tell(Played(played.generation, played.samples))

    def _tell(self, report: Played) -> None:
        self._on_its_way(lambda: self._call.push(report))

    def _on_its_way(self, arrive: Callable[[], None]) -> None:
        """Either way takes as long, so what is sent first arrives first: timers alone do not."""
        if not self._scene.way_s:
            arrive()
            return
        self._travelling.append(arrive)
        loop = asyncio.get_running_loop()
        loop.call_later(self._scene.way_s, lambda: self._travelling.popleft()())

    def _heard(self) -> list[HeardWord]:
        line = self._page.timeline(0.0, self._scene.until_s)
        heard, at = [], 0
        for level, run_ in itertools.groupby(line.tolist()):
            length = len(list(run_))
            if level >= FIRST_LEVEL:
                word, samples = self._voice.words[level - FIRST_LEVEL]
                start_s = at / RATE_HZ
                end_s = (at + length) / RATE_HZ
                heard.append(HeardWord(word, level, start_s, end_s, length / samples))
            at += length
        return heard

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def _until(at_s: float) -> None:
    """Waits, unless it is due already."""
    if (left_s := at_s - asyncio.get_running_loop().time()) > 1e-6:
        await asyncio.sleep(left_s)
