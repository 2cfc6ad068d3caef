"""Calls that listen, in real time: through our ears, and through stock Pipecat's Moonshine.

Each call is fed 20 ms at a time, by the clock. It measures the time from the moment that
the frame with the last sample of speech was handed over (by the recording's label) to the last
final transcript of that speech: deciding that somebody is silent is in it, for both. Neither
side has a turn model, an LLM or a voice beside it here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from moonshine_voice import Transcriber
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import Frame, InputAudioRawFrame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from bench.ears import EarsAlone
from bench.stock_pipecat import WheelMoonshine
from bench.stt_corpus import SttRecording, SttWordErrors, word_errors
from pipelines.core.events import Transcribed, TurnFact
from pipelines.services.onnx import OnnxModel
from pipelines.services.protocols import EAR_RATE_HZ, Samples, SpeechToText
from pipelines.services.vad.vad_silero import SileroVad

FRAME_S = 0.02
FRAME = round(EAR_RATE_HZ * FRAME_S)
AFTER_S = 1.5
"""Silence after a recording."""
MISSED_S = 5.0
"""The silence goes on for so long where there is no final; later ones are missed."""
TICK_S = 0.005
"""How often the event loop's lag is asked for."""


@dataclass(frozen=True, slots=True)
class TranscribedRecording:
    """One recording, in one call."""

    engine: str
    calls: int
    recording: str
    length_s: float
    final_s: float | None
    """From the last sample to the final; None if there was none."""
    text: str
    errors: SttWordErrors


@dataclass
class ConcurrencyLevel:
    """So many calls at once."""

    heard: list[TranscribedRecording] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)


class TranscribingListener(Protocol):
    """A pipeline that is fed frames, and notes its finals with their times."""

    finals: list[tuple[float, str]]
    joins: bool
    """A turn's text is that of all its finals; else the last one's."""

    def stages(self) -> list[FrameProcessor]: ...

    def forget(self, media_s: float) -> None:
        """The next recording is a new one."""
        ...


class _NeverOver:
    """`TurnModel`: no turn ends by its sound, so that only transcription takes time."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def probability(self, audio: Samples) -> float:
        return 0.0


class OurEars:
    joins = False

    def __init__(self, stt: SpeechToText, silero: OnnxModel) -> None:
        self.finals: list[tuple[float, str]] = []
        self._ears = EarsAlone(SileroVad(silero), stt, _NeverOver(), self._note)

    def stages(self) -> list[FrameProcessor]:
        return [self._ears.stage]

    def forget(self, media_s: float) -> None:
        self._ears.forget(media_s)

    def _note(self, fact: TurnFact) -> None:
        if isinstance(fact, Transcribed) and fact.final:
            self.finals.append((asyncio.get_running_loop().time(), fact.text))


class StockEars:
    joins = True

    def __init__(self, transcriber: Transcriber) -> None:
        self.finals: list[tuple[float, str]] = []
        self._stages = [
            VADProcessor(vad_analyzer=SileroVADAnalyzer()),
            WheelMoonshine(transcriber),
            _Sink(self.finals),
        ]

    def stages(self) -> list[FrameProcessor]:
        return list(self._stages)

    def forget(self, media_s: float) -> None: ...


class _Sink(FrameProcessor):
    def __init__(self, finals: list[tuple[float, str]]) -> None:
        super().__init__(enable_direct_mode=True)
        self._finals = finals

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self._finals.append((self.get_event_loop().time(), frame.text))
        await self.push_frame(frame, direction)


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the recordings that are played, and by how many calls."""

    engine: str
    new: Callable[[], TranscribingListener]
    calls: int
    items: Sequence[SttRecording]


async def at_once(round_: Round, tell: Callable[[], None] = lambda: None) -> ConcurrencyLevel:
    """Every call plays every item, each in an order and from a moment of its own."""
    level = ConcurrencyLevel()
    async with asyncio.TaskGroup() as tasks:
        lag = tasks.create_task(_measure_lag(level.lags_s))
        async with asyncio.TaskGroup() as playing:
            for number in range(round_.calls):
                playing.create_task(_call(round_, number, level, tell))
        lag.cancel()
    return level


async def _call(
    round_: Round, number: int, level: ConcurrencyLevel, tell: Callable[[], None]
) -> None:
    listener, chance, frames = round_.new(), random.Random(number), 0
    order = chance.sample(list(round_.items), len(round_.items))
    await asyncio.sleep(chance.random())
    async with _running(listener) as worker:
        for item in order:
            final_s, text, played = await _play(worker, listener, item)
            errors = word_errors(item.transcript, text)
            level.heard.append(
                TranscribedRecording(
                    round_.engine, round_.calls, item.name, item.length_s, final_s, text, errors
                )
            )
            frames += played
            listener.forget(frames * FRAME_S)
            tell()


async def _play(
    worker: PipelineWorker, listener: TranscribingListener, item: SttRecording
) -> tuple[float | None, str, int]:
    """The time to the final, the text, and how many frames were played."""
    now = asyncio.get_running_loop().time
    listener.finals.clear()
    pcm = np.concatenate((item.pcm, np.zeros(round(MISSED_S * EAR_RATE_HZ), np.int16)))
    ends_in, enough = int(item.end_s / FRAME_S), _frames(item)
    due, ended_at, played = now(), 0.0, 0
    while played < enough or (not listener.finals and (played + 1) * FRAME <= len(pcm)):
        due += FRAME_S
        await asyncio.sleep(due - now())
        piece = pcm[played * FRAME : (played + 1) * FRAME]
        await worker.queue_frame(InputAudioRawFrame(piece.tobytes(), EAR_RATE_HZ, 1))
        if played == ends_in:
            ended_at = now()
        played += 1
    finals = list(listener.finals)
    if not finals:
        return None, "", played
    text = " ".join(text for _, text in finals) if listener.joins else finals[-1][1]
    return max(0.0, finals[-1][0] - ended_at), text, played


def _frames(item: SttRecording) -> int:
    return -(-len(item.pcm) // FRAME) + round(AFTER_S / FRAME_S)


@asynccontextmanager
async def _running(listener: TranscribingListener) -> AsyncIterator[PipelineWorker]:
    worker = PipelineWorker(
        Pipeline(listener.stages()),
        params=PipelineParams(audio_in_sample_rate=EAR_RATE_HZ),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.run())
        try:
            yield worker
        finally:
            await runner.cancel()


async def _measure_lag(lags_s: list[float]) -> None:
    """How late the event loop is for a timer, again and again."""
    now = asyncio.get_running_loop().time
    while True:
        due = now() + TICK_S
        await asyncio.sleep(TICK_S)
        lags_s.append(max(0.0, now() - due))


def handed_out(transcribers: Iterator[Transcriber]) -> Callable[[], TranscribingListener]:
    """Stock ears on shared models: one for each core, in turn."""
    return lambda: StockEars(next(transcribers))
