"""Whose turn it is, as the client is shown it: the turn machine, captions and the call's state."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from pipelines.core.commands import CommitReply, EndCall, StartReply, StopReply, TurnCommand
from pipelines.core.events import (
    Milestone,
    PlayoutEnded,
    Transcribed,
    TurnFact,
    TurnHeldLongEnough,
    TurnIncomplete,
)
from pipelines.core.exchange import CallState, Caption, StateChanged
from pipelines.core.steps import each
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.state import TurnState

SHOWN: dict[TurnState, CallState] = {
    TurnState.IDLE: "listening",
    TurnState.HEARING: "hearing",
    TurnState.PAUSED: "hearing",
    TurnState.CLOSING: "thinking",
    TurnState.THINKING: "thinking",
    TurnState.SPEAKING: "speaking",
    TurnState.ANNOUNCING: "speaking",
    TurnState.PROMPTING: "speaking",
    TurnState.CONTESTED: "hearing",
    TurnState.CONTESTED_EARLY: "hearing",
}
Noticed: TypeAlias = Caption | StateChanged | Milestone | EndCall


class Floor:
    def __init__(
        self,
        machine: TurnMachine,
        obey: Callable[[TurnCommand, float], None],
        tell: Callable[[Noticed], None],
        note: Callable[[TurnFact | TurnCommand], None],
    ) -> None:
        """`obey` carries out what the machine decides, at once. What that brings about may be
        told here meanwhile: it is taken once the decision is carried out.

        `note` is told of every fact, and then of every command that it brings about.
        """
        self._machine = machine
        self._obey = obey
        self._tell = tell
        self._note = note
        self._facts: deque[TurnFact] = deque()
        self._is_deciding = False
        self._shown: CallState | None = None
        self._said: Caption | None = None
        """The caption of the committed turn: final once its answer is heard, and no longer open."""
        self._last_word: int | None = None
        """The reply that ends the call once it has been heard."""
        self._held_until_s: float | None = None
        """A turn is held on the language model's word until then, should no sound come."""

    def deadline(self) -> float | None:
        """When `due` is to be called, if nothing happens before."""
        return self._held_until_s

    def due(self, now: float) -> None:
        if self._held_until_s is not None and now >= self._held_until_s - 1e-6:
            self.take(TurnHeldLongEnough(), now)

    @property
    def room(self) -> int:
        """Characters that the person may type into the turn that a text would be of."""
        return self._machine.room

    def take(self, fact: TurnFact, now: float) -> None:
        self._facts.append(fact)
        if self._is_deciding:
            return
        self._is_deciding = True
        try:
            while self._facts:
                self._decide(self._facts.popleft(), now)
        finally:
            self._is_deciding = False

    def _decide(self, fact: TurnFact, now: float) -> None:
        self._note(fact)
        before = self._machine.state
        commands = self._machine.handle(fact)
        each(
            partial(self._begin, fact, before, now),
            *(partial(self._carry_out, command, now) for command in commands),
            partial(self._conclude, fact),
        )

    def _begin(self, fact: TurnFact, before: TurnState, now: float) -> None:
        after = self._machine.state
        if after is not TurnState.PAUSED or isinstance(fact, TurnHeldLongEnough):
            self._held_until_s = None
        elif isinstance(fact, TurnIncomplete):
            self._held_until_s = now + self._machine.held_s
        if before is TurnState.PAUSED and after in (TurnState.CLOSING, TurnState.THINKING):
            self._tell(Milestone("pause_over", now))
        if isinstance(fact, Transcribed) and self._shown == "hearing" and fact.text:
            self._caption()

    def _conclude(self, fact: TurnFact) -> None:
        if isinstance(fact, PlayoutEnded) and fact.reply_id == self._last_word:
            self._tell(EndCall())
        if self._said is not None and self._machine.turn_id > self._said.turn:
            self._tell(self._said)
            self._said = None
        self._show(SHOWN[self._machine.state])

    def _carry_out(self, command: TurnCommand, now: float) -> None:
        self._note(command)
        match command:
            case StopReply(reply_id) if reply_id == self._last_word:
                self._last_word = None  # the person has more to say
            case CommitReply(reply_id, turn_id, text) if text:
                self._said = Caption("user", text, final=True, turn=turn_id)
                self._tell(replace(self._said, final=False))
                self._tell(Milestone("committed", now, reply_id))
            case StartReply(reply_id, ends_call=True):
                self._last_word = reply_id
            case _:
                pass
        self._obey(command, now)

    def _caption(self) -> None:
        if text := self._machine.text:
            self._tell(Caption("user", text, final=False, turn=self._machine.turn_id))

    def _show(self, state: CallState) -> None:
        if state != self._shown:
            self._shown = state
            self._tell(StateChanged(state))
