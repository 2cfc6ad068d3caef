"""The order in which jobs of a model are done, and which one gives way when too many wait. Pure."""

import heapq
import itertools
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class GiveWayQueue(Generic[T]):
    """Urgent items go before all others, and within each kind the oldest goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._order = itertools.count()
        self._entries: list[tuple[bool, int, T]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        """In no order."""
        return (item for _, _, item in self._entries)

    def push(self, item: T, *, urgent: bool) -> T | None:
        """Returns the item that gives way where there are more than `limit`: the oldest that is
        not urgent; the newest, where all are urgent.
        """
        heapq.heappush(self._entries, (not urgent, next(self._order), item))
        if len(self._entries) <= self._limit:
            return None
        oldest = min(self._entries, key=lambda entry: (not entry[0], entry[1]))
        worst = oldest if oldest[0] else max(self._entries)
        self.remove(worst[2])
        return worst[2]

    @property
    def first(self) -> T:
        """The next one. Raises IndexError where there is none."""
        return self._entries[0][2]

    def pop(self) -> T:
        """Takes the next one. Raises IndexError where there is none."""
        return heapq.heappop(self._entries)[2]

    def remove(self, item: T) -> None:
        """Takes this very item out, if it waits."""
        self._entries = [entry for entry in self._entries if entry[2] is not item]
        heapq.heapify(self._entries)

    def clear(self) -> list[T]:
        left, self._entries = list(self), []
        return left
