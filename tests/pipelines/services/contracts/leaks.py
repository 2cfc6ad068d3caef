"""Runs a scenario, and sees that nothing of it is left."""

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

ENDS_WITHIN_S = 10.0


def run_leaving_nothing(scenario: Callable[[], Awaitable[None]]) -> None:
    async def watched() -> None:
        await scenario()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    threads, files, processes = set(threading.enumerate()), open_files(), children()
    asyncio.run(watched())
    for thread in set(threading.enumerate()) - threads:
        thread.join(ENDS_WITHIN_S)  # asyncio's, that waited for a process, may be on its way out
        assert not thread.is_alive()
    gc.collect()  # what only a traceback still holds is not left
    left = open_files() - files
    assert left == set(), left
    running = children() - processes
    assert running == set(), running


def open_files() -> set[tuple[str, str]]:
    """Sockets, pipes and event loops, each with its number.

    Not all files: the C library and onnxruntime open some of their own for a moment, from
    threads of their own.
    """
    found = set()
    for file in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found.add((file, os.readlink(f"/proc/self/fd/{file}")))
    ours = ("socket:", "pipe:", "anon_inode:[eventpoll]")
    return {each for each in found if each[1].startswith(ours)}


def children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that is just ending
            found.update((task / "children").read_text().split())
    return found
