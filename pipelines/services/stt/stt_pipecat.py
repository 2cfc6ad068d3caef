"""Speech to text by any stock Pipecat `STTService`, so that no vendor is lost.

Each lane is a service in a pipeline of its own. A job is played into it as one utterance, faster
than real time, between the frames of a VAD; what it says between those is the answer. A service
that works by segments answers each with one call of `run_stt`, which marks the end even where
there were no words. A streaming one is done with a frame marked `finalized`, or when it has been
quiet for `quiet_s` after the last; a lane that was left in the middle of that is made anew, so
that late words never end up in the next job.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.stt_service import SegmentedSTTService, STTService

from pipelines.services.pipecat_run import PipecatRun, made, start
from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stretches import check_samples, is_silent
from pipelines.services.stt.stt_openai import pcm16

FRAME = EAR_RATE_HZ // 10
MOST_NEWS = 1024
"""Frames of one job that can be waiting to be read."""


@dataclass(kw_only=True)
class PipecatSpeechToText:
    """`SpeechToText` on `lanes` services, finals first."""

    new_service: Callable[[], STTService]
    lanes: int = 2
    queue_limit: int = 64
    answer_s: float = 5.0
    """From the last sample handed over to the whole answer."""
    quiet_s: float = 0.3
    """After words that are not marked as the last: there are no more."""
    _free: "list[_Lane]" = field(default_factory=list, init=False)
    _opened: bool = field(default=False, init=False)
    _semaphore: PrioritySemaphore = field(init=False)

    async def open(self) -> None:
        self._semaphore = PrioritySemaphore("stt", width=self.lanes, limit=self.queue_limit)
        self._free = [_Lane(self.new_service) for _ in range(self.lanes)]
        self._opened = True
        for lane in self._free:
            await lane.open()

    async def close(self) -> None:
        self._opened = False
        while self._free:
            await self._free.pop().close()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        if not self._opened:
            raise ServiceError("stt", "is not open", retryable=False)
        check_samples(job.audio)
        if is_silent(job.audio):
            return Transcription("")
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._semaphore.passed(urgent=job.final):
            if not self._free:
                raise ServiceError("stt", "is closing", retryable=True)
            lane = self._free.pop()
            started_at = now()
            try:
                await lane.open()
                text = await lane.hear(job.audio, self.answer_s, self.quiet_s)
            finally:
                await self._put_back(lane)
        return Transcription(text, queued_s=started_at - asked_at, busy_s=now() - started_at)

    async def _put_back(self, lane: "_Lane") -> None:
        if self._opened:
            self._free.append(lane)
        else:
            await lane.close()


class _Answered:
    """A segment has been dealt with, with words or without."""


_News = TranscriptionFrame | ErrorFrame | _Answered


class _Lane:
    """One service, and the pipeline that it runs in."""

    def __init__(self, new_service: Callable[[], STTService]) -> None:
        self._new_service = new_service
        self._news: asyncio.Queue[_News] = asyncio.Queue(MOST_NEWS)
        self._run: PipecatRun | None = None
        self._segmented = False
        self._owed = 0
        """Segments that were handed over and not answered."""

    async def open(self) -> None:
        """If it is not. Raises ServiceError."""
        if self._run is not None:
            return
        self._news = asyncio.Queue(MOST_NEWS)
        self._owed = 0
        service = made("stt", self._new_service)
        self._segmented = isinstance(service, SegmentedSTTService)
        if self._segmented:
            _mark_answers(service, self._news)
        params = PipelineParams(audio_in_sample_rate=EAR_RATE_HZ)
        self._run = await start("stt", service, self._take, params)

    async def close(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            await run.close()

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, TranscriptionFrame | ErrorFrame) and not self._news.full():
            self._news.put_nowait(frame)

    async def hear(self, audio: Samples, answer_s: float, quiet_s: float) -> str:
        """Raises ServiceError. After it, or a cancel, a streaming lane has to be opened anew."""
        try:
            text = await self._hear(audio, answer_s, quiet_s)
        except BaseException:
            if not self._segmented:
                await self.close()
            raise
        return text

    async def _hear(self, audio: Samples, answer_s: float, quiet_s: float) -> str:
        assert self._run is not None
        try:
            async with asyncio.timeout(answer_s):
                while self._owed:
                    await self._next()
        except TimeoutError as exc:
            await self.close()
            raise ServiceError("stt", "does not answer", retryable=True) from exc
        while not self._news.empty():
            self._news.get_nowait()
        await self._play(self._run, audio)
        try:
            async with asyncio.timeout(answer_s):
                return await self._answer(quiet_s)
        except TimeoutError as exc:
            raise ServiceError("stt", "too slow", retryable=True) from exc

    async def _play(self, run: PipecatRun, audio: Samples) -> None:
        pcm = pcm16(audio)
        await run.queue_frame(VADUserStartedSpeakingFrame())
        for at in range(0, len(pcm), 2 * FRAME):
            piece = InputAudioRawFrame(pcm[at : at + 2 * FRAME], EAR_RATE_HZ, 1)
            await run.queue_frame(piece)
        self._owed += self._segmented
        await run.queue_frame(VADUserStoppedSpeakingFrame())

    async def _answer(self, quiet_s: float) -> str:
        texts: list[str] = []
        while True:
            try:
                patience = quiet_s if texts and not self._segmented else None
                async with asyncio.timeout(patience):
                    news = await self._next()
            except TimeoutError:  # of the quiet: the other one is not caught here
                break
            match news:
                case TranscriptionFrame(text=text, finalized=finalized):
                    texts.append(text)
                    if finalized and not self._segmented:
                        break
                case ErrorFrame(error=error):
                    raise ServiceError("stt", error, retryable=True)
                case _Answered():
                    break
        return " ".join(" ".join(texts).split())

    async def _next(self) -> _News:
        news = await self._news.get()
        self._owed -= isinstance(news, _Answered)
        return news


def _mark_answers(service: STTService, news: asyncio.Queue[_News]) -> None:
    """A segment without words says nothing at all: its end is when `run_stt` has returned."""
    run_stt = service.run_stt

    async def marked(audio: bytes) -> AsyncGenerator[Frame | None, None]:
        try:
            async for frame in run_stt(audio):
                yield frame
        finally:
            news.put_nowait(_Answered())

    service.run_stt = marked  # type: ignore[method-assign]
