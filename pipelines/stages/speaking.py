"""Turns clauses into audio at the call's own rate, one clause after the other."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import structlog
from pipecat.frames.frames import Frame, TextFrame, TTSAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.audio.audible import first_audible
from pipelines.audio.resample import Resampler
from pipelines.core.commands import Apologise, CancelVoice
from pipelines.core.events import (
    Milestone,
    NothingAudible,
    PlayoutWord,
    SilenceTrimmed,
    Span,
    TooMuchToSay,
    VoiceFailed,
)
from pipelines.core.thinking.answering import whole
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk, TextToSpeech
from pipelines.stages.frames import (
    ClauseTextFrame,
    FillerEndFrame,
    FillerStartFrame,
    ReplyEndFrame,
    ReplyStartFrame,
)

MOST_CLAUSES = 512
"""Clauses of one reply that wait to be spoken: an answer without end is cut off there."""
VOICE_HAS_S = 1.0
"""Seconds for the first sound, however late the answer itself is."""
Fact: TypeAlias = Span | Milestone | SilenceTrimmed | TooMuchToSay | VoiceFailed | NothingAudible

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    filler: bool


class _Clauses:
    """One reply's clauses that wait to be spoken."""

    def __init__(self, reply_id: int, heard_by_s: float | None = None) -> None:
        self.reply_id = reply_id
        self.heard_by_s = heard_by_s
        self.end_frame = ReplyEndFrame(reply_id=reply_id)
        self._queue: asyncio.Queue[_Clause | None] = asyncio.Queue(MOST_CLAUSES + 1)
        """None, for which the last place is kept, is the end."""
        self._has_ended = False
        self._spoken: list[str] = []
        """The clause that is being spoken."""

    def add(self, clause: _Clause) -> bool:
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

    async def next(self) -> _Clause | None:
        clause = await self._queue.get()
        self._spoken = [clause.text] if clause is not None else []
        return clause

    def _waiting(self) -> list[_Clause]:
        taken = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        return [clause for clause in taken if clause is not None]


