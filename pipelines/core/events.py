"""Facts: events the pure core reacts to. Names are past tense.

`media_s` is the caller's microphone clock, samples placed so far over their rate: on it silence is
counted, so that jitter and stalls on the way change no decision. `at_s` is monotonic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipelines.core.exchange import (
    CallerNews,
    SoundLost,
)
from pipelines.core.memory.chat import ToolCall

# ---- from the ears ----


@dataclass(frozen=True, slots=True)
class Listened:
    """The microphone clock has moved on, `catching_up` where more sound is there already."""

    media_s: float
    catching_up: bool | None = None


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
    """Other texts that it may have been, with probabilities; the rest of 1 is that of `text`."""


@dataclass(frozen=True, slots=True)
class TurnScored:
    """The turn model's opinion of the pause that began at `paused_s`."""

    probability: float
    paused_s: float


@dataclass(frozen=True, slots=True)
class TurnIncomplete:
    """The language model's answer is that the person has not finished: there is no other."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class TurnHeldLongEnough:
    """By the clock the person has been waited for, on the model's word, as long as may be."""


# ---- from the person's hands, and from the server ----


@dataclass(frozen=True, slots=True)
class TextTyped:
    text: str


@dataclass(frozen=True, slots=True)
class SilenceAsked:
    """A button was pressed: be silent now."""


@dataclass(frozen=True, slots=True)
class MicrophoneClosed:
    """The person muted it, or let go of the button to talk; `SpeechPaused` came before."""


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
    | TurnIncomplete
    | TurnHeldLongEnough
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


# ---- told by the shell ----

AnswerFacts: TypeAlias = Mapping[str, str | int | float | bool | None]
"""Figures about an answer, and the endpoint's name, as the ledger's row names them."""


@dataclass(frozen=True, slots=True)
class CallOpened:
    """The core was made, with these."""

    run_prefix: str
    has_prompts: bool
    asks_model: bool | None = None
    """The language model may say that a turn is incomplete; None: as the policies say."""


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The stages are ready."""


@dataclass(frozen=True, slots=True)
class DayBegan:
    today: str
    """The sentence that the model is told about the day; "" for none."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The core's deadline has come."""


# ---- told by the ears ----


@dataclass(frozen=True, slots=True)
class SoundHeard:
    """More of the caller's sound, judged piece by piece."""

    levels: tuple[float, ...]
    """dBFS of each new window of 10 ms."""
    probabilities: tuple[float, ...]
    """The VAD's, of speech, for each new chunk of 32 ms."""


@dataclass(frozen=True, slots=True)
class TranscriptionCame:
    job: int
    """The number of the `Transcribe` that it answers."""
    text: str
    tokens: tuple[int, ...]
    """The hypothesis in the engine's own terms."""
    started_s: float
    """Monotonic."""
    alternatives: tuple[tuple[str, float], ...] = ()
    """Other texts that it may be, with their probabilities."""


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    job: int
    again: bool
    """It is worth another try."""
    started_s: float


# ---- told by the language model's stage ----


@dataclass(frozen=True, slots=True)
class QuestionArrived:
    """The model is asked: the question has come through whatever stands before it."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The first text of one answer; a reply that uses tools is several."""

    reply_id: int
    asked_s: float
    at_s: float
    facts: AnswerFacts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    reply_id: int
    text: str
    """The source of this answer, as far as it was passed on."""
    is_cut: bool = False
    """The model was stopped at its limit."""
    tool_calls: tuple[ToolCall, ...] = ()
    facts: AnswerFacts = field(default_factory=dict)
    turn_incomplete: bool = False
    """It was the mark that the person has not finished."""


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    reply_id: int
    error: str
    """For the log."""
    text: str = ""
    """The source of what was passed on before."""
    is_cold: bool = False
    """The server still loads its model."""
    too_long: bool = False
    """The prompt does not fit."""
    facts: AnswerFacts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokensCounted:
    """The server's count of a line of the history; None where it does not count."""

    text: str
    tokens: int | None
    left: int
    """So many more texts are to be counted."""


@dataclass(frozen=True, slots=True)
class SummaryCame:
    text: str | None
    """None: it could not be made."""


@dataclass(frozen=True, slots=True)
class PromptWarmed:
    """The server has read the beginning of the next prompt."""


@dataclass(frozen=True, slots=True)
class ToolEnded:
    run_id: str
    result: str
    failed: bool = False
    acts: bool = False
    """It has left something to be done once the reply was heard."""


# ---- told by the clause aggregator and the voice ----


@dataclass(frozen=True, slots=True)
class FirstClause:
    """The first clause of an answer can be spoken."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class NothingToSay:
    """An answer has broken off before its first clause."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class TooMuchToSay:
    """A reply has more clauses than will be spoken."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class VoiceFailed:
    """A clause could not be spoken."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class NothingAudible:
    """The voice has come to the end of an answer, and not one clause can be heard."""

    reply_id: int


# ---- told by the playout ----


@dataclass(frozen=True, slots=True)
class PlayoutWord:
    text: str
    start: int
    """Sample of the clause at which it begins."""
    estimated: bool = False
    """By its share of what is said: the voice gave no time."""


@dataclass(frozen=True, slots=True)
class ClauseBegan:
    """Words of a reply whose sound comes next; without a text they belong to the clause before."""

    reply_id: int
    text: str
    words: tuple[PlayoutWord, ...] = ()
    filler: bool = False
    """It bridges a wait, and is no part of the answer."""


@dataclass(frozen=True, slots=True)
class SpeechCame:
    """Sound of a reply."""

    reply_id: int
    samples: int
    audible_at: int | None
    """The first audible one of them, counted from 0; None where there is none."""


@dataclass(frozen=True, slots=True)
class ReplyRestarted:
    """The reply begins anew: what came of it before was not meant for the listener."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """No more sound of this reply comes."""

    reply_id: int


CallFact: TypeAlias = (
    CallOpened
    | CallStarted
    | DayBegan
    | TimePassed
    | SoundHeard
    | SoundLost
    | TranscriptionCame
    | TranscriptionFailed
    | TurnScored
    | QuestionArrived
    | FirstToken
    | AnswerFinished
    | AnswerFailed
    | TokensCounted
    | SummaryCame
    | PromptWarmed
    | ToolEnded
    | FirstClause
    | NothingToSay
    | TooMuchToSay
    | VoiceFailed
    | NothingAudible
    | ClauseBegan
    | SpeechCame
    | ReplyRestarted
    | SpeechEnded
    | Milestone
    | Span
    | SilenceTrimmed
    | CallerNews
)
"""All that `CallCore.handle` can be given: from the person's side, from the stages, from time."""
