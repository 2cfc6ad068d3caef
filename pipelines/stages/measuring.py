"""Watches every step and writes the ledger; it touches nothing."""

from collections.abc import Callable, Mapping

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

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
    TextTyped,
)
from pipelines.core.exchange import AnswerMeasured, ToCaller, TurnMeasured
from pipelines.core.ledger.budget import Budget
from pipelines.core.ledger.ledger import Fact, Kind, Ledger
from pipelines.stages.frames import CommandFrame, FactFrame


class Measuring(FrameProcessor):
    def __init__(
        self,
        budget: Budget,
        send: Callable[[ToCaller], None],
        *,
        reports: bool,
        facts: Mapping[str, Fact],
        note: Callable[[LedgerFact], None] = lambda fact: None,
    ) -> None:
        """`facts`: what was in use, to stand in every row: engines, models, profile.

        `note` is told of every fact that goes into the ledger.
        """
        super().__init__(enable_direct_mode=True)
        self._note = note
        self._ledger = Ledger(budget)
        self._send = send
        self._last = "played" if reports else "sent"
        self._facts = facts
        self._turn_id = 1
        self._unasked: set[int] = set()
        """Turns in which nobody waited since they spoke: the bot began, or something was typed."""
        self._turns: dict[int, int] = {}
        self._speech_ended_s: float | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case CommandFrame(command=StartReply(reply_id, turn_id, text, say)):
                self._turns[reply_id] = turn_id
                if say or not text:
                    self._unasked.add(turn_id)
            case FactFrame(
                fact=Milestone()
                | Span()
                | AnswerCounted()
                | SilenceTrimmed()
                | HeardToEnd() as fact
            ):
                self._note(fact)
                self._write(fact)
            case FactFrame(fact=TextTyped()):
                self._unasked.add(self._turn_id)
            case FactFrame(fact=PlayoutStarted(reply_id) | PlayoutEnded(reply_id) as fact):
                turn_id = self._turns.get(reply_id, 0)
                self._turn_id = max(self._turn_id, turn_id + 1)
                if isinstance(fact, PlayoutEnded):
                    self._close(turn_id)
                    self._turns = {k: v for k, v in self._turns.items() if v > turn_id}
            case _:
                pass
        await self.push_frame(frame, direction)

    def _write(self, fact: LedgerFact) -> None:
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
