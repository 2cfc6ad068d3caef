"""Models that tell a recorder what one call asks of them, what they answer, and when."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, Literal, TypeVar, cast

from pipelines.core.recording import (
    Answered,
    Asked,
    CalledOff,
    Came,
    Failed,
    Model,
    Noted,
    Recorder,
    Voiced,
)
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    VAD_CHUNK,
    Finished,
    Samples,
    ServiceError,
    SpeechChunk,
    TextDelta,
    Transcription,
    TranscriptionJob,
    VoiceActivity,
)

S = TypeVar("S")


class Notes:
    """One call's: numbers the questions, and knows how far the ears have come."""

    def __init__(self, recorder: Recorder) -> None:
        self.chunks = 0
        """How many chunks the VAD has been given."""
        self._recorder = recorder
        self._numbers = itertools.count(1)

    @property
    def media_s(self) -> float:
        return self.chunks * VAD_CHUNK / EAR_RATE_HZ

    def add(self, item: Noted) -> None:
        self._recorder.note(item, asyncio.get_running_loop().time())

    def number(self) -> int:
        return next(self._numbers)

    @contextmanager
    def fate(self, question: int, of: Model) -> Iterator[None]:
        """Notes it where a question fails, or nobody waits for it any more."""
        try:
            yield
        except ServiceError as error:
            self.add(Failed(question, of, error.retryable))
            raise
        except (asyncio.CancelledError, GeneratorExit):
            self.add(CalledOff(question, of))
            raise


class _Noted:
    """A service with one of its methods replaced; all else is the service's own."""

    def __init__(self, service: object, **replaced: Callable[..., Any]) -> None:
        self._service = service
        self.__dict__ |= replaced

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)


def recorded(service: S, of: Model | Literal["vad"], notes: Notes) -> S:
    """The same service, for one call, whose questions and answers are noted.

    Opening and closing it stays the process's.
    """
    if of == "vad":
        return cast(
            "S", _Noted(service, probability=_voiced(cast("VoiceActivity", service), notes))
        )
    method = _QUESTIONS[of]
    ask = getattr(service, method)

    def begin(*args: Any, **options: Any) -> tuple[int, Any]:
        number = notes.number()
        asked = _asked(of, args[0])
        notes.add(Asked(question=number, of=of, media_s=notes.media_s, **asked))
        return number, ask(*args, **options)

    async def answer(*args: Any) -> Any:
        number, coming = begin(*args)
        with notes.fate(number, of):
            answer = await coming
        notes.add(Answered(question=number, of=of, **_answered(answer)))
        return answer

    async def stream(*args: Any, **options: Any) -> AsyncGenerator[Any, None]:
        number, coming = begin(*args, **options)
        with notes.fate(number, of):
            async with aclosing(coming):
                async for piece in coming:
                    if isinstance(piece, Finished):
                        notes.add(Answered(question=number, of=of, **_answered(piece)))
                    else:
                        notes.add(Came(question=number, of=of, **_came(piece)))
                    yield piece
        if of == "tts":
            notes.add(Answered(question=number, of=of))

    return cast("S", _Noted(service, **{method: stream if of in ("llm", "tts") else answer}))


_QUESTIONS: Mapping[Model, str] = {
    "stt": "transcribe", "turn": "probability", "llm": "stream", "tts": "synthesise"
}  # fmt: skip


def _voiced(vad: VoiceActivity, notes: Notes) -> Callable[[Samples], float]:
    def probability(chunk: Samples) -> float:
        began_s = time.perf_counter()
        probability = vad.probability(chunk)
        took_s = round(time.perf_counter() - began_s, 6)
        notes.add(Voiced(notes.chunks, probability, took_s))
        notes.chunks += 1
        return probability

    return probability


def _asked(of: Model, question: Any) -> dict[str, Any]:
    """The fields of `Asked`; the turn model's audio is not noted."""
    match question:
        case TranscriptionJob():
            end_s = question.media_s + len(question.audio) / EAR_RATE_HZ
            start_s, end_s = round(question.media_s, 6), round(end_s, 6)
            final, draft = question.final, question.draft
            return {"start_s": start_s, "end_s": end_s, "final": final, "draft": draft}
        case str():
            return {"text": question}
        case _ if of == "llm":
            return {"messages": tuple((one.role, one.content) for one in question)}
        case _:
            return {}


def _answered(answer: Transcription | Finished | float) -> dict[str, Any]:
    """The fields of `Answered`."""
    match answer:
        case Transcription():
            names = ("text", "tokens", "confidence", "queued_s", "busy_s")
            told = {name: getattr(answer, name) for name in names}
            return told | {"alternatives": answer.alternatives or None}
        case Finished():
            calls = tuple((one.call_id, one.name, one.arguments) for one in answer.tool_calls)
            return {
                "prompt_tokens": answer.prompt_tokens,
                "cached_tokens": answer.cached_tokens,
                "completion_tokens": answer.completion_tokens,
                "tool_calls": calls or None,
                "is_cut": answer.reason == "length" or None,
                "turn_incomplete": answer.turn_incomplete or None,
            }
        case probability:
            return {"probability": probability}


def _came(piece: TextDelta | SpeechChunk) -> dict[str, Any]:
    """The fields of `Came`."""
    match piece:
        case TextDelta(text, source, anew):
            first_s, endpoint = (source.first_token_s, source.endpoint) if source else (None, None)
            return {"text": text, "first_s": first_s, "endpoint": endpoint, "anew": anew or None}
        case SpeechChunk():
            words = tuple((word.text, word.start_s, word.estimated) for word in piece.words)
            return {"words": words, "trimmed_s": piece.trimmed_s, "pcm": piece.pcm}
