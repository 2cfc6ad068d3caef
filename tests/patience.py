"""Waits for what the other side does, where it sets no event."""

import asyncio
from collections.abc import Callable

TURNS = 1_000_000
LIMIT_S = 10.0


async def until(true: Callable[[], object], pause_s: float = 0.0) -> None:
    """Waits until `true` is: this loop's tasks get turns, another thread or process gets `pause_s`
    each.
    """
    for _ in range(round(LIMIT_S / pause_s) if pause_s else TURNS):
        if true():
            return
        await asyncio.sleep(pause_s)
    raise AssertionError("it never came true")
