"""Facts for a turn machine, one after the other."""

from pipelines.core.commands import TurnCommand
from pipelines.core.events import TurnFact
from pipelines.core.turn.machine import TurnMachine


def feed(turns: TurnMachine, *facts: TurnFact) -> list[TurnCommand]:
    return [command for fact in facts for command in turns.handle(fact)]
