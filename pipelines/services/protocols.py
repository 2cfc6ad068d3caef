"""The models as the stages use them: five small protocols, and the values that cross them.

Audio is mono. `Samples` is float32 in [-1, 1]; what a voice returns is int16 PCM.
An adapter turns its vendor's exceptions into `ServiceError`, and nothing else escapes it.
"""

import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.core.memory.chat import ChatMessage as ChatMessage
from pipelines.core.memory.chat import Image as Image
from pipelines.core.memory.chat import Role as Role
from pipelines.core.memory.chat import ToolCall as ToolCall

Samples: TypeAlias = NDArray[np.float32]
"""Shape (n,), mono, in [-1, 1]."""

Pcm: TypeAlias = NDArray[np.int16]
"""Shape (n,), mono."""

EAR_RATE_HZ = 16_000
"""The rate in Hz for the ears (VAD, turn model, speech-to-text)."""

VAD_CHUNK = 512
"""Samples in one question to the VAD: 32 ms, the only size that Silero v6 takes at 16 kHz."""


class ServiceError(Exception):
    """A model or an engine failed. The message is for the log, never for a caller."""

    def __init__(
        self,
        service: str,
        message: str,
        *,
        retryable: bool,
        trouble: "FailureDetails | None" = None,
    ) -> None:
        """`retryable`: the same request may succeed at the same place."""
        super().__init__(f"{service}: {message}")
        self.service = service
        self.retryable = retryable
        self.trouble = trouble or ILL


class FailureKind(enum.Enum):
    ILL = enum.auto()
    """The service is to blame."""
    COLD = enum.auto()
    """It is still loading, or waits for a machine: minutes, not seconds."""
    REFUSED = enum.auto()
    """The request is at fault."""
    UNSUPPORTED = enum.auto()
    """So it is: the service does not take `param` at all, whatever its value."""
    TOO_LONG = enum.auto()
    """So it is: the conversation does not fit in the model's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDetails:
    """Details of a failure."""

    kind: FailureKind = FailureKind.ILL
    status: int | None = None
    """HTTP's, where there was one."""
    param: str = ""
    """The field of the request that is at fault, where it is known; `IMAGES` for the images."""
    retry_after_s: float = 0.0
    requests: int = 0
    """Requests made in vain, where more than one may have been."""

    @property
    def refused(self) -> bool:
        """The request was at fault, not who was asked."""
        return self.kind not in (FailureKind.ILL, FailureKind.COLD)

    @property
    def cold(self) -> bool:
        return self.kind is FailureKind.COLD

    @property
    def too_long(self) -> bool:
        return self.kind is FailureKind.TOO_LONG


ILL = FailureDetails()


class VoiceActivity(Protocol):
    """Is this speech? One per call; the model behind it is the process's."""

    def probability(self, chunk: Samples) -> float:
        """The probability of speech in the next `VAD_CHUNK` samples at `EAR_RATE_HZ`. It takes
        about 0.1 ms.
        """
        ...

    def reset(self) -> None:
        """Forget what was heard."""
        ...


@dataclass(frozen=True, slots=True)
class Transcription:
    text: str
    """Empty where there were no words: silence, noise, or a decoder that ran in circles."""
    tokens: tuple[int, ...] = ()
    """The hypothesis in the engine's own terms, to be given back as the next `draft`."""
    confidence: float = 0.0
    """Mean log-probability of the tokens, 0.0 where the engine has none."""
    queued_s: float = 0.0
    busy_s: float = 0.0
    alternatives: tuple[tuple[str, float], ...] = ()
    """Other texts that differ in their last words, with their probabilities, likeliest first; the
    rest of 1 is that of `text`. Empty where the engine gives none, or has no doubt."""


@dataclass(frozen=True, slots=True)
class TranscriptionJob:
    audio: Samples
    """One stretch of speech at `EAR_RATE_HZ`, with little else around it."""
    draft: tuple[int, ...] = ()
    """Tokens of the hypothesis before this one: a hint that saves work, never a constraint."""
    final: bool = False
    """Somebody is waiting for this one: it goes before all that are not final."""
    media_s: float = 0.0
    """The audio's beginning on the caller's microphone clock: for the record alone."""


