"""Turns clauses into audio at the call's own rate, one clause after the other."""

import asyncio
from contextlib import aclosing

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.audio.audible import first_audible
from pipelines.audio.resample import Resampler
from pipelines.core.commands import StartReply, StopReply, WithdrawReply
from pipelines.core.events import Milestone, SilenceTrimmed, Span
from pipelines.core.speaking.phrasing import clauses_of
from pipelines.core.speaking.playout import PlayoutWord
from pipelines.core.thinking.answering import VOICE_FAILED, whole
from pipelines.services.protocols import ServiceError, TextToSpeech
from pipelines.stages.frames import (
    ClauseFrame,
    CommandFrame,
    EnoughFrame,
    FactFrame,
    ReplyEndFrame,
    SpeechFrame,
    TakenBackFrame,
    UnspokenFrame,
)
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases

MOST_CLAUSES = 256
"""Of one reply, not spoken yet: a model that talks without end is cut off there."""

log = structlog.get_logger(__name__)


class _Clauses:
    """Of one reply, not spoken yet."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ClauseFrame | None] = asyncio.Queue(MOST_CLAUSES + 1)
        """None, for which the last place is kept, is the end."""
        self._has_ended = False
        self._spoken: list[str] = []
        """The clause that is being spoken."""

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

    def end(self, *, is_cut: bool = False) -> None:
        """Once; what comes after it is dropped: no answer has a hole.

        What `is_cut` off ends at the last whole sentence that is not spoken yet.
        """
        if not self._has_ended:
            self._has_ended = True
            waiting = self._waiting()
            texts = [clause.text for clause in waiting]
            for clause in waiting[: len(whole(self._spoken, texts))] if is_cut else waiting:
                self._queue.put_nowait(clause)
            self._queue.put_nowait(None)

    async def next(self) -> ClauseFrame | None:
        clause = await self._queue.get()
        self._spoken = [clause.text] if clause is not None else []
        return clause

    def _waiting(self) -> list[ClauseFrame]:
        taken = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        return [clause for clause in taken if clause is not None]


class Speaking(FrameProcessor):
    def __init__(self, tts: TextToSpeech, rate_hz: int, phrases: Phrases = ENGLISH) -> None:
        super().__init__(enable_direct_mode=True)
        self._tts = tts
        self._rate = rate_hz
        self._clauses: dict[int, _Clauses] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._apology = clauses_of(phrases.apology)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case ClauseFrame(reply_id=reply_id):
                if reply_id in self._clauses and not self._clauses[reply_id].add(frame):
                    await self.push_frame(EnoughFrame(reply_id), FrameDirection.UPSTREAM)
                return
            case ReplyEndFrame(reply_id=reply_id, is_cut=is_cut):
                if reply_id in self._clauses:
                    self._clauses[reply_id].end(is_cut=is_cut)
                return
            case TakenBackFrame(reply_id=reply_id):
                if reply_id in self._tasks:
                    self._tasks[reply_id].cancel()
                    self._begin(reply_id, is_asked=True)
            case CommandFrame(command=StartReply(reply_id=reply_id, say=say)):
                self._begin(reply_id, is_asked=not say)
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

    def _begin(self, reply_id: int, *, is_asked: bool) -> None:
        """`is_asked`: somebody waits for it."""
        self._clauses[reply_id] = _Clauses()
        task = self.create_task(self._speak(reply_id, self._clauses[reply_id], is_asked=is_asked))
        self._tasks[reply_id] = task
        task.add_done_callback(lambda _: self._forget(reply_id, task))

    def _forget(self, reply_id: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(reply_id) is task:
            del self._tasks[reply_id]
            del self._clauses[reply_id]

    async def _speak(self, reply_id: int, clauses: _Clauses, *, is_asked: bool) -> None:
        first, unheard = True, False
        while (clause := await clauses.next()) is not None:
            is_heard = await self._try(clause, first=first)
            if not clause.filler:
                unheard = first and not is_heard
                first = first and not is_heard
        if unheard:
            log.error("nothing of an answer could be heard")
            await self.push_frame(UnspokenFrame(reply_id, VOICE_FAILED))
            for text in self._apology if is_asked else ():
                await self._try(ClauseFrame(reply_id, text, filler=True), first=True)
        await self.push_frame(ReplyEndFrame(reply_id))

    async def _try(self, clause: ClauseFrame, *, first: bool) -> bool:
        """True if there was anything to hear."""
        try:
            return await self._synthesise(clause, first=first)
        except ServiceError as error:
            log.error("the voice failed", service=error.service, error=str(error))
            await self.push_frame(UnspokenFrame(clause.reply_id, VOICE_FAILED))
            return False

    async def _synthesise(self, clause: ClauseFrame, *, first: bool) -> bool:
        """True if there was anything to hear. Raises ServiceError."""
        reply_id = clause.reply_id
        started = self.get_event_loop().time()
        resampler = Resampler(self._tts.rate_hz, self._rate)
        text, is_heard = clause.text, False
        stream = self._tts.synthesise(text, first=first)
        async with aclosing(stream):
            async for chunk in stream:
                if text and first and not clause.filler:
                    await self._first_audio(reply_id, started, chunk.trimmed_s)
                words = tuple(
                    PlayoutWord(word.text, round(word.start_s * self._rate), word.estimated)
                    for word in chunk.words
                )
                pcm = resampler.feed(chunk.pcm)
                is_heard = is_heard or first_audible(pcm, self._rate) is not None
                await self.push_frame(SpeechFrame(reply_id, pcm, text, words, clause.filler))
                text = ""
        rest = resampler.flush()
        if len(rest):
            await self.push_frame(SpeechFrame(reply_id, rest, filler=clause.filler))
        return is_heard or first_audible(rest, self._rate) is not None

    async def _first_audio(self, reply_id: int, started: float, trimmed_s: float) -> None:
        now = self.get_event_loop().time()
        await self.push_frame(FactFrame(Span("tts", started, now, reply_id)))
        await self.push_frame(FactFrame(Milestone("first_audio", now, reply_id)))
        await self.push_frame(FactFrame(SilenceTrimmed(trimmed_s, reply_id)))
