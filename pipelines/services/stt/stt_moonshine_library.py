"""Speech to text by Moonshine's own library: the sizes and the streaming family it is needed for.

`stt_moonshine` runs the embedded model better than this: with drafts, and with one copy for all
calls. The streaming models have other graphs, which only the library knows; here each job goes
through them whole, and each worker has a copy of the model. Their weights are downloaded
(`./run models`): those of the wheel's tiny model prove this path.
"""

import asyncio
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.moonshine import TAIL_S
from pipelines.services.stt.repetition import TOKENS_PER_S, without_loop
from pipelines.services.stt.stretches import check_samples, is_silent
from pipelines.services.stt.stt_moonshine import is_no_speech
from pipelines.services.workers import CalledOff, Workers

SHORTEST_S = 0.1
OPTIONS = {"max_tokens_per_second": TOKENS_PER_S}
"""The library's own 6.5 ends "no, no, no" early. It tells nobody when it has reached the limit."""
SIZES = ("tiny-streaming", "base-streaming", "small-streaming", "medium-streaming", "tiny", "base")


@dataclass(kw_only=True)
class MoonshineLibrarySpeechToText:
    """`SpeechToText` on `workers` threads, finals first."""

    folder: Path
    size: str
    """One of `SIZES`: the library cannot tell by the files."""
    workers: int = 2
    queue_limit: int = 64
    _free: list[Any] = field(default_factory=list, init=False)
    """Copies of the model that no thread is using."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _threads: Workers | None = field(default=None, init=False)

    async def open(self) -> None:
        self._free = await asyncio.to_thread(self._load)
        self._threads = Workers("stt", threads=self.workers, limit=self.queue_limit)

    async def close(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            await threads.close()
        with self._lock:  # one that a stuck thread still uses is left to it
            free, self._free = self._free, []
        for model in free:
            model.close()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        threads = self._threads
        if threads is None:
            raise ServiceError("stt", "is not open", retryable=False)
        check_samples(job.audio)
        if len(job.audio) < SHORTEST_S * EAR_RATE_HZ or is_silent(job.audio):
            return Transcription("")
        worked = await threads.run(lambda off: self._transcribe(job.audio, off), urgent=job.final)
        return Transcription(worked.result, queued_s=worked.queued_s, busy_s=worked.busy_s)

    def _load(self) -> list[Any]:
        from moonshine_voice import MoonshineError, Transcriber, string_to_model_arch

        try:
            arch = string_to_model_arch(self.size)
            return [Transcriber(self.folder, arch, options=OPTIONS) for _ in range(self.workers)]
        except (MoonshineError, ValueError, OSError) as exc:
            raise ServiceError("stt", f"cannot load {self.folder}: {exc}", retryable=False) from exc

    def _transcribe(self, audio: Samples, called_off: CalledOff) -> str:
        from moonshine_voice import MoonshineError

        if called_off():
            raise ServiceError("stt", "called off", retryable=True)
        with self._lock:
            model = self._free.pop()
        padded = np.pad(audio, (0, int(TAIL_S * EAR_RATE_HZ)))
        try:
            heard = model.transcribe_without_streaming(padded.tolist(), EAR_RATE_HZ)
        except MoonshineError as exc:
            raise ServiceError("stt", "inference failed", retryable=False) from exc
        finally:
            with self._lock:
                self._free.append(model)
        lines = [line.text for line in heard.lines if not is_no_speech(line.text)]
        return without_loop(" ".join(" ".join(lines).split()), audio)


def size_of(name: str) -> str | None:
    """By the name of a model or of its folder; None if it does not tell."""
    found = re.search("|".join(map(re.escape, SIZES)), name)
    return found.group() if found else None
