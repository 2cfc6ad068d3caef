"""An event loop whose clock jumps: what would take minutes takes milliseconds, always the same."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

THREAD_S = 0.5
"""Real time in which a thread may still wake a loop that has nothing else to wait for."""

POLL_EVERY = 16
"""While there is work to do: asking the kernel each time takes a tenth of a replay."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock to it. Real I/O is polled, never awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._passed_over = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            self._passed_over = (self._passed_over + 1) % POLL_EVERY
            if self._passed_over:
                return []
        ready = super().select(0)
        if not ready and timeout is None:
            ready = super().select(THREAD_S)
        if not ready and timeout is None:
            raise RuntimeError("every task waits, and nothing will ever wake one")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Like asyncio.run, on virtual time that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
