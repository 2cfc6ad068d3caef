"""Ears that outlive their engine: one that fails or hangs is replaced, and its jobs asked again.

A job holds the audio it is about, so what a dying engine was listening to is not lost. A
retryable failure is no death: the engine has said itself that it goes on.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import structlog

from pipelines.services.protocols import (
    ServiceError,
    SpeechToText,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stretches import check_samples

HUNG_S = 5.0
"""No answer for so long, to anybody who waits for one: the engine hangs."""
CLOSE_WITHIN_S = 0.1
"""A dead engine's threads are not waited for: somebody waits for the next one."""
MOST_DEATHS = 3
WITHIN_S = 60.0
"""After so many deaths in so long it is left dead, until the first of them is longer ago."""

log = structlog.get_logger(__name__)


class RestartingSpeechToText:
    """`SpeechToText` by an engine that `new` makes, and makes again."""

    def __init__(self, new: Callable[[], SpeechToText], *, hung_s: float = HUNG_S) -> None:
        self._new = new
        self._hung_s = hung_s
        self._engine: SpeechToText | None = None
        self._opened = False
        self._opening = asyncio.Lock()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._waiting: set[asyncio.Timeout] = set()

    @property
    def engine(self) -> SpeechToText | None:
        """The one that lives."""
        return self._engine

    async def open(self) -> None:
        self._opened = True
        self._engine = await self._start()

    async def close(self) -> None:
        self._opened = False
        async with self._opening:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.close()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        check_samples(job.audio)  # else every engine would die of it
        while True:
            engine = await self._living()
            try:
                return await self._ask(engine, job)
            except ServiceError as error:
                if error.retryable and engine is self._engine:
                    raise
                await self._bury(engine, error)

    async def _ask(self, engine: SpeechToText, job: TranscriptionJob) -> Transcription:
        try:
            async with asyncio.timeout(self._hung_s) as patience:
                self._waiting.add(patience)
                try:
                    answer = await engine.transcribe(job)
                finally:
                    self._waiting.discard(patience)
        except TimeoutError as exc:
            raise ServiceError("stt", "does not answer", retryable=False) from exc
        until = asyncio.get_running_loop().time() + self._hung_s
        for other in self._waiting:  # a long queue is no death
            if not other.expired():
                other.reschedule(until)
        return answer

    async def _living(self) -> SpeechToText:
        async with self._opening:
            if not self._opened:
                raise ServiceError("stt", "is not open", retryable=False)
            if self._engine is None:
                self._check_deaths()
                try:
                    self._engine = await self._start()
                except ServiceError as error:
                    self._note_death(error)
                    raise
                log.warning("the ears are there again")
            return self._engine

    async def _start(self) -> SpeechToText:
        engine = self._new()
        try:
            await engine.open()
        except BaseException:
            await engine.close()
            raise
        return engine

    async def _bury(self, engine: SpeechToText, error: ServiceError) -> None:
        if self._engine is not engine:  # another of its jobs has seen to it
            return
        self._engine = None
        self._note_death(error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await engine.close()

    def _note_death(self, error: ServiceError) -> None:
        self._deaths.append(asyncio.get_running_loop().time())
        log.warning("the ears died", error=str(error))

    def _check_deaths(self) -> None:
        since = asyncio.get_running_loop().time() - WITHIN_S
        if len(self._deaths) == MOST_DEATHS and self._deaths[0] >= since:
            raise ServiceError("stt", f"died {MOST_DEATHS} times in a minute", retryable=False)
