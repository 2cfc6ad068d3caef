"""Stand-ins for every model, for tests on timelines: they wait by `asyncio.sleep` alone.

On a loop with virtual time nothing here takes real time. Each keeps a record of what it was
asked and of what was closed early. They pass the contract tests that the real ones pass.
"""

import asyncio
import itertools
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import (
    AS_SET,
    EAR_RATE_HZ,
    VAD_CHUNK,
    ChatMessage,
    Delta,
    Finished,
    Samples,
    Sampling,
    ServiceError,
    SpeechChunk,
    SpokenWord,
    TextDelta,
    ToolCall,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stretches import check_samples

# ---- speech that a script can hear ----

WORD_S, GAP_S = 0.25, 0.1
_LOWEST_HZ, _STEP_HZ, _WINDOW = 300.0, 62.5, 512
_SPEECH_LEVEL = 0.2
_LEAST_WINDOWS = 3
"""The fewest windows of 32 ms: less of a word than about 0.1 s is not heard."""


class ToneSpeech:
    """Words as tones: what is cut from the speech can be heard by `heard`, however it was cut.

    The tones lie between 300 and 3,400 Hz, so they survive a telephone and a resampler.
    """

    def __init__(self, text: str) -> None:
        """`text`: all that will be spoken, at most 48 different words. Raises ValueError."""
        self._vocabulary = list(dict.fromkeys(text.split()))
        if len(self._vocabulary) > 48:
            raise ValueError("more words than there are tones")

    def spoken(self, text: str) -> Samples:
        """`WORD_S` a word, with `GAP_S` of silence after it. Raises ValueError."""
        at = np.arange(round(WORD_S * EAR_RATE_HZ)) / EAR_RATE_HZ
        gap = np.zeros(round(GAP_S * EAR_RATE_HZ))
        tones = [
            np.concatenate((np.sin(2 * np.pi * self._hz(word) * at) * _SPEECH_LEVEL, gap))
            for word in text.split()
        ]
        return np.concatenate([np.zeros(0), *tones]).astype(np.float32)

    def heard(self, audio: Samples) -> str:
        """The words of `spoken` that are in `audio`; one that was cut short needs 0.1 s."""
        windows = audio[: len(audio) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
        spectrum = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), n=4 * _WINDOW))
        peaks_hz = spectrum.argmax(axis=1) * EAR_RATE_HZ / (4 * _WINDOW)
        loud = np.sqrt(np.mean(np.square(windows), axis=1)) > _SPEECH_LEVEL / 4
        tones = np.rint((peaks_hz - _LOWEST_HZ) / _STEP_HZ).astype(int)
        tones = np.where(loud & (tones >= 0) & (tones < len(self._vocabulary)), tones, -1)
        return " ".join(
            self._vocabulary[tone]
            for tone, run in itertools.groupby(tones.tolist())
            if tone >= 0 and len(list(run)) >= _LEAST_WINDOWS
        )

    def _hz(self, word: str) -> float:
        return _LOWEST_HZ + _STEP_HZ * self._vocabulary.index(word)


def by_length(*texts: tuple[float, str]) -> Callable[[Samples], str]:
    """The transcript of audio of at least so many seconds: the last of `texts` that fits."""

    def heard(audio: Samples) -> str:
        length_s = len(audio) / EAR_RATE_HZ
        return next((text for least_s, text in reversed(texts) if length_s >= least_s), "")

    return heard


# ---- the models ----


class ScriptedVad:
    """`VoiceActivity` by the clock of the audio it has been given, or else by its loudness."""

    def __init__(self, speech: Sequence[tuple[float, float]] | None = None) -> None:
        """`speech`: from and to, in seconds from the first chunk since `reset`."""
        self._speech = speech
        self._chunks = 0

    def reset(self) -> None:
        self._chunks = 0

    def probability(self, chunk: Samples) -> float:
        if chunk.shape != (VAD_CHUNK,):
            raise ServiceError("vad", f"a chunk of shape {chunk.shape}", retryable=False)
        middle_s = (self._chunks + 0.5) * VAD_CHUNK / EAR_RATE_HZ
        self._chunks += 1
        if self._speech is None:
            return 0.95 if np.sqrt(np.mean(np.square(chunk))) > 0.02 else 0.02
        return 0.95 if any(start <= middle_s < end for start, end in self._speech) else 0.02


