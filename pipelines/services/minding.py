"""Child processes that are kept up: one that has gone is started again, and known to be away."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from pipelines.services.protocols import ServiceError

PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before the next start, by how many have failed in a row; the last one again and again."""
STEADY_S = 60.0
"""Up for so long, it begins with the first pause again."""

log = structlog.get_logger(__name__)


class Pauses:
    """The time to wait before each start."""

    def __init__(self) -> None:
        self._failures = 0

    def after(self, up_s: float) -> float:
        """Seconds to wait now that it has gone after `up_s`; 0 if it did not start at all."""
        self._failures = 1 if up_s > STEADY_S else self._failures + 1
        return PAUSES_S[min(self._failures, len(PAUSES_S)) - 1]


class Minder(Protocol):
    @property
    def trouble(self) -> str | None:
        """In words, for anybody; None while all is well."""
        ...

    async def run(self) -> None:
        """Until it is cancelled."""
        ...


class ProcessMinder:
    """Minds one process, from its first start on."""

    def __init__(
        self,
        name: str,
        until_gone: Callable[[], Awaitable[str]],
        start_again: Callable[[], Awaitable[None]],
    ) -> None:
        """`until_gone` says why it has gone; `start_again` returns once it is ready, and raises
        ServiceError or OSError where it cannot be.
        """
        self._name = name
        self._until_gone = until_gone
        self._start_again = start_again
        self._is_away = False

    @property
    def trouble(self) -> str | None:
        return f"{self._name} is down, and is being started again" if self._is_away else None

    async def run(self) -> None:
        now, pauses = asyncio.get_running_loop().time, Pauses()
        while True:
            up_s = now()
            why = await self._until_gone()
            down_s, self._is_away = now(), True
            log.error("a process is down", process=self._name, reason=why)
            await self._bring_back(pauses, down_s - up_s)
            self._is_away = False
            log.warning("a process is back", process=self._name, after_s=round(now() - down_s, 3))

    async def _bring_back(self, pauses: Pauses, up_s: float) -> None:
        """However many starts it takes."""
        while True:
            await asyncio.sleep(pauses.after(up_s))
            try:
                await self._start_again()
            except (ServiceError, OSError) as error:
                log.error("a process does not start", process=self._name, reason=str(error))
                up_s = 0.0
            else:
                return


class Minders:
    """Several as one."""

    def __init__(self, minders: Sequence[Minder] = ()) -> None:
        self._minders = tuple(minders)

    @property
    def trouble(self) -> str | None:
        """The first that any of them has."""
        return next((one.trouble for one in self._minders if one.trouble is not None), None)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for one in self._minders:
                tasks.create_task(one.run())


async def end_within(process: Process, limit_s: float) -> None:
    """Waits for a process that was told to end, and kills it after `limit_s`."""
    try:
        async with asyncio.timeout(limit_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def ended_with(code: int | None) -> str:
    """A process' end in words; negative codes are signals."""
    if code is not None and code < 0:
        return f"it was killed by signal {-code}"
    return f"it ended with {code}"
