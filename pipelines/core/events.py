"""Facts: events the pure core reacts to. Names are past tense.

`media_s` is the caller's microphone clock: samples placed so far over their rate. Silence is
counted on it, so that jitter and stalls on the way change no decision. `at_s` is the
server's monotonic clock, for the ledger alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

# ---- from the ears ----


@dataclass(frozen=True, slots=True)
class Listened:
    """The microphone clock has moved on."""

    media_s: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The person began, or began again, to make speech-like sound."""

    media_s: float


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The person fell silent; the turn may or may not be over."""

    media_s: float
    """The end of the last sample of speech."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The transcript of this turn so far."""

    text: str
    upto_s: float
    """Media time up to which it has been listened to."""
    final: bool
    """The person is silent, and every word of theirs has been listened to."""
    alternatives: tuple[tuple[str, float], ...] = ()
    """Other texts that it may have been, with their probabilities; the rest of 1 is that of
    `text`."""


@dataclass(frozen=True, slots=True)
class TurnScored:
    """The turn model's opinion of the pause that began at `paused_s`."""

    probability: float
    paused_s: float


# ---- from the person's hands ----


@dataclass(frozen=True, slots=True)
class TextTyped:
    text: str


@dataclass(frozen=True, slots=True)
class SilenceAsked:
    """A button was pressed: be silent now."""


@dataclass(frozen=True, slots=True)
class MicrophoneClosed:
    """The person muted it, or let go of the button to talk; `SpeechPaused` came before."""


# ---- from the server ----


@dataclass(frozen=True, slots=True)
class SayAsked:
    """The bot is to speak of its own accord."""

    text: str
    ends_call: bool = False
    must_be_heard: bool = False
    """Nothing that the person does stops it; they are answered after it."""


@dataclass(frozen=True, slots=True)
class ResultsWaiting:
    """Tools have come to an end of which no reply has told; or there are none left (False)."""

    waiting: bool


# ---- from the reply's side ----


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first audible sample of a reply reached the listener."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class PlayoutEnded:
    """The listener has heard all of a reply, or there was nothing to hear."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class ReplyPaused:
    """A reply fell silent because the person made a sound: the place that was heard."""

    reply_id: int
    sentences: tuple[tuple[str, float], ...]
    """Those about the place, and in how many seconds each ends; less than 0 if it had ended."""
    left_s: float | None
    """Seconds of the reply; None where more of it is to come."""


TurnFact: TypeAlias = (
    Listened
    | SpeechStarted
    | SpeechPaused
    | Transcribed
    | TurnScored
    | TextTyped
    | SilenceAsked
    | MicrophoneClosed
    | SayAsked
    | ResultsWaiting
    | PlayoutStarted
    | PlayoutEnded
    | ReplyPaused
)


# ---- for the ledger alone ----

Stage: TypeAlias = Literal["endpointing", "stt", "turn", "llm", "phrasing", "tts", "send", "play"]


@dataclass(frozen=True, slots=True)
class Milestone:
    """A reply (or, before there is one, the turn) has come this far."""

    what: Literal[
        "speech_ended",
        "pause_over",
        "transcript_final",
        "committed",
        "first_token",
        "first_clause",
        "first_audio",
        "sent",
        "played",
    ]
    at_s: float
    reply_id: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stage was busy, or waited on purpose."""

    stage: Stage
    start_s: float
    end_s: float
    reply_id: int | None = None
    waited: bool = False


@dataclass(frozen=True, slots=True)
class AnswerCounted:
    """Facts about the language model's answer: figures, and the endpoint's name."""

    facts: Mapping[str, str | int | float | bool | None]
    reply_id: int
    over: bool
    """It has come to its end, and these are all."""


@dataclass(frozen=True, slots=True)
class SilenceTrimmed:
    """Before a reply's first sound the voice would have been silent for so long."""

    seconds: float
    reply_id: int


@dataclass(frozen=True, slots=True)
class HeardToEnd:
    """The notice that must be heard was played to its last sample."""

    reply_id: int
    at_s: float
    confirmed: bool
    """The client has said so; else it goes by the clock."""


LedgerFact: TypeAlias = Milestone | Span | AnswerCounted | SilenceTrimmed | HeardToEnd
