"""Text to speech by any stock Pipecat `TTSService`, so that no vendor is lost.

Each lane is a service in a pipeline of its own, made when it is first needed. A text goes in as
a `TTSSpeakFrame`; the audio up to the `TTSStoppedFrame` is the answer. Closing the answer
interrupts the service; one that reported an error is made anew.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import numpy as np
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterruptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.tts_service import TTSService

from pipelines.services.pipecat_run import PipecatRun, made, start
from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import ServiceError, SpeechChunk

INTERRUPTED_WITHIN_S = 2.0
MOST_NEWS = 4096
"""Frames of one text that can be waiting to be read."""

_News = TTSAudioRawFrame | TTSStoppedFrame | ErrorFrame | InterruptionFrame


@dataclass(kw_only=True)
class PipecatTextToSpeech:
    """`TextToSpeech` on up to `lanes` services, first clauses first. It has no word times."""

    new_service: Callable[[], TTSService]
    lanes: int = 8
    queue_limit: int = 256
    rate_hz: int = 24_000
    """The rate that the services are asked for; the one they give, once one has spoken."""
    first_audio_s: float = 5.0
    """From the text to the first audio."""
    idle_s: float = 5.0
    """Between two pieces after that: longer than the 3 s after which Pipecat itself ends one."""
    _free: "list[_Lane]" = field(default_factory=list, init=False)
    _opened: bool = field(default=False, init=False)
    _spoke: bool = field(default=False, init=False)
    _semaphore: PrioritySemaphore = field(init=False)

    async def open(self) -> None:
        """Starts the first service. Raises ServiceError."""
        self._semaphore = PrioritySemaphore("tts", width=self.lanes, limit=self.queue_limit)
        self._opened = True
        lane = _Lane(self.new_service, self.rate_hz)
        await lane.open()
        self._free = [lane]

    async def close(self) -> None:
        self._opened = False
        while self._free:
            await self._free.pop().close()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if not self._opened:
            raise ServiceError("tts", "is not open", retryable=False)
        if not text.strip():
            return
        async with self._semaphore.passed(urgent=first):
            lane = self._free.pop() if self._free else _Lane(self.new_service, self.rate_hz)
            try:
                await lane.open()
                await lane.say(text)
                frame = await lane.next_audio(self.first_audio_s)
                if frame is None:
                    raise ServiceError("tts", "no audio at all", retryable=True)
                while frame is not None:
                    self._learn(frame.sample_rate)
                    yield SpeechChunk(np.frombuffer(frame.audio, "<i2").astype(np.int16))
                    frame = await lane.next_audio(self.idle_s)
            finally:
                await lane.be_quiet()
                await self._put_back(lane)

    def _learn(self, rate_hz: int) -> None:
        if self._spoke and rate_hz != self.rate_hz:
            raise ServiceError("tts", f"speaks at {rate_hz} Hz all at once", retryable=False)
        self._spoke, self.rate_hz = True, rate_hz

    async def _put_back(self, lane: "_Lane") -> None:
        if self._opened:
            self._free.append(lane)
        else:
            await lane.close()


class _Lane:
    """One service, and the pipeline that it runs in."""

    def __init__(self, new_service: Callable[[], TTSService], rate_hz: int) -> None:
        self._new_service = new_service
        self._rate_hz = rate_hz
        self._news: asyncio.Queue[_News] = asyncio.Queue(MOST_NEWS)
        self._speaking = False
        self._run: PipecatRun | None = None

    async def open(self) -> None:
        """If it is not. Raises ServiceError."""
        if self._run is not None:
            return
        self._news = asyncio.Queue(MOST_NEWS)
        service = made("tts", self._new_service)
        params = PipelineParams(audio_out_sample_rate=self._rate_hz)
        self._run = await start("tts", service, self._take, params)

    async def close(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            await run.close()

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, _News) and not self._news.full():
            self._news.put_nowait(frame)

    async def say(self, text: str) -> None:
        assert self._run is not None
        self._speaking = True
        await self._run.queue_frame(TTSSpeakFrame(text, append_to_context=False))

    async def next_audio(self, patience_s: float) -> TTSAudioRawFrame | None:
        """None at the end. Raises ServiceError."""
        try:
            async with asyncio.timeout(patience_s):
                while not isinstance(news := await self._news.get(), TTSAudioRawFrame):
                    if isinstance(news, TTSStoppedFrame):
                        self._speaking = False
                        return None
                    if isinstance(news, ErrorFrame):
                        await self.close()
                        raise ServiceError("tts", news.error, retryable=not news.fatal)
        except TimeoutError as exc:
            await self.close()
            raise ServiceError("tts", "too slow", retryable=True) from exc
        if news.num_channels != 1:
            raise ServiceError("tts", f"{news.num_channels} channels", retryable=False)
        return news

    async def be_quiet(self) -> None:
        """Once this returns nothing comes of what was asked before."""
        if self._run is None or not self._speaking:
            return
        self._speaking = False
        await self._run.queue_frame(InterruptionFrame())
        try:
            async with asyncio.timeout(INTERRUPTED_WITHIN_S):
                while not isinstance(await self._news.get(), InterruptionFrame):
                    pass
        except TimeoutError:
            await self.close()
