"""The shell around `Attendance`: watches what a call sends, and asks it to speak in time."""

import asyncio
from collections.abc import Callable

from pipelines.core.attendance import Attendance
from pipelines.core.exchange import Caption, Say, StateChanged, ToCaller


class Attending:
    """No stage: it stands beside the pipeline."""

    def __init__(self, attendance: Attendance, ask: Callable[[Say], None]) -> None:
        self._attendance = attendance
        self._ask = ask
        self._changed = asyncio.Event()

    def observe(self, sent: ToCaller) -> None:
        if isinstance(sent, StateChanged | Caption):
            self._attendance.observe(sent, asyncio.get_running_loop().time())
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout_at(self._attendance.deadline()):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            if (say := self._attendance.due(now())) is not None:
                self._ask(say)
