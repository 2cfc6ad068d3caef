"""Turns clauses into audio at the call's own rate, one clause after the other."""

import asyncio
from contextlib import aclosing

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.audio.resample import Resampler
from pipelines.core.answering import VOICE_FAILED
from pipelines.core.commands import StartReply, StopReply, WithdrawReply
from pipelines.core.events import Reached, SilenceTrimmed, Worked
from pipelines.core.playout import Word
from pipelines.services.protocols import ServiceError, TextToSpeech
from pipelines.stages.frames import (
    ClauseFrame,
    CommandFrame,
    EnoughFrame,
    FactFrame,
    ReplyEndFrame,
    SpeechFrame,
    UnspokenFrame,
)

MOST_CLAUSES = 256
"""Of one reply, not spoken yet: a model that talks without end is cut off there."""

log = structlog.get_logger(__name__)


class _Clauses:
    """Of one reply, not spoken yet."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ClauseFrame | None] = asyncio.Queue(MOST_CLAUSES + 1)
        """None, for which the last place is kept, is the end."""
        self._has_ended = False

    def add(self, clause: ClauseFrame) -> bool:
        """False where it is one too many: the answer ends before it, whenever the model does."""
        if self._has_ended:
            return True
        if self._queue.qsize() >= MOST_CLAUSES:
            log.warning("an answer without end is cut off", clauses=MOST_CLAUSES)
            self.end()
            return False
        self._queue.put_nowait(clause)
        return True

    def end(self) -> None:
        """Once; what comes after it is dropped: no answer has a hole."""
        if not self._has_ended:
            self._has_ended = True
            self._queue.put_nowait(None)

    async def next(self) -> ClauseFrame | None:
        return await self._queue.get()


class Speaking(FrameProcessor):
    def __init__(self, tts: TextToSpeech, rate_hz: int) -> None:
        super().__init__(enable_direct_mode=True)
        self._tts = tts
        self._rate = rate_hz
        self._clauses: dict[int, _Clauses] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case ClauseFrame(reply_id=reply_id):
                if reply_id in self._clauses and not self._clauses[reply_id].add(frame):
                    await self.push_frame(EnoughFrame(reply_id), FrameDirection.UPSTREAM)
                return
            case ReplyEndFrame(reply_id=reply_id):
                if reply_id in self._clauses:
                    self._clauses[reply_id].end()
                return
            case CommandFrame(command=StartReply(reply_id=reply_id)):
                self._begin(reply_id)
            case CommandFrame(
                command=WithdrawReply(reply_id=reply_id) | StopReply(reply_id=reply_id)
            ):
                if reply_id in self._tasks:
                    self._tasks[reply_id].cancel()
            case _:
                pass
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        for task in list(self._tasks.values()):
            await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    def _begin(self, reply_id: int) -> None:
        self._clauses[reply_id] = _Clauses()
        task = self.create_task(self._speak(reply_id, self._clauses[reply_id]))
        self._tasks[reply_id] = task
        task.add_done_callback(lambda _: self._forget(reply_id))

    def _forget(self, reply_id: int) -> None:
        self._tasks.pop(reply_id, None)
        self._clauses.pop(reply_id, None)

    async def _speak(self, reply_id: int, clauses: _Clauses) -> None:
        first = True
        while (clause := await clauses.next()) is not None:
            try:
                await self._synthesise(clause, first=first)
                first = first and clause.filler
            except ServiceError as error:
                log.error("the voice failed", service=error.service, error=str(error))
                await self.push_frame(UnspokenFrame(reply_id, VOICE_FAILED))
        await self.push_frame(ReplyEndFrame(reply_id))

    async def _synthesise(self, clause: ClauseFrame, *, first: bool) -> None:
        reply_id = clause.reply_id
        started = self.get_event_loop().time()
        resampler = Resampler(self._tts.rate_hz, self._rate)
        text = clause.text
        stream = self._tts.synthesise(text, first=first)
        async with aclosing(stream):
            async for chunk in stream:
                if text and first and not clause.filler:
                    await self._first_audio(reply_id, started, chunk.trimmed_s)
                words = tuple(
                    Word(word.text, round(word.start_s * self._rate), word.estimated)
                    for word in chunk.words
                )
                pcm = resampler.feed(chunk.pcm)
                await self.push_frame(SpeechFrame(reply_id, pcm, text, words, clause.filler))
                text = ""
        rest = resampler.flush()
        if len(rest):
            await self.push_frame(SpeechFrame(reply_id, rest, filler=clause.filler))

    async def _first_audio(self, reply_id: int, started: float, trimmed_s: float) -> None:
        now = self.get_event_loop().time()
        await self.push_frame(FactFrame(Worked("tts", started, now, reply_id)))
        await self.push_frame(FactFrame(Reached("first_audio", now, reply_id)))
        await self.push_frame(FactFrame(SilenceTrimmed(trimmed_s, reply_id)))
