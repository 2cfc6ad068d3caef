"""Models that answer from a recording what was asked then, and ask again what was not."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import cast

from bot.settings.latency_profile import LatencyProfile
from pipelines.core.recording import Model
from pipelines.services.protocols import (
    AS_SET,
    EAR_RATE_HZ,
    VAD_CHUNK,
    AnswerSource,
    ChatMessage,
    Delta,
    Finished,
    LanguageModel,
    Samples,
    Sampling,
    ServiceError,
    SpeechChunk,
    SpeechToText,
    SpokenWord,
    TextDelta,
    TextToSpeech,
    ToolCall,
    Transcription,
    TranscriptionJob,
    TurnModel,
)
from replay.call_folder import Line, Pcm
from replay.memory import Memory, Past, stretch

PATIENCE_S = 0.05
"""Beyond the moment at which a question was called off: who still waits then asks again."""


@dataclass(slots=True)
class Recalled:
    """The answers that one replay took from its recording."""

    memory: Memory
    begun_s: float = 0.0
    """The loop's clock at the recording's beginning."""
    again: Counter[str] = field(default_factory=Counter)
    """How often a question had to be asked again, by the reason."""

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.begun_s

    async def until(self, moment_s: float) -> None:
        await asyncio.sleep(max(0.0, moment_s - self.now))

    def ask_again(self, of: Model, why: str) -> None:
        why = why if self.memory.was_asked(of) else "nothing was recorded"
        self.again[f"{of}: {why}"] += 1


class RememberedVad:
    """`VoiceActivity`, by the place of each chunk: what is said does not depend on the replay."""

    def __init__(self, recalled: Recalled) -> None:
        self._voiced = recalled.memory.voiced
        self.chunks = 0

    def probability(self, chunk: Samples) -> float:
        if chunk.shape != (VAD_CHUNK,):
            raise ServiceError("vad", f"a chunk of shape {chunk.shape}", retryable=False)
        at, self.chunks = self.chunks, self.chunks + 1
        return self._voiced[at] if at < len(self._voiced) else 0.0

    def reset(self) -> None:
        """Does nothing: the answers of then came after the resets of then."""


class _Remembered:
    """The part that they have in common: nothing to open."""

    def __init__(self, recalled: Recalled) -> None:
        self._recalled = recalled

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def _outlived(self, past: Past | None, asked_s: float) -> bool:
        """Wait as long as they waited who called it off; True if there was such a question."""
        if past is None or past.off_s is None:
            return False
        await self._recalled.until(past.due_s(past.off_s, asked_s) + PATIENCE_S)
        return True


class RememberedSpeechToText(_Remembered):
    """`SpeechToText`."""

    def __init__(self, recalled: Recalled, others: SpeechToText) -> None:
        super().__init__(recalled)
        self._others = others

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        recalled, asked_s = self._recalled, self._recalled.now
        end_s = job.media_s + len(job.audio) / EAR_RATE_HZ
        past = recalled.memory.find("stt", stretch(job.media_s, end_s, job.final))
        if past is None or past.end is None:
            waited = await self._outlived(past, asked_s)
            recalled.ask_again("stt", "was called off" if waited else "another stretch of sound")
            return await self._others.transcribe(job)
        end = past.end
        await recalled.until(past.due_s(end["t"], asked_s))
        if end["type"] == "Failed":
            raise ServiceError("stt", "as recorded", retryable=end["retryable"])
        return Transcription(
            end["text"],
            tuple(end["tokens"]),
            end["confidence"],
            end["queued_s"],
            end["busy_s"],
            tuple((text, chance) for text, chance in end.get("alternatives") or ()),
        )


class RememberedTurnModel(_Remembered):
    """`TurnModel`."""

    def __init__(
        self, recalled: Recalled, others: TurnModel, position: Callable[[], float]
    ) -> None:
        """`position`: how far the ears have come, in media time, as recordings have it."""
        super().__init__(recalled)
        self._others = others
        self._position = position

    async def probability(self, audio: Samples) -> float:
        recalled, asked_s = self._recalled, self._recalled.now
        past = recalled.memory.find("turn", (round(self._position(), 3),))
        if past is None or past.end is None:
            await self._outlived(past, asked_s)
            recalled.ask_again("turn", "another moment")
            return await self._others.probability(audio)
        await recalled.until(past.due_s(past.end["t"], asked_s))
        if past.end["type"] == "Failed":
            raise ServiceError("turn", "as recorded", retryable=past.end["retryable"])
        return float(past.end["probability"])


class RememberedLanguageModel(_Remembered):
    """`LanguageModel`: the same text at the same times, or at the pace of `profile`."""

    def __init__(
        self, recalled: Recalled, others: LanguageModel, profile: LatencyProfile | None = None
    ) -> None:
        super().__init__(recalled)
        self._others = others
        self._profile = profile

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        recalled, asked_s = self._recalled, self._recalled.now
        past = recalled.memory.find("llm", (messages[-1].content,))
        if past is not None and past.end is None and not past.pieces:
            await self._outlived(past, asked_s)
            past = None
        if past is None:
            past = recalled.memory.near("llm", asked_s)
            recalled.ask_again("llm", "other words, given the answer of then" if past else "new")
        said = 0
        if past is not None:
            for index, piece in enumerate(past.pieces):
                await recalled.until(self._due_s(past, piece["t"], asked_s, index))
                said += len(piece["text"])
                source, anew = self._source(past, piece, asked_s), piece.get("anew", False)
                yield TextDelta(piece["text"], source, anew)
            if past.end is not None:
                if past.end["type"] == "Failed":
                    raise ServiceError("llm", "as recorded", retryable=past.end["retryable"])
                yield _finished(past.end)
                return
            await self._outlived(past, asked_s)
            recalled.ask_again("llm", "was called off")
        stream = self._others.stream(messages, sampling)
        async with aclosing(stream):
            async for delta in stream:
                if isinstance(delta, TextDelta) and said:  # of what has been said already
                    rest, said = delta.text[said:], max(0, said - len(delta.text))
                    if not rest:
                        continue
                    delta = TextDelta(rest)
                yield delta

    def _source(self, past: Past, piece: Line, asked_s: float) -> AnswerSource | None:
        """With the first token's own time, where it was held until the next one came."""
        if "first_s" not in piece or self._profile is not None:
            return None
        first_s = past.due_s(piece["first_s"], asked_s) + self._recalled.begun_s
        return AnswerSource(endpoint=piece.get("endpoint", ""), first_token_s=first_s)

    def _due_s(self, past: Past, moment_s: float, asked_s: float, index: int) -> float:
        if self._profile is None:
            return past.due_s(moment_s, asked_s)
        profile = self._profile
        return asked_s + profile.first_token_median_s + index * profile.between_s


