"""Models that tell a recorder what one call asks of them, what they answer, and when."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager

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
    AS_SET,
    EAR_RATE_HZ,
    VAD_CHUNK,
    ChatMessage,
    Delta,
    Finished,
    LanguageModel,
    Samples,
    Sampling,
    ServiceError,
    SpeechChunk,
    SpeechToText,
    TextDelta,
    TextToSpeech,
    Transcription,
    TranscriptionJob,
    TurnModel,
    VoiceActivity,
)


class Notes:
    """One call's: numbers the questions, and knows how far the ears have come."""

    def __init__(self, recorder: Recorder) -> None:
        self.chunks = 0
        """That the VAD has been given."""
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


class RecordedVoiceActivity:
    """`VoiceActivity`."""

    def __init__(self, vad: VoiceActivity, notes: Notes) -> None:
        self._vad = vad
        self._notes = notes

    def probability(self, chunk: Samples) -> float:
        began_s = time.perf_counter()
        probability = self._vad.probability(chunk)
        took_s = round(time.perf_counter() - began_s, 6)
        self._notes.add(Voiced(self._notes.chunks, probability, took_s))
        self._notes.chunks += 1
        return probability

    def reset(self) -> None:
        self._vad.reset()


class RecordedSpeechToText:
    """`SpeechToText`, for one call: opening and closing it is the process's."""

    def __init__(self, stt: SpeechToText, notes: Notes) -> None:
        self._stt = stt
        self._notes = notes

    async def open(self) -> None:
        await self._stt.open()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        notes, number = self._notes, self._notes.number()
        end_s = job.media_s + len(job.audio) / EAR_RATE_HZ
        asked = Asked(
            question=number,
            of="stt",
            media_s=notes.media_s,
            start_s=round(job.media_s, 6),
            end_s=round(end_s, 6),
            final=job.final,
            draft=job.draft,
        )
        notes.add(asked)
        with notes.fate(number, "stt"):
            answer = await self._stt.transcribe(job)
        notes.add(
            Answered(
                question=number,
                of="stt",
                text=answer.text,
                tokens=answer.tokens,
                confidence=answer.confidence,
                queued_s=answer.queued_s,
                busy_s=answer.busy_s,
                alternatives=answer.alternatives or None,
            )
        )
        return answer

    async def close(self) -> None:
        await self._stt.close()


class RecordedTurnModel:
    """`TurnModel`, for one call."""

    def __init__(self, turn: TurnModel, notes: Notes) -> None:
        self._turn = turn
        self._notes = notes

    async def open(self) -> None:
        await self._turn.open()

    async def probability(self, audio: Samples) -> float:
        notes, number = self._notes, self._notes.number()
        notes.add(Asked(question=number, of="turn", media_s=notes.media_s))
        with notes.fate(number, "turn"):
            probability = await self._turn.probability(audio)
        notes.add(Answered(question=number, of="turn", probability=probability))
        return probability

    async def close(self) -> None:
        await self._turn.close()


class RecordedLanguageModel:
    """`LanguageModel`, for one call."""

    def __init__(self, llm: LanguageModel, notes: Notes) -> None:
        self._llm = llm
        self._notes = notes

    async def open(self) -> None:
        await self._llm.open()

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        notes, number = self._notes, self._notes.number()
        asked = tuple((message.role, message.content) for message in messages)
        notes.add(Asked(question=number, of="llm", media_s=notes.media_s, messages=asked))
        stream = self._llm.stream(messages, sampling)
        with notes.fate(number, "llm"):
            async with aclosing(stream):
                async for delta in stream:
                    match delta:
                        case TextDelta(text, source, anew):
                            notes.add(
                                Came(
                                    question=number,
                                    of="llm",
                                    text=text,
                                    first_s=source.first_token_s if source else None,
                                    endpoint=source.endpoint if source else None,
                                    anew=anew or None,
                                )
                            )
                        case Finished():
                            notes.add(
                                Answered(
                                    question=number,
                                    of="llm",
                                    prompt_tokens=delta.prompt_tokens,
                                    cached_tokens=delta.cached_tokens,
                                    completion_tokens=delta.completion_tokens,
                                    tool_calls=tuple(
                                        (one.call_id, one.name, one.arguments)
                                        for one in delta.tool_calls
                                    )
                                    or None,
                                    is_cut=delta.reason == "length" or None,
                                )
                            )
                    yield delta

    async def close(self) -> None:
        await self._llm.close()


class RecordedTextToSpeech:
    """`TextToSpeech`, for one call."""

    def __init__(self, tts: TextToSpeech, notes: Notes) -> None:
        self._tts = tts
        self._notes = notes

    @property
    def rate_hz(self) -> int:
        return self._tts.rate_hz

    async def open(self) -> None:
        await self._tts.open()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        notes, number = self._notes, self._notes.number()
        notes.add(Asked(question=number, of="tts", media_s=notes.media_s, text=text))
        stream = self._tts.synthesise(text, first=first)
        with notes.fate(number, "tts"):
            async with aclosing(stream):
                async for chunk in stream:
                    words = tuple((w.text, w.start_s, w.estimated) for w in chunk.words)
                    notes.add(
                        Came(
                            question=number,
                            of="tts",
                            words=words,
                            trimmed_s=chunk.trimmed_s,
                            pcm=chunk.pcm,
                        )
                    )
                    yield chunk
        notes.add(Answered(question=number, of="tts"))

    async def close(self) -> None:
        await self._tts.close()
