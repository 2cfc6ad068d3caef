"""Child processes that are kept up: one that has gone or hangs is started again, and known to be
away.
"""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from pipelines.services.protocols import ServiceError

PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before the next start, by how many have failed in a row; the last one again and again."""
STEADY_S = 60.0
"""Up for so long, it begins with the first pause again."""

ASK_EVERY_S = 5.0
"""Seconds between two questions whether a process still answers."""
SLOW_S = 10.0
"""Unanswered for so long, it is in trouble: two questions' time."""
HUNG_S = 30.0
"""Unanswered for so long, it hangs, and is killed. The longest that the demo engine was measured to
hold up every answer while it was busy was 8 s; this is over three times that.
"""
BUSY_SHARE = 0.1
"""A process that had such a share of a core since the last question is at work."""
UTIME, STIME = 11, 12
"""In /proc/PID/stat, counted from the field after the name (proc_pid_stat(5): 14 and 15)."""

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


class Pulse:
    """Asks a process every few seconds whether it is there, and kills it when it hangs.

    Only time in which this process runs itself is counted: while the machine stands still, nothing
    can answer.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[bool]],
        kill: Callable[[], None],
        cpu_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`ask` returns True once there is any answer, and may wait for as long as that takes;
        False if the process cannot be asked. `kill` ends it, also where it is stopped.

        `cpu_s`: seconds of CPU time that it has had, for one that answers nothing while it works.
        """
        self._ask = ask
        self._kill = kill
        self._cpu_s = cpu_s
        self._unanswered = 0

    @property
    def unanswered_s(self) -> float:
        """How long it has not answered, in whole questions; 0 while all is well."""
        return self._unanswered * ASK_EVERY_S

    async def until_down(self, until_gone: Awaitable[str]) -> str:
        """Returns why it is down, once it has gone by itself or been killed since it hung."""
        gone, hung = asyncio.ensure_future(until_gone), asyncio.ensure_future(self._until_hung())
        try:
            await asyncio.wait({gone, hung}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return gone.result()
            hung.result()
            self._kill()
            await gone
            return f"it did not answer for {HUNG_S:g} s, and was killed"
        finally:
            self._unanswered = 0
            gone.cancel()
            hung.cancel()

    async def _until_hung(self) -> None:
        question: asyncio.Future[bool] | None = None
        used_s = self._cpu_s()
        try:
            while self.unanswered_s < HUNG_S:
                question = question or asyncio.ensure_future(self._ask())
                await asyncio.sleep(ASK_EVERY_S)
                before_s, used_s = used_s, self._cpu_s()
                is_well = used_s - before_s >= BUSY_SHARE * ASK_EVERY_S
                if question.done():
                    is_well, question = is_well or question.result(), None
                self._unanswered = 0 if is_well else self._unanswered + 1
        finally:
            if question is not None:
                question.cancel()


class ProcessMinder:
    """Minds one process, from its first start on."""

    def __init__(
        self,
        name: str,
        until_gone: Callable[[], Awaitable[str]],
        start_again: Callable[[], Awaitable[None]],
        pulse: Pulse,
    ) -> None:
        """`until_gone` says why it has gone; `start_again` returns once it is ready, and raises
        ServiceError or OSError where it cannot be.
        """
        self._name = name
        self._until_gone = until_gone
        self._start_again = start_again
        self._pulse = pulse
        self._is_away = False

    @property
    def trouble(self) -> str | None:
        if self._is_away:
            return f"{self._name} is down, and is being started again"
        if (unanswered_s := self._pulse.unanswered_s) >= SLOW_S:
            return f"{self._name} has not answered for {unanswered_s:.0f} s"
        return None

    async def run(self) -> None:
        now, pauses = asyncio.get_running_loop().time, Pauses()
        while True:
            up_s = now()
            why = await self._pulse.until_down(self._until_gone())
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


def cpu_s(pid: int) -> float:
    """Seconds of CPU time that a process has had; 0 where it is gone, or this is not Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[UTIME]) + int(fields[STIME])) / os.sysconf("SC_CLK_TCK")


def ended_with(code: int | None) -> str:
    """A process' end in words; negative codes are signals."""
    if code is not None and code < 0:
        return f"it was killed by signal {-code}"
    return f"it ended with {code}"