def _finished(end: Line) -> Finished:
    calls = tuple(ToolCall(*one) for one in end.get("tool_calls", ()))
    reason = "length" if end.get("is_cut") else "stop"
    incomplete = bool(end.get("turn_incomplete"))
    return Finished("tool_calls" if calls else reason, tool_calls=calls, turn_incomplete=incomplete)


class RememberedTextToSpeech(_Remembered):
    """`TextToSpeech`."""

    def __init__(self, recalled: Recalled, others: TextToSpeech, voice: Pcm, rate_hz: int) -> None:
        """`voice`: shape (n,), all that it said then."""
        super().__init__(recalled)
        self._others = others
        self._voice = voice
        self.rate_hz = rate_hz

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        recalled, asked_s = self._recalled, self._recalled.now
        past = recalled.memory.find("tts", (text,))
        samples = 0
        if past is not None:
            for piece in past.pieces:
                await recalled.until(past.due_s(piece["t"], asked_s))
                samples += piece["samples"]
                yield self._chunk(piece)
            if past.end is not None:
                if past.end["type"] == "Failed":
                    raise ServiceError("tts", "as recorded", retryable=past.end["retryable"])
                return
            await self._outlived(past, asked_s)
        recalled.ask_again("tts", "was called off" if past else "other words")
        stream = self._others.synthesise(text, first=first)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                skip, samples = min(samples, len(chunk.pcm)), max(0, samples - len(chunk.pcm))
                if skip < len(chunk.pcm):
                    yield SpeechChunk(chunk.pcm[skip:], () if skip else chunk.words)

    def _chunk(self, piece: dict[str, object]) -> SpeechChunk:
        start, size = int(str(piece["from"])), int(str(piece["samples"]))
        words = cast(Sequence[tuple[str, float, bool]], piece.get("words") or ())
        trimmed_s = float(str(piece.get("trimmed_s") or 0.0))
        return SpeechChunk(
            self._voice[start : start + size],
            tuple(SpokenWord(text, at_s, estimated) for text, at_s, estimated in words),
            trimmed_s,
        )
