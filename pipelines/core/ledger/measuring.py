"""Writes one call's ledger: each fact goes to its turn, each answered turn becomes a row."""

from collections import deque
from collections.abc import Callable, Mapping

from pipelines.core.commands import StartReply
from pipelines.core.events import (
    AnswerCounted,
    HeardToEnd,
    LedgerFact,
    Milestone,
    PlayoutEnded,
    PlayoutStarted,
    SilenceTrimmed,
    Span,
)
from pipelines.core.exchange import AnswerMeasured, TurnMeasured
from pipelines.core.ledger.budget import Budget
from pipelines.core.ledger.ledger import Fact, Kind, Ledger

_REMEMBERED = 64
"""Turns and replies, the newest ones: of older ones nothing can come."""


class Measuring:
    def __init__(
        self,
        budget: Budget,
        send: Callable[[TurnMeasured | AnswerMeasured], None],
        *,
        reports: bool,
        facts: Mapping[str, Fact],
    ) -> None:
        """`reports`: the client says what it has played, so a turn ends there.

        `facts`: what was in use, to stand in every row: engines, models, profile.
        """
        self._ledger = Ledger(budget)
        self._send = send
        self._last = "played" if reports else "sent"
        self._facts = facts
        self._turn_id = 1
        self._unasked: deque[int] = deque(maxlen=_REMEMBERED)
        """Turns in which nobody waited since they spoke: the bot began, or something was typed."""
        self._turns: dict[int, int] = {}
        self._speech_ended_s: float | None = None

    def started(self, reply: StartReply) -> None:
        self._turns[reply.reply_id] = reply.turn_id
        if len(self._turns) > _REMEMBERED:
            del self._turns[min(self._turns)]
        if reply.say or not reply.text:
            self._ask_nothing(reply.turn_id)

    def typed(self) -> None:
        """The silence before it was no wait."""
        self._ask_nothing(self._turn_id)

    def _ask_nothing(self, turn_id: int) -> None:
        if turn_id not in self._unasked:
            self._unasked.append(turn_id)

    def playout(self, fact: PlayoutStarted | PlayoutEnded) -> None:
        turn_id = self._turns.get(fact.reply_id, 0)
        self._turn_id = max(self._turn_id, turn_id + 1)
        if isinstance(fact, PlayoutEnded):
            self._close(turn_id)
            self._turns = {k: v for k, v in self._turns.items() if v > turn_id}

    def take(self, fact: LedgerFact) -> None:
        match fact:
            case Milestone():
                self._reach(fact)
            case Span(stage, start_s, end_s, reply_id, waited):
                kind: Kind = "wait" if waited else "busy"
                self._ledger.span(self._turn(reply_id), stage, start_s, end_s, kind, reply_id)
            case AnswerCounted(facts, reply_id, over):
                for name, value in facts.items():
                    self._ledger.note(self._turn(reply_id), name, value)
                if over:
                    self._send(AnswerMeasured({"turn": self._turn(reply_id), **facts}))
            case HeardToEnd():
                pass  # for the recording: nobody waited
            case SilenceTrimmed(seconds, reply_id):
                self._ledger.note(self._turn(reply_id), "tts_trimmed_s", round(seconds, 3))

    def _turn(self, reply_id: int | None) -> int:
        """The turn of a reply; without one, the turn that is being spoken."""
        return self._turn_id if reply_id is None else self._turns.get(reply_id, self._turn_id)

    def _reach(self, fact: Milestone) -> None:
        turn_id = self._turn(fact.reply_id)
        self._ledger.mark(turn_id, fact.what, fact.at_s, fact.reply_id)
        if fact.what == "speech_ended":
            self._speech_ended_s = fact.at_s
        elif fact.what == "pause_over" and self._speech_ended_s is not None:
            self._ledger.span(turn_id, "endpointing", self._speech_ended_s, fact.at_s, "wait")
        elif fact.what == self._last:
            self._close(turn_id)

    def _close(self, turn_id: int) -> None:
        for name, value in self._facts.items():
            self._ledger.note(turn_id, name, value)
        row = self._ledger.close(turn_id)
        if row is not None and turn_id not in self._unasked:
            self._send(TurnMeasured(row.as_dict()))