class Speaking(FrameProcessor):
    def __init__(self, tts: TextToSpeech, rate_hz: int, tell: Callable[[Fact], None]) -> None:
        super().__init__(enable_direct_mode=True)
        self._tts = tts
        self._rate = rate_hz
        self._tell = tell
        self._clauses: _Clauses | None = None
        """Those of the reply that comes, unless it was cancelled."""
        self._task: asyncio.Task[None] | None = None
        self._cancelled_id = 0
        """Replies up to this one are not spoken: their clauses may come late."""
        self._is_filler = False
        self._apology: tuple[str, ...] = ()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TextFrame(text=text):
                clause = _Clause(text, self._is_filler)
                if self._clauses is not None and not self._clauses.add(clause):
                    self._tell(TooMuchToSay(self._clauses.reply_id))
                return
            case ReplyStartFrame(reply_id=reply_id, heard_by_s=heard_by_s):
                await self.push_frame(frame, direction)
                self._begin(reply_id, heard_by_s)
                return
            case ReplyEndFrame():
                if self._clauses is not None:
                    self._clauses.end_frame = frame
                    self._clauses.end(is_cut=frame.is_cut)
                return
            case FillerStartFrame() | FillerEndFrame():
                self._is_filler = isinstance(frame, FillerStartFrame)
                return
            case _:
                pass
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        if self._task is not None:
            await self.cancel_task(self._task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    def obey(self, command: CancelVoice | Apologise) -> None:
        match command:
            case CancelVoice(reply_id):
                self._cancelled_id = max(self._cancelled_id, reply_id)
                if self._clauses is not None and self._clauses.reply_id == reply_id:
                    self._stop()
            case Apologise(clauses=clauses):
                self._apology = clauses

    def _begin(self, reply_id: int, heard_by_s: float | None) -> None:
        """Once more where it begins anew."""
        before = self._clauses
        if before is not None and before.reply_id == reply_id and heard_by_s is None:
            heard_by_s = before.heard_by_s
        self._stop()
        self._is_filler = False
        if reply_id > self._cancelled_id:
            self._clauses = _Clauses(reply_id, heard_by_s)
            self._task = self.create_task(self._speak(self._clauses))

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._clauses = None

    async def _speak(self, clauses: _Clauses) -> None:
        reply_id = clauses.reply_id
        first, unheard = True, False
        while (clause := await clauses.next()) is not None:
            await asyncio.sleep(0)  # a voice may have nothing for it, and that at once
            by_s = self._limit_s(clauses) if first and not clause.filler else None
            is_heard = await self._try(reply_id, clause, first=first, by_s=by_s)
            if not clause.filler:
                unheard = first and not is_heard
                first = first and not is_heard
            if by_s is not None and not is_heard and self._now() >= by_s - 1e-6:
                clauses.end()  # the rest would be as late
                break
        if unheard:
            log.error("nothing of an answer could be heard")
            self._tell(NothingAudible(reply_id))  # which may bring an apology
            apology, self._apology = self._apology, ()
            for text in apology:
                await self._try(reply_id, _Clause(text, filler=True), first=True)
        await self.push_frame(clauses.end_frame)

    def _limit_s(self, clauses: _Clauses) -> float | None:
        """When there is to be something to hear; a voice always has a second for it."""
        if clauses.heard_by_s is None:
            return None
        return max(clauses.heard_by_s, self._now() + VOICE_HAS_S)

    async def _try(
        self, reply_id: int, clause: _Clause, *, first: bool, by_s: float | None = None
    ) -> bool:
        """True if there was anything to hear, and by `by_s` if that is given."""
        try:
            if clause.filler:
                await self.push_frame(FillerStartFrame())
            async with asyncio.timeout_at(by_s) as limit:
                return await self._synthesise(reply_id, clause, limit, first=first)
        except TimeoutError:
            log.error("the voice is silent for too long", service="tts")
            self._tell(VoiceFailed(reply_id))
            return False
        except ServiceError as error:
            log.error("the voice failed", service=error.service, error=str(error))
            self._tell(VoiceFailed(reply_id))
            return False
        except Exception:
            log.exception("the voice broke")  # and the reply has an end all the same
            self._tell(VoiceFailed(reply_id))
            return False
        finally:
            if clause.filler:
                await self.push_frame(FillerEndFrame())

    async def _synthesise(
        self, reply_id: int, clause: _Clause, limit: asyncio.Timeout, *, first: bool
    ) -> bool:
        """True if there was anything to hear, which lifts the limit. Raises ServiceError."""
        started_s = self._now()
        resampler = Resampler(self._tts.rate_hz, self._rate)
        text, is_heard, trimmed_s = clause.text, False, 0.0
        stream = self._tts.synthesise(text, first=first)
        async with aclosing(stream):
            async for chunk in stream:
                if text and first and not clause.filler:
                    self._first_audio(reply_id, started_s, chunk.trimmed_s)
                elif first and not clause.filler and chunk.trimmed_s:
                    self._tell(SilenceTrimmed(trimmed_s + chunk.trimmed_s, reply_id))
                trimmed_s += chunk.trimmed_s
                await self._say(text, chunk)
                pcm = resampler.feed(chunk.pcm)
                if not is_heard and first_audible(pcm, self._rate) is not None:
                    is_heard = True
                    limit.reschedule(None)
                await self._play(pcm)
                text = ""
                await asyncio.sleep(0)  # a voice may have all of it at once: others have turns
        rest = resampler.flush()
        await self._play(rest)
        return is_heard or first_audible(rest, self._rate) is not None

    async def _say(self, text: str, chunk: SpeechChunk) -> None:
        words = tuple(
            PlayoutWord(word.text, round(word.start_s * self._rate), word.estimated)
            for word in chunk.words
        )
        if text or words:
            await self.push_frame(ClauseTextFrame(text, "clause", words=words))

    async def _play(self, pcm: Pcm) -> None:
        if len(pcm):
            sound = pcm.astype("<i2", copy=False).tobytes()
            await self.push_frame(TTSAudioRawFrame(sound, self._rate, 1))

    def _first_audio(self, reply_id: int, started_s: float, trimmed_s: float) -> None:
        now = self._now()
        self._tell(Span("tts", started_s, now, reply_id))
        self._tell(Milestone("first_audio", now, reply_id))
        self._tell(SilenceTrimmed(trimmed_s, reply_id))

    def _now(self) -> float:
        return self.get_event_loop().time()