class ScriptedSpeechToText:
    """`SpeechToText` that is busy for `busy_s` and `busy_per_s` a second of audio on each job."""

    def __init__(
        self,
        heard: Callable[[Samples], str],
        *,
        busy_s: float = 0.02,
        busy_per_s: float = 0.01,
        workers: int = 2,
        fails: Callable[[TranscriptionJob], bool] = lambda job: False,
    ) -> None:
        self.jobs: list[TranscriptionJob] = []
        """In the order in which they were begun."""
        self.cancelled = 0
        self._heard = heard
        self._busy_s = busy_s
        self._busy_per_s = busy_per_s
        self._semaphore = PrioritySemaphore("stt", width=workers, limit=1024)
        self._fails = fails
        self._opened = False

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        _check_open("stt", self._opened)
        check_samples(job.audio)
        now = asyncio.get_running_loop().time
        asked_at = now()
        busy_s = self._busy_s + self._busy_per_s * len(job.audio) / EAR_RATE_HZ
        try:
            async with self._semaphore.passed(urgent=job.final):
                started_at = now()
                self.jobs.append(job)
                await asyncio.sleep(busy_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self._fails(job):
            raise ServiceError("stt", "scripted", retryable=True)
        text = self._heard(job.audio)
        tokens = tuple(zlib.crc32(word.encode()) for word in text.split())
        confidence = -0.1 if text else 0.0
        return Transcription(text, tokens, confidence, started_at - asked_at, busy_s)


class ScriptedTurnModel:
    """`TurnModel`: the answer to each question, `busy_s` after it was asked."""

    def __init__(self, answer: Callable[[Samples], float], *, busy_s: float = 0.05) -> None:
        self.asked: list[float] = []
        """Seconds of audio in each question."""
        self._answer = answer
        self._busy_s = busy_s
        self._opened = False

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def probability(self, audio: Samples) -> float:
        _check_open("turn", self._opened)
        self.asked.append(len(audio) / EAR_RATE_HZ)
        await asyncio.sleep(self._busy_s)
        return self._answer(audio)


Step: TypeAlias = tuple[float, str | TextDelta | ServiceError | ToolCall | Finished]
"""Wait so many seconds, then say this, fail with it, want it called, or end for its reason."""


def paced(text: str, *, first_s: float = 0.15, between_s: float = 0.025) -> list[Step]:
    """A word with the blank before it is a token."""
    tokens = [f" {word}" if at else word for at, word in enumerate(text.split())]
    return [(between_s if at else first_s, token) for at, token in enumerate(tokens)]


class ScriptedLanguageModel:
    """`LanguageModel`: plays the steps that `answer` gives for a conversation."""

    def __init__(self, answer: Callable[[Sequence[ChatMessage]], Iterable[Step]]) -> None:
        self.requests: list[list[ChatMessage]] = []
        self.samplings: list[Sampling] = []
        self.finished = 0
        self.closed_early = 0
        self._answer = answer
        self._opened = False

    @property
    def answering(self) -> int:
        """Streams that are open now."""
        return len(self.requests) - self.finished - self.closed_early

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        _check_open("llm", self._opened)
        self.requests.append(list(messages))
        self.samplings.append(sampling)
        done = False
        tokens, end = 0, Finished("stop")
        calls: list[ToolCall] = []
        try:
            for wait_s, step in self._answer(messages):
                await asyncio.sleep(wait_s)
                if isinstance(step, ServiceError):
                    raise step
                tokens += 1
                if isinstance(step, ToolCall):
                    calls.append(step)
                elif isinstance(step, Finished):
                    end = step
                else:
                    yield step if isinstance(step, TextDelta) else TextDelta(step)
            done = True
            reason = "tool_calls" if calls else end.reason
            yield replace(end, reason=reason, completion_tokens=tokens, tool_calls=tuple(calls))
        finally:
            self.finished += done
            self.closed_early += not done


class ScriptedVoice:
    """`TextToSpeech` whose samples say which request they belong to: `FIRST_LEVEL` and its number.

    A text lasts `character_s` a character; a word begins at its share of it.
    """

    FIRST_LEVEL = 1000

    def __init__(
        self,
        *,
        rate_hz: int = 24_000,
        first_audio_s: float = 0.0,
        character_s: float = 0.06,
        fails: Callable[[str], bool] = lambda text: False,
    ) -> None:
        self.texts: list[str] = []
        self.closed_early = 0
        self._rate_hz = rate_hz
        self._first_audio_s = first_audio_s
        self._character_s = character_s
        self._fails = fails
        self._opened = False

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        _check_open("tts", self._opened)
        level = self.FIRST_LEVEL + len(self.texts)
        self.texts.append(text)
        done = False
        try:
            await asyncio.sleep(self._first_audio_s)
            if self._fails(text):
                raise ServiceError("tts", "scripted", retryable=True)
            words = list(re.finditer(r"\S+", text.strip()))
            ends = [word.start() for word in words[1:]] + [len(text.strip())]
            for word, end in zip(words, ends, strict=False):
                start_s = word.start() * self._character_s
                samples = round((end * self._character_s - start_s) * self._rate_hz)
                spoken = (SpokenWord(word.group(), start_s),)
                yield SpeechChunk(np.full(samples, level, np.int16), spoken)
            done = True
        finally:
            self.closed_early += not done


def _check_open(service: str, opened: bool) -> None:
    if not opened:
        raise ServiceError(service, "is not open", retryable=False)
