"""The shell around `IdleTimer`: watches what a call sends, and asks it to speak in time."""

import asyncio
from collections.abc import Callable

from pipelines.core.announcements import IdleTimer
from pipelines.core.exchange import Caption, Say, StateChanged, ToCaller


class Announcing:
    """No stage: it stands beside the pipeline."""

    def __init__(self, idle_timer: IdleTimer, ask: Callable[[Say], None]) -> None:
        self._idle_timer = idle_timer
        self._ask = ask
        self._changed = asyncio.Event()

    def observe(self, sent: ToCaller) -> None:
        if isinstance(sent, StateChanged | Caption):
            self._idle_timer.observe(sent, asyncio.get_running_loop().time())
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout_at(self._idle_timer.deadline()):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            if (say := self._idle_timer.due(now())) is not None:
                self._ask(say)