class SpeechToText(Protocol):
    """One per process, shared by all calls. Cancelling `transcribe` drops the job."""

    async def open(self) -> None:
        """Load the model. Raises ServiceError."""
        ...

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        """Raises ServiceError."""
        ...

    async def close(self) -> None: ...


class TurnModel(Protocol):
    """Has the person finished, by the sound of it? One per process, off the event loop."""

    async def open(self) -> None: ...

    async def probability(self, audio: Samples) -> float:
        """The probability that the turn is over, from its last 8 s at most. Raises ServiceError."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSource:
    """The endpoint that an answer came from, and what it took."""

    endpoint: str
    first_token_s: float
    """When its first token was here, by the event loop's clock: it may have been held since."""
    requests: int = 1
    """Made for this answer, those that failed or lost included."""
    retries: int = 0
    """At the same endpoint or the next, because one failed or was too slow."""
    hedges: int = 0


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    source: AnswerSource | None = None
    """With an answer's first text, where there was a choice."""
    anew: bool = False
    """The answer begins here: the text before it turned out to be a thought."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last item of every stream that ended well."""

    reason: str
    """"length" where it was cut off at `max_tokens`."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    """Wanted before the answer can go on."""
    source: AnswerSource | None = None
    """Told where there was a choice."""
    turn_incomplete: bool = False
    """No answer: the model says that the person has not finished (`Sampling.judges_turn`)."""


Delta: TypeAlias = TextDelta | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one answer is to be drawn; None and what is not named: as the model was set up."""

    max_tokens: int | None = None
    temperature: float | None = None
    others: Mapping[str, object] = field(default_factory=dict)
    """Fields of the API's request, as they are: top_p, stop, seed and their like."""
    tools: tuple[Mapping[str, object], ...] = ()
    """Functions that the model may want called, as the API describes them."""
    required: frozenset[str] = frozenset()
    """Fields that somebody asked for: an endpoint that does not take one refuses the request,
    where it would leave out a field that only the settings name."""
    aloud: bool = False
    """It is to be heard: without a word that can be spoken it is no answer."""
    waited_s: float = 0.0
    """How long the person has been waiting: so much less time is left until an apology is due."""
    judges_turn: bool = False
    """The prompt lets the model answer with a mark: the person has not finished."""


AS_SET = Sampling()


def sampling_of(
    max_tokens: int | None, temperature: float | None, others: Mapping[str, object]
) -> Sampling:
    """How somebody asked for one answer; None: not asked for. All the rest is required."""
    asked = {name: value for name, value in others.items() if value is not None}
    warmth = {"temperature"} if temperature is not None else set[str]()
    return Sampling(
        max_tokens=max_tokens,
        temperature=temperature,
        others=asked,
        required=frozenset(asked) | warmth,
    )


IMAGES = "images"
"""Stands among the names of fields for images in the messages."""


class LanguageModel(Protocol):
    """One per process: one connection pool."""

    async def open(self) -> None: ...

    def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        """An async generator: closing it closes the HTTP stream. Raises ServiceError."""
        ...

    async def close(self) -> None: ...


class PromptCache(Protocol):
    """A server's cache of a prompt's beginning. Neither method raises ServiceError."""

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        """Have it read what the next prompt will begin with."""
        ...

    async def count(self, text: str) -> int | None:
        """How many of its own tokens `text` has; None where it does not count."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str
    start_s: float
    """From the first sample of its `SpeechChunk`'s utterance."""
    estimated: bool = False
    """By its share of the text: the voice gave no time."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    pcm: Pcm
    words: tuple[SpokenWord, ...] = field(default=())
    """Words that begin in this utterance, as far as the voice knows; empty where it does not."""
    trimmed_s: float = 0.0
    """Silence that was cut off: before an utterance's first chunk, and after its last."""


class TextToSpeech(Protocol):
    """One per process, shared by all calls."""

    @property
    def rate_hz(self) -> int: ...

    async def open(self) -> None: ...

    def synthesise(self, text: str, *, first: bool = False) -> AsyncGenerator[SpeechChunk, None]:
        """An async generator: closing it stops the work. Raises ServiceError.

        `first`: somebody waits in silence for this one. It goes before all that are not.
        """
        ...

    async def close(self) -> None: ...
