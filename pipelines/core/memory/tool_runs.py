"""Decides which call of a tool is run, and which is answered by a run that was made before.

A call is known by its name and its arguments. The same call is not run again in the same turn,
nor while the first run goes on, nor before a request has told the model of its result. After
that it is the model's own choice, unless the tool says otherwise (`Repeats`). A run that failed
or was cancelled counts as not done.
"""

import enum
from dataclasses import dataclass


class Repeats(enum.Enum):
    """When a call that was made before may be made again."""

    NEVER = enum.auto()
    """Once it is done, it is done for the whole call."""
    WHEN_TOLD = enum.auto()
    """In a later turn, once the model knows how the last one ended."""
    ALWAYS = enum.auto()
    """It changes nothing: a look-up, the time."""


class Fate(enum.Enum):
    RUNNING = enum.auto()
    DONE = enum.auto()
    FAILED = enum.auto()
    CANCELLED = enum.auto()


@dataclass(slots=True, eq=False)
class ToolRun:
    """One execution of a tool."""

    run_id: str
    """For those who are called: a retry of a run that failed has the same one."""
    name: str
    arguments: str
    """Canonical JSON."""
    turn_id: int
    """The last turn in which it was asked for."""
    fate: Fate = Fate.RUNNING
    result: str = ""
    told: bool = False
    """A request has told the model of its result."""
    answered: bool = False
    """So has the request of a reply that was let go."""


class ToolRuns:
    """The register of one call's runs: of each name with its arguments, the last."""

    def __init__(self, prefix: str) -> None:
        """`prefix`: of the run ids, and nobody else's."""
        self._prefix = prefix
        self._last: dict[tuple[str, str], ToolRun] = {}
        self._count = 0

    def ask(
        self, name: str, arguments: str, repeats: Repeats, turn_id: int
    ) -> tuple[ToolRun, bool]:
        """The run that answers this call, and whether it is to be begun."""
        before = self._last.get((name, arguments))
        if before is not None and not _may_run_again(before, repeats, turn_id):
            before.turn_id = turn_id
            return before, False
        run = ToolRun(self._run_id(before), name, arguments, turn_id)
        self._last[name, arguments] = run
        return run, True

    def _run_id(self, before: ToolRun | None) -> str:
        if before is not None and before.fate is Fate.FAILED:
            return before.run_id
        self._count += 1
        return f"{self._prefix}-{self._count}"


def _may_run_again(before: ToolRun, repeats: Repeats, turn_id: int) -> bool:
    if repeats is Repeats.ALWAYS or before.fate is Fate.CANCELLED:
        return True
    if before.fate is Fate.RUNNING or before.turn_id == turn_id or not before.told:
        return False
    return repeats is not Repeats.NEVER or before.fate is Fate.FAILED
