"""Work in order: items that come up while one is done wait until that is over."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """It has no limit of its own, for nothing in it may be lost, an end least of all.

    What fills it has one. Facts for the turn: what an inbox of `INBOX_EVENTS` brings about while a
    command is carried out, which waits for one round of the event loop at most. Pieces of a reply:
    what the voice has made of one answer until its turn is committed, and an answer is no longer
    than the language model's `max_tokens`, in each of `most_rounds`.
    """

    def __init__(self, do: Callable[[T], Awaitable[None]]) -> None:
        self._do = do
        self._waiting: deque[T] = deque()
        self._busy = False

    async def work_off(self, things: Iterable[T]) -> None:
        """Do them, and all that comes up meanwhile; or leave them to whoever is at it.

        If one fails or is cancelled, the rest waits for whoever comes next.
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
        """Drops the unwanted of those that wait."""
        self._waiting = deque(thing for thing in self._waiting if not unwanted(thing))
