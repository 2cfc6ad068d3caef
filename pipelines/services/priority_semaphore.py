"""How many jobs a distant engine is given at once: the most urgent first, the rest limited."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pipelines.services.give_way_queue import GiveWayQueue
from pipelines.services.protocols import ServiceError


class PrioritySemaphore:
    """`width` pass at once. When more than `limit` wait, the oldest that is not urgent gives way
    with a retryable `ServiceError`; the newest, if all are urgent.
    """

    def __init__(self, service: str, *, width: int, limit: int = 64) -> None:
        self._service = service
        self._free = width
        self._waiting = GiveWayQueue[asyncio.Future[None]](limit)

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
        if (given_up := self._waiting.push(turn, urgent=urgent)) is not None:
            given_up.set_exception(ServiceError(self._service, "too busy", retryable=True))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_way()
            else:
                self._waiting.remove(turn)
            raise

    def _give_way(self) -> None:
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
