"""Commands: requests the pure core makes of the shell. Names are imperative."""

from dataclasses import dataclass
from typing import TypeAlias


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
    """Ask the turn model about the pause that began at `paused_s`."""

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
