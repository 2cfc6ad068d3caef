"""The real models, asked from virtual time: the clock stands still while they think.

They live on a thread and an event loop of their own, and each is loaded when it is first asked.
The cost of an answer on virtual time is the recording's figure for such a question; where there
is none, or the model is another one, it is what it took here.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.engines.demo_process import DemoProcess
from bot.settings import Settings
from bot.settings.latency_profile import LatencyProfile
from bot.wiring.ears import ears_for
from bot.wiring.model import language_model_for
from bot.wiring.voice import voice_for
from pipelines.core.recording import Model
from pipelines.services.onnx import OnnxModel
from pipelines.services.protocols import (
    AS_SET,
    EAR_RATE_HZ,
    ChatMessage,
    Delta,
    LanguageModel,
    Samples,
    Sampling,
    SpeechChunk,
    SpeechToText,
    TextToSpeech,
    Transcription,
    TranscriptionJob,
    TurnModel,
    VoiceActivity,
)
from pipelines.services.turn.turn_smart import SmartTurn
from pipelines.services.vad.vad_silero import SileroVad, load_silero
from replay.memory import Memory

T = TypeVar("T")


class Models:
    """Loaded as they are asked for; `close` is owed. Each method blocks. Raises ServiceError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="models", daemon=True)
        self._thread.start()
        self._opened: list[Any] = []
        self._silero: OnnxModel | None = None
        self._stt: SpeechToText | None = None
        self._turn: TurnModel | None = None
        self._llm: LanguageModel | None = None
        self._tts: TextToSpeech | None = None

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    @property
    def stt(self) -> SpeechToText:
        if self._stt is None:
            self._stt = self._open(ears_for(self._settings))
        return self._stt

    @property
    def turn(self) -> TurnModel:
        if self._turn is None:
            self._turn = self._open(SmartTurn())
        return self._turn

    @property
    def llm(self) -> LanguageModel:
        if self._llm is None:
            url = self._settings.llm_base_url
            if url is None:
                demo = DemoProcess(
                    self._settings.profile,
                    time_zone=self._settings.time_zone,
                )
                self._opened.append(demo)
                url = self.wait(demo.open())
            self._llm = self._open(language_model_for(self._settings, url))
        return self._llm

    @property
    def tts(self) -> TextToSpeech:
        if self._tts is None:
            self._tts = self._open(voice_for(self._settings))
        return self._tts

    @property
    def vad(self) -> VoiceActivity:
        """A new one for each call."""
        if self._silero is None:
            self._silero = load_silero()
        return SileroVad(self._silero)

    def close(self) -> None:
        for one in reversed(self._opened):
            self.wait(one.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _open(self, service: Any) -> Any:
        self._opened.append(service)
        self.wait(service.open())
        return service


@dataclass(slots=True)
class Costs:
    """The costs of answers on virtual time."""

    memory: Memory | None
    measured: frozenset[Model] = field(default_factory=frozenset)
    """Models that are others than in the recording: they cost what they take."""
    pace: LatencyProfile | None = None
    """The LLM's pace, whatever it takes."""

    def of(self, model: Model, took_s: float, size: float = 0.0) -> float:
        if model == "llm" and self.pace is not None:
            return self.pace.first_token_median_s
        known = None
        if self.memory is not None and model not in self.measured:
            known = self.memory.cost_s(model, size)
        return took_s if known is None else known

    def between_s(self, model: Model, took_s: float) -> float:
        if model == "llm" and self.pace is not None:
            return self.pace.between_s
        if self.memory is None or model in self.measured:
            return took_s
        return self.memory.between_s(model)


class AskedVad:
    """`VoiceActivity`. It costs nothing on virtual time, as it does in a call: 0.1 ms."""

    def __init__(self, models: Callable[[], Models]) -> None:
        self._vad = models().vad
        self.chunks = 0

    def probability(self, chunk: Samples) -> float:
        self.chunks += 1
        return self._vad.probability(chunk)

    def reset(self) -> None:
        self._vad.reset()


class ModelsAsked:
    """`SpeechToText`, `TurnModel`, `LanguageModel` and `TextToSpeech`, asked from virtual time."""

    def __init__(self, models: Callable[[], Models], costs: Costs) -> None:
        self._models = models
        self._costs = costs

    @property
    def rate_hz(self) -> int:
        return self._models().tts.rate_hz

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        stt = self._models().stt
        size_s = len(job.audio) / EAR_RATE_HZ
        answer, cost_s = await self._answer("stt", stt.transcribe(job), size_s)
        return replace(answer, queued_s=0.0, busy_s=cost_s)

    async def probability(self, audio: Samples) -> float:
        turn = self._models().turn
        return (await self._answer("turn", turn.probability(audio)))[0]

    def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        return self._pieces("llm", lambda models: models.llm.stream(messages, sampling))

    def synthesise(self, text: str, *, first: bool = False) -> AsyncGenerator[SpeechChunk, None]:
        return self._pieces("tts", lambda models: models.tts.synthesise(text, first=first))

    async def _answer(
        self, of: Model, coming: Coroutine[Any, Any, T], size_s: float = 0.0
    ) -> tuple[T, float]:
        """And what it costs."""
        began_s = time.perf_counter()
        answer = self._models().wait(coming)
        cost_s = self._costs.of(of, time.perf_counter() - began_s, size_s)
        await asyncio.sleep(cost_s)
        return answer, cost_s

    async def _pieces(
        self, of: Model, begin: Callable[[Models], AsyncGenerator[T, None]]
    ) -> AsyncGenerator[T, None]:
        models = self._models()
        stream = begin(models)  # loads it, which costs nothing
        for index, (after_s, piece) in enumerate(models.wait(_collected(stream))):
            cost = self._costs.between_s if index else self._costs.of
            await asyncio.sleep(cost(of, after_s))
            yield piece


async def _collected(stream: AsyncGenerator[T, None]) -> list[tuple[float, T]]:
    """All that a stream brings, each with the time since the one before."""
    pieces: list[tuple[float, T]] = []
    last_s = time.perf_counter()
    async for piece in stream:
        now_s = time.perf_counter()
        pieces.append((now_s - last_s, piece))
        last_s = now_s
    return pieces
