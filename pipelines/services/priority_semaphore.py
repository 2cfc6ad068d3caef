"""How many jobs a distant engine is given at once: the most urgent first, the rest limited."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pipelines.services.protocols import ServiceError


class PrioritySemaphore:
    """`width` pass at once. When more than `limit` wait, the oldest that is not urgent gives way
    with a retryable `ServiceError`; the newest, if all are urgent.
    """

    def __init__(self, service: str, *, width: int, limit: int = 64) -> None:
        self._service = service
        self._free = width
        self._limit = limit
        self._order = itertools.count()
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def passed(self, *, urgent: bool) -> AsyncGenerator[None, None]:
        """Waits for its turn. Raises ServiceError."""
        await self._turn(urgent=urgent)
        try:
            yield
        finally:
            self._give_way()

    async def _turn(self, *, urgent: bool) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), turn))
        if len(self._waiting) > self._limit:
            self._give_up_one()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_way()
            else:
                self._waiting = [each for each in self._waiting if each[2] is not turn]
                heapq.heapify(self._waiting)
            raise

    def _give_up_one(self) -> None:
        oldest = min(self._waiting, key=lambda each: (not each[0], each[1]))
        worst = oldest if oldest[0] else max(self._waiting)
        self._waiting.remove(worst)
        heapq.heapify(self._waiting)
        worst[2].set_exception(ServiceError(self._service, "too busy", retryable=True))

    def _give_way(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
