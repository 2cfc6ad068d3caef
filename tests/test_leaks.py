"""Calls through a real server on loopback, to the real models: nothing is left over."""

import asyncio
import ctypes
import gc
import os
import sys
import threading
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from bot.calls.connection import ConnectedCall, Send
from bot.calls.limits import Limits
from bot.settings import Settings
from bot.wiring.engine import Wiring
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.speech_file import load, recording
from pipelines.cascade import CallFormat
from pipelines.core.exchange import AudioIn, AudioOut, ToCaller
from tests.echo import EchoEngine
from tests.serving import serving

RECORDING = Path(__file__).parent / "recordings" / "digits_two_nine.wav"
SPOKEN = slice(round(0.2 * MICROPHONE_RATE_HZ), round(1.1 * MICROPHONE_RATE_HZ))
PACING = Pacing(lead_in_s=0.1, until_quiet_s=0.2, hear_s=0.1)
"""Hangs up in the middle of the answer: what is under way then has to go too."""
GROWTH_BYTES = 10 * 2**20
"""Over ten calls, the largest step aside: one of some 20 MB comes once in a process, sooner or
later. Measured: 0.5 MB over ten calls, 1.5 MB over fifty.
"""
CALLS = 8
CALL_BYTES = 5 * 2**20
"""Bytes that a call may cost while it is under way. A stock Pipecat bot's takes about 60 MB: it
loads the models once more. Measured: 0.6 MB.
"""
SPEECH_S = 5.0
POOLED = 4
"""Connections that the LLM's client may keep for later: as many as there were streams at once."""


class RealEngine:
    """All that `./run serve` has by default."""

    def __init__(self, profile: str = "none") -> None:
        self._wiring = Wiring(Settings.model_validate({"profile": profile}))
        self.closed = False

    async def open(self) -> None:
        await self._wiring.open()

    def new_call(self, form: CallFormat, send: Send) -> ConnectedCall:
        return self._wiring.new_call(form, send)

    async def close(self) -> None:
        await self._wiring.close()
        self.closed = True


@dataclass(frozen=True)
class Held:
    """The things that this process holds."""

    tasks: int
    threads: frozenset[str]
    files: int
    """Sockets too."""
    children: frozenset[int]


def children() -> frozenset[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return frozenset(int(pid) for task in tasks for pid in task.read_text().split())


def held() -> Held:
    return Held(
        tasks=len(asyncio.all_tasks()),
        threads=frozenset(thread.name for thread in threading.enumerate()),
        files=len(os.listdir("/proc/self/fd")),
        children=children(),
    )


async def held_after_all(idle: set[asyncio.Task[Any]]) -> Held:
    """The things held when every task but those has ended, and the loop has seen sockets close."""
    async with asyncio.timeout(10.0):
        while others := asyncio.all_tasks() - idle:
            await asyncio.wait(others)
    for _ in range(20):
        await asyncio.sleep(0)
    return held()


def assert_no_more(now: Held, before: Held) -> None:
    assert replace(now, files=0) == replace(before, files=0)
    assert now.files <= before.files + POOLED


def memory_bytes() -> int:
    """Bytes in use: glibc may keep tens of megabytes that were freed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in ("self", *children())]
    return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")


async def calls(url: str, count: int) -> list[CallResult]:
    """So many at once."""
    lines = [ScriptLine(recording("two nine", load(RECORDING).pcm[SPOKEN]))]
    async with asyncio.TaskGroup() as tasks:
        placed = [
            tasks.create_task(place_call(url, lines, CallOptions(pacing=PACING)))
            for _ in range(count)
        ]
    return [one.result() for one in placed]


def answered(results: list[CallResult]) -> list[bool]:
    return [not turn.wait.missed for result in results for turn in result.turns]


def test_calls_one_after_another_and_at_once_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    async def scenario() -> None:
        engine = cast(EchoEngine, RealEngine())
        async with serving(engine, limits=Limits(calls=4)) as served:
            url = f"http://127.0.0.1:{served.port}"
            idle = asyncio.all_tasks()
            await calls(url, 4)  # whatever is made once is made now
            before = await held_after_all(idle)
            memory = [memory_bytes()]

            for _ in range(10 if soak else 4):
                assert all(answered(await calls(url, 1)))
                assert_no_more(await held_after_all(idle), before)
                memory.append(memory_bytes())
            steps = sorted(now - was for was, now in pairwise(memory))
            assert sum(steps[:-1]) < GROWTH_BYTES

            assert all(answered(await calls(url, 4)))
            assert_no_more(await held_after_all(idle), before)
            assert served.sessions.calls == 0

    asyncio.run(scenario())


def test_a_further_call_takes_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    form = CallFormat(in_rate_hz=MICROPHONE_RATE_HZ, out_rate_hz=24_000)
    pcm = np.tile(load(RECORDING).pcm, 10)[: round(SPEECH_S * MICROPHONE_RATE_HZ)].tobytes()

    async def begin(engine: RealEngine, tasks: asyncio.TaskGroup) -> asyncio.Task[None]:
        """A call in which much has been said, and something has been answered."""
        committed = asyncio.Event()

        def send(message: ToCaller) -> None:
            if isinstance(message, AudioOut):
                committed.set()

        call = engine.new_call(form, send)
        running = tasks.create_task(call.run())
        call.push(AudioIn(pcm))
        call.push(AudioIn(bytes(2 * 2 * MICROPHONE_RATE_HZ)))
        async with asyncio.timeout(60.0):
            await committed.wait()
        return running

    async def scenario() -> None:
        engine = RealEngine()
        try:
            await engine.open()
            async with asyncio.TaskGroup() as tasks:
                under_way = [await begin(engine, tasks)]
                before = memory_bytes()
                under_way += [await begin(engine, tasks) for _ in range(CALLS)]
                grown = memory_bytes() - before
                for running in under_way:
                    running.cancel()
        finally:
            await engine.close()
        print(f"\na call takes {grown / CALLS / 2**20:.2f} MB", file=sys.stderr)  # noqa: T201
        assert grown < CALLS * CALL_BYTES

    asyncio.run(scenario())
