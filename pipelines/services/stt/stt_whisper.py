"""Speech to text by faster-whisper: one model for all calls, whose jobs go through it together.

No speech is known by Whisper's own three marks (OpenAI's thresholds): a window that the model takes
for empty, an answer that it does not believe itself, and a text that repeats itself to the end of
the room that the sound has for tokens. There is no second try at a higher temperature: it takes as
long again, and makes words up.
"""

import asyncio
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.sample import somebody_speaks
from pipelines.services.stt.stretches import check_samples, is_silent, split_at_quiet
from pipelines.services.stt.whisper import (
    DecodedStretch,
    Device,
    Whisper,
    best_compute_type,
    cuda_devices,
)
from pipelines.services.workers import CalledOff, Workers

SHORTEST_S = 0.1
LONGEST_S = 28.0
"""So much of the 30 s that a window holds is used. Longer audio is split."""
NO_SPEECH = 0.6
LEAST_CONFIDENCE = -1.0
LEAST_CONFIDENCE_IN_SILENCE = -0.5
"""Words have to be likelier than guesses where the model thinks that nobody spoke."""
MOST_REPETITION = 2.4
BATCH = 8
"""Jobs in one go on a GPU. On a CPU the encoder's cost grows with each, and nothing is gained."""
HUMAN_PACE_S = 0.25
"""Seconds that a final may take if the whole answer is to come within half a second."""
TRIED_ON_S = 3.0
TRIES = 3


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The words of one job, as far as they have been found."""

    text: str
    tokens: tuple[int, ...]
    confidence: float


@dataclass(kw_only=True)
class WhisperSpeechToText:
    """`SpeechToText`: finals first, a bounded queue. When more than `queue_limit` jobs wait, the
    oldest partial gives way with a retryable `ServiceError`.
    """

    folder: Path
    """The folder of a CTranslate2 model."""
    device: Device | None = None
    """None takes CUDA where there is one."""
    compute_type: str | None = None
    """As CTranslate2 names it; None is the fastest that keeps the words."""
    language: str | None = None
    """As in "en"; None detects it in each job."""
    batch: int | None = None
    """Jobs in one go; None is `BATCH` on CUDA, and 1 on a CPU."""
    longest_s: float = LONGEST_S
    queue_limit: int = 64
    says: str = field(default="not open", init=False)
    """Its device, and how long a final takes there: measured when it was opened."""
    _model: Whisper | None = field(default=None, init=False)
    _workers: Workers | None = field(default=None, init=False)

    async def open(self) -> None:
        device: Device = self.device or ("cuda" if await asyncio.to_thread(cuda_devices) else "cpu")
        self._model = await asyncio.to_thread(self._load, device)
        batch = self.batch or (BATCH if device == "cuda" else 1)
        self._workers = Workers("stt", threads=1, limit=self.queue_limit, most=batch)
        await self._try_out(device)

    def _load(self, device: Device) -> Whisper:
        return Whisper(
            self.folder,
            device=device,
            compute_type=self.compute_type or best_compute_type(device),
            threads=os.cpu_count() or 1,
            language=self.language,
        )

    async def _try_out(self, device: Device) -> None:
        """The first jobs are slower than all others: nobody has to wait for those."""
        job = TranscriptionJob(await asyncio.to_thread(somebody_speaks, TRIED_ON_S), final=True)
        took = [(await self.transcribe(job)).busy_s for _ in range(TRIES)]
        assert self._model is not None
        where = "on CUDA" if device == "cuda" else "on this machine's CPU"
        took_s = statistics.median(took[1:])
        slow = ": too slow for human pace" if took_s > HUMAN_PACE_S else ""
        self.says = (
            f"{self.folder.name} as {self._model.compute_type} {where}, "
            f"{1000 * took_s:.0f} ms to a final{slow}"
        )

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        model, workers = self._model, self._workers
        if model is None or workers is None:
            raise ServiceError("stt", "is not open", retryable=False)
        check_samples(job.audio)
        worked = await workers.ask(self._transcribe, job, urgent=job.final)
        found = worked.result
        return Transcription(
            found.text, found.tokens, found.confidence, worked.queued_s, worked.busy_s
        )

    async def close(self) -> None:
        workers, self._workers, self._model = self._workers, None, None
        if workers is not None:
            await workers.close()

    def _transcribe(
        self, jobs: Sequence[TranscriptionJob], called_off: Sequence[CalledOff]
    ) -> Sequence[PartialTranscript]:
        model = self._model
        if model is None:
            raise ServiceError("stt", "is closing", retryable=True)
        waited_for = not all(off() for off in called_off)
        nothing = [PartialTranscript("", (), 0.0)] * len(jobs)
        return transcribe(model, jobs, self.longest_s) if waited_for else nothing


def transcribe(
    model: Whisper, jobs: Sequence[TranscriptionJob], longest_s: float = LONGEST_S
) -> list[PartialTranscript]:
    """All stretches of all jobs, a window of each at a time. Raises ServiceError."""
    stretches = [list(split_at_quiet(job.audio, longest_s)) for job in jobs]
    heard: list[list[DecodedStretch]] = [[] for _ in jobs]
    for at in range(max(map(len, stretches))):
        asked = [
            n for n, parts in enumerate(stretches) if at < len(parts) and _may_speak(parts[at])
        ]
        if not asked:
            continue
        # Of a draft of several stretches this one's share begins where the last one ended.
        drafts = [jobs[n].draft[sum(len(one.tokens) for one in heard[n]) :] for n in asked]
        found = model.decode([stretches[n][at] for n in asked], drafts)
        for n, one in zip(asked, found, strict=True):
            if is_speech(one):
                heard[n].append(one)
    return [_joined(parts) for parts in heard]


def is_speech(heard: DecodedStretch) -> bool:
    least = LEAST_CONFIDENCE_IN_SILENCE if heard.no_speech > NO_SPEECH else LEAST_CONFIDENCE
    in_circles = heard.repetition > MOST_REPETITION and not heard.ended
    return bool(heard.text) and heard.confidence >= least and not in_circles


def _may_speak(stretch: Samples) -> bool:
    return len(stretch) >= SHORTEST_S * EAR_RATE_HZ and not is_silent(stretch)


def _joined(parts: Sequence[DecodedStretch]) -> PartialTranscript:
    tokens = tuple(token for one in parts for token in one.tokens)
    weighed = sum(one.confidence * len(one.tokens) for one in parts)
    text = " ".join(one.text for one in parts)
    return PartialTranscript(text, tokens, weighed / len(tokens) if tokens else 0.0)
