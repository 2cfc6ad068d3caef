"""One thing after another: what comes up while one is done waits until that is over."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class InTurn(Generic[T]):
    def __init__(self, do: Callable[[T], Awaitable[None]]) -> None:
        self._do = do
        self._waiting: deque[T] = deque()
        self._busy = False

    async def take(self, things: Iterable[T]) -> None:
        """Do them, and all that comes up meanwhile; or leave them to whoever is at it.

        If one fails or is cancelled, the rest waits for the next to be taken.
        """
        self._waiting.extend(things)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                await self._do(self._waiting.popleft())
        finally:
            self._busy = False

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Of those that wait."""
        self._waiting = deque(thing for thing in self._waiting if not unwanted(thing))
