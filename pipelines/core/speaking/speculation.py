"""Speculation: replies held, let go and withdrawn, one small state per reply.

HELD -> RELEASED -> STOPPED
  '---> WITHDRAWN
"""

import enum
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Status(enum.Enum):
    HELD = enum.auto()
    RELEASED = enum.auto()
    GONE = enum.auto()
    """Withdrawn or stopped: late news of it is normal, and dropped here."""


class Speculation(Generic[Item]):
    """Keeps a reply's work until its turn is committed. Reply ids only grow."""

    def __init__(self) -> None:
        self._held: dict[int, list[Item]] = {}
        self._released: set[int] = set()

    def status(self, reply_id: int) -> Status:
        if reply_id in self._held:
            return Status.HELD
        return Status.RELEASED if reply_id in self._released else Status.GONE

    def start(self, reply_id: int) -> None:
        self._held[reply_id] = []

    def offer(self, reply_id: int, item: Item) -> list[Item]:
        """Work has come in: returns what may go out now, which may be nothing."""
        match self.status(reply_id):
            case Status.HELD:
                self._held[reply_id].append(item)
                return []
            case Status.RELEASED:
                return [item]
            case Status.GONE:
                return []

    def commit(self, reply_id: int) -> list[Item]:
        """Let it go: returns what was held, in order. Committing twice lets nothing go twice."""
        if reply_id not in self._held:
            return []
        self._released = {reply_id}
        return self._held.pop(reply_id)

    def take_back(self, reply_id: int) -> None:
        """It begins anew: nothing of what is held of it comes out."""
        if reply_id in self._held:
            self._held[reply_id] = []

    def drop(self, reply_id: int) -> None:
        """Withdraw or stop it: nothing of it comes out from now on."""
        self._held.pop(reply_id, None)
        self._released.discard(reply_id)
