"""Decisions are carried out, each of them, in their order."""

from typing import Any

import pytest

from pipelines.core.commands import CommitReply, StartReply, TurnCommand
from pipelines.core.events import PlayoutEnded, TextTyped
from pipelines.core.exchange import StateChanged
from pipelines.core.turn.floor import Floor
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy


class Parts:
    """Those whom the floor commands; the one of a kind that is `broken` raises."""

    def __init__(self, *broken: type) -> None:
        self.broken = broken
        self.obeyed: list[type[TurnCommand]] = []
        self.told: list[Any] = []
        self.floor = Floor(TurnMachine(TurnPolicy()), self.obey, self.tell, lambda item: None)

    def obey(self, command: TurnCommand, now: float) -> None:
        self.obeyed.append(type(command))
        if isinstance(command, self.broken):
            raise RuntimeError(type(command).__name__)

    def tell(self, item: Any) -> None:
        self.told.append(item)
        if isinstance(item, self.broken):
            raise RuntimeError(type(item).__name__)


@pytest.mark.parametrize("broken", [StartReply, CommitReply])
def test_a_part_that_raises_keeps_no_other_from_being_commanded(broken: type) -> None:
    parts = Parts(broken)
    with pytest.raises(RuntimeError, match=broken.__name__):
        parts.floor.take(TextTyped("hello"), 1.0)

    assert parts.obeyed == [StartReply, CommitReply]
    assert parts.told[-1] == StateChanged("thinking")


def test_two_parts_that_raise_keep_no_third_from_being_commanded() -> None:
    parts = Parts(StartReply, CommitReply)
    with pytest.raises(RuntimeError):
        parts.floor.take(TextTyped("hello"), 1.0)

    assert parts.told[-1] == StateChanged("thinking")


def test_a_client_that_cannot_be_told_keeps_the_next_fact_from_nothing() -> None:
    parts = Parts(StateChanged)
    with pytest.raises(RuntimeError):
        parts.floor.take(TextTyped("hello"), 1.0)
    with pytest.raises(RuntimeError):
        parts.floor.take(PlayoutEnded(1), 2.0)

    assert parts.told[-1] == StateChanged("listening")
