"""The ears' reports of a recording: the real stage with the real models, on virtual time.

The models run in line; what a job costs on the clock is a stated model of a calm machine, so that
two observations of one recording are equal.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from bench.ears import EarsAlone
from pipelines.core.events import SpeechPaused, SpeechStarted, TurnFact
from pipelines.core.hearing.dictation import DictationPolicy
from pipelines.core.hearing.voicing import VoicingPolicy
from pipelines.services.protocols import EAR_RATE_HZ, Samples, Transcription, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stt_moonshine import transcribe
from pipelines.services.turn.turn_smart import load_smart_turn, turn_probability
from pipelines.services.vad.vad_silero import SileroVad, load_silero
from replay import virtual_time

FRAME = EAR_RATE_HZ // 50
STT_COST_S = 0.008
STT_COST_PER_S = 0.007
TURN_COST_S = 0.05
SCORE_AGAIN_S = 0.14
LAST_SCORE_S = 0.7
SILENCE_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Observed:
    """A fact, and the media time at which it was known."""

    at_s: float
    fact: TurnFact


class InlineStt:
    """The embedded ears without threads: the answer at once, the cost on the clock."""

    def __init__(self, model: Moonshine) -> None:
        self._model = model

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        found = transcribe(self._model, job, lambda: False)
        cost_s = STT_COST_S + STT_COST_PER_S * len(job.audio) / EAR_RATE_HZ
        await asyncio.sleep(cost_s)
        return replace(found, busy_s=cost_s)


class InlineTurnModel:
    def __init__(self) -> None:
        self._model = load_smart_turn()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probability(self, audio: Samples) -> float:
        probability = turn_probability(self._model, audio)
        await asyncio.sleep(TURN_COST_S)
        return probability


class _Notebook:
    """Writes down every fact, and asks the turn model again and again in every pause."""

    def __init__(self, score: Callable[[float], None]) -> None:
        self.facts: list[Observed] = []
        self._score = score
        self._asks: list[tuple[float, float]] = []

    def note(self, fact: TurnFact) -> None:
        now = asyncio.get_running_loop().time()
        self.facts.append(Observed(now, fact))
        if isinstance(fact, SpeechPaused):
            steps = np.arange(0.0, LAST_SCORE_S, SCORE_AGAIN_S)
            self._asks = [(now + step, fact.media_s) for step in steps]
        elif isinstance(fact, SpeechStarted):
            self._asks = []
        while self._asks and now >= self._asks[0][0] - 1e-6:
            _, paused_s = self._asks.pop(0)
            self._score(paused_s)


class Observatory:
    """The models, loaded once, for any number of recordings."""

    def __init__(
        self,
        voicing: VoicingPolicy | None = None,
        dictation: DictationPolicy | None = None,
        silence_after_s: float = SILENCE_AFTER_S,
    ) -> None:
        self._silero = load_silero()
        self._stt = InlineStt(Moonshine())
        self._turn = InlineTurnModel()
        self._voicing = voicing or VoicingPolicy()
        self._dictation = dictation or DictationPolicy()
        self._silence_after_s = silence_after_s

    def observe(self, samples: Samples) -> Sequence[Observed]:
        """`samples`: shape (n,) at 16 kHz. LabelledSilence follows them."""
        pcm = np.concatenate((samples, np.zeros(round(self._silence_after_s * EAR_RATE_HZ))))
        return virtual_time.run(self._play((pcm * 32767).astype("<i2")))

    async def _play(self, pcm: NDArray[np.int16]) -> Sequence[Observed]:
        notebook = _Notebook(lambda paused_s: ears.score(paused_s))
        ears = EarsAlone(
            SileroVad(self._silero),
            self._stt,
            self._turn,
            notebook.note,
            self._voicing,
            self._dictation,
        )
        worker = PipelineWorker(
            Pipeline([ears.stage]),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.ensure_future(runner.run())
        await asyncio.sleep(0.1)
        start = asyncio.get_running_loop().time()
        for index in range(len(pcm) // FRAME):
            await asyncio.sleep(start + 0.02 * (index + 1) - asyncio.get_running_loop().time())
            frame = pcm[index * FRAME : (index + 1) * FRAME]
            await worker.queue_frame(InputAudioRawFrame(frame.tobytes(), EAR_RATE_HZ, 1))
        await asyncio.sleep(0.1)
        await runner.cancel()
        await running
        return [Observed(o.at_s - start, o.fact) for o in notebook.facts]
