"""A reply on its way: what was asked, how far it has come, and what it still waits for."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.core.ledger.ledger import Fact
from pipelines.core.memory.chat import ToolCall
from pipelines.core.memory.entry import HistoryEntry


class ReplyState(enum.Enum):
    SENT = enum.auto()
    """The question is on its way to the model: another's processor may stand between."""
    ASKED = enum.auto()
    """The model answers."""
    UNCERTAIN = enum.auto()
    """It wants tools called, and the turn is not committed."""
    SETTLING = enum.auto()
    """The person may go on after all, and what was done cannot be withdrawn."""
    WORKING = enum.auto()
    """Tools run."""


class Standing(enum.Enum):
    """How its turn stands."""

    HELD = enum.auto()
    """The turn is not committed."""
    COMMITTED = enum.auto()
    CONTESTED = enum.auto()
    """The turn is committed, and the person makes a sound meanwhile."""


class Substance(enum.IntEnum):
    """How much of it can be heard."""

    NOTHING = 0
    SOMETHING = 1
    """Be it to bridge a wait."""
    ENOUGH = 2
    """The rest of what the model says is dropped."""


class Question(enum.Enum):
    """Which of its questions the model is asked next."""

    JUDGING = enum.auto()
    """The first. The model may say in place of an answer that the person has not finished."""
    FIRST = enum.auto()
    """The first, and the person has finished."""
    LATER = enum.auto()
    """Part of the answer is said already, or tools have run."""


@dataclass(eq=False, slots=True)
class Reply:
    """Times are monotonic seconds."""

    reply_id: int
    turn_id: int
    question: str
    since_s: float
    """When the person fell silent, where that is known."""
    settled_s: float = 0.0
    """When the person will have been silent for long enough to call what changes something."""
    state: ReplyState = ReplyState.SENT
    standing: Standing = Standing.HELD
    said: Substance = Substance.NOTHING
    next: Question = Question.FIRST
    asked_s: float | None = None
    """When this round's question was put, until text comes in answer to it."""
    lost_s: float = 0.0
    """When the question will have been on its way for too long."""
    fed_s: float | None = None
    """When text came of which there is no clause yet."""
    spoken: str = ""
    """The source of the answer that made the calls."""
    rounds: int = 0
    cuts: int = 0
    """How often a prompt that was too long was cut."""
    news: list[HistoryEntry] = field(default_factory=list)
    """Results of which its request has told."""
    calls: tuple[ToolCall, ...] = ()
    line: HistoryEntry | None = None
    """Its calls in the history."""
    runs: dict[str, float] = field(default_factory=dict)
    """The runs that it waits for: by id, until when."""
    began_s: float = 0.0
    """When the wait for its tools began."""
    bridge_s: float | None = None
    """When the wait is to be bridged."""
    facts: dict[str, Fact] = field(default_factory=dict)

    def learn(self, facts: Mapping[str, Fact]) -> None:
        """Figures about one more answer: counts add up, for a reply that uses tools is several."""
        for name, value in facts.items():
            before = self.facts.get(name)
            adds = isinstance(value, int) and not isinstance(value, bool)
            self.facts[name] = value + before if adds and isinstance(before, int) else value  # type: ignore[operator]

    @property
    def deadline(self) -> float | None:
        """When it is to be looked at again, if nothing happens before."""
        times = list(self.runs.values()) if self.state is ReplyState.WORKING else []
        if self.bridge_s is not None:
            times.append(self.bridge_s)
        if self.state is ReplyState.SENT:
            times.append(self.lost_s)
        if self.state is ReplyState.SETTLING and self.standing is Standing.COMMITTED:
            times.append(self.settled_s)
        return min(times, default=None)
