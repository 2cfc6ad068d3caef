"""Commands: requests the pure core makes of the shell. Names are imperative.

First those of the turn machine, which the rest of the core obeys; then those for the stages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pipelines.core.exchange import AnswerMeasured, Caption, Fault, StateChanged, TurnMeasured
from pipelines.core.memory.chat import ChatMessage


@dataclass(frozen=True, slots=True)
class StartReply:
    """Prepare a reply to `text`, and hold it: nothing of it may be heard, shown or kept.

    Without a text nobody has asked: it tells of the results that have come.
    """

    reply_id: int
    turn_id: int
    text: str
    say: str = ""
    """These very words instead: nobody asked anything."""
    ends_call: bool = False
    """The call is over when it has been heard."""
    judges_turn: bool = False
    """The language model may say instead that the person has not finished."""


@dataclass(frozen=True, slots=True)
class CommitReply:
    """The turn is over: `text` is what the person said, and the reply may be heard.

    The text is empty where the bot speaks of its own accord.
    """

    reply_id: int
    turn_id: int
    text: str
    must_be_heard: bool = False


@dataclass(frozen=True, slots=True)
class WithdrawReply:
    """Drop a reply of which nothing has been heard, without a trace."""

    reply_id: int
    turn_id: int
    reopened: bool = False
    """The turn had been committed, and goes on after all: its text is not history yet."""


@dataclass(frozen=True, slots=True)
class PauseReply:
    """The person makes a sound: be silent at once, and lose nothing."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """It was no interruption: go on from what was heard."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class StopReply:
    """It was an interruption: what was heard is history, the rest never was."""

    reply_id: int


@dataclass(frozen=True, slots=True)
class ScoreTurn:
    """AskModel the turn model about the pause that began at `paused_s`."""

    paused_s: float


@dataclass(frozen=True, slots=True)
class ForgetSpeech:
    """Speech up to `upto_s` is dealt with; a transcript begins after it."""

    upto_s: float


TurnCommand: TypeAlias = (
    StartReply
    | CommitReply
    | WithdrawReply
    | PauseReply
    | ResumeReply
    | StopReply
    | ScoreTurn
    | ForgetSpeech
)


# ---- for the ears ----


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Transcribe a stretch of sound, in place of the one that is being transcribed."""

    job: int
    start_s: float
    end_s: float
    """Media time, like `start_s`."""
    final: bool
    draft: tuple[int, ...]
    background_dbfs: float
    """A stretch softer than this holds nothing that was said to us."""
    lost_s: float = 0.0
    """Speech before it that is gone without having been heard: the ears are too late."""


# ---- for the turn's stage, from which a reply goes down ----


@dataclass(frozen=True, slots=True)
class OpenReply:
    reply_id: int
    heard_by_s: float | None = None
    """Something of it is to be heard by then; None where nobody has asked."""


@dataclass(frozen=True, slots=True)
class AskModel:
    """Put this to the language model, for the reply that is open."""

    reply_id: int
    messages: tuple[ChatMessage, ...]
    waited_s: float
    """How long the person has waited."""
    left_out: int = 0
    """Characters of the question that the prompt has no room for."""
    judges_turn: bool = False
    """The prompt lets the model say instead that the person has not finished."""


@dataclass(frozen=True, slots=True)
class Utter:
    """Words of our own, as part of the reply that is open."""

    reply_id: int
    text: str
    filler: bool = False
    """They bridge a wait, and are no part of the answer."""


@dataclass(frozen=True, slots=True)
class CloseReply:
    """No more of it comes."""

    reply_id: int
    sorry: str = ""
    """It broke off: the apology."""
    is_cut: bool = False
    """The model was stopped at its limit: it is to end at a whole sentence."""
    error: str = ""
    """The reason for the apology, for the log."""


@dataclass(frozen=True, slots=True)
class AbortReply:
    """Nothing more of it is wanted, wherever it is on its way."""

    reply_id: int


# ---- for the language model ----


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    reply_id: int


@dataclass(frozen=True, slots=True)
class CountTokens:
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SumUp:
    text: str
    """The question."""


@dataclass(frozen=True, slots=True)
class WarmPrompt:
    messages: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class CancelPreparation:
    """The server's time is a question's."""


# ---- for the tools ----


@dataclass(frozen=True, slots=True)
class RunTool:
    run_id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CancelTool:
    run_id: str


@dataclass(frozen=True, slots=True)
class ActAfterwards:
    """The reply was heard: do what the run has left to be done."""

    run_id: str


@dataclass(frozen=True, slots=True)
class ForgetAct:
    run_id: str


# ---- for the voice ----


@dataclass(frozen=True, slots=True)
class CancelVoice:
    reply_id: int


@dataclass(frozen=True, slots=True)
class Apologise:
    """Say this in place of an answer of which nothing can be heard."""

    reply_id: int
    clauses: tuple[str, ...]


# ---- for the playout ----


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """Send a piece of a reply's sound."""

    reply_id: int
    place: int
    """Its first sample in the reply."""
    samples: int
    generation: int
    start: int
    """Its first sample since the last flush."""
    plays_at_s: float
    tell: bool
    """Say when the socket was given it."""


@dataclass(frozen=True, slots=True)
class FlushAudio:
    """Throw away what was sent and not heard; what follows belongs to `generation`."""

    generation: int


@dataclass(frozen=True, slots=True)
class DropAudio:
    """A reply's sound from `place` on is not wanted."""

    reply_id: int
    place: int = 0


# ---- for the shell ----


@dataclass(frozen=True, slots=True)
class EndCall:
    """The last word was heard."""


CallCommand: TypeAlias = (
    Transcribe
    | ScoreTurn
    | OpenReply
    | AskModel
    | Utter
    | CloseReply
    | AbortReply
    | CancelAnswer
    | CountTokens
    | SumUp
    | WarmPrompt
    | CancelPreparation
    | RunTool
    | CancelTool
    | ActAfterwards
    | ForgetAct
    | CancelVoice
    | Apologise
    | PlayAudio
    | FlushAudio
    | DropAudio
    | Caption
    | StateChanged
    | TurnMeasured
    | AnswerMeasured
    | Fault
    | EndCall
)
"""All that `CallCore.handle` can return: each has one addressee (`pipelines.cascade`)."""
