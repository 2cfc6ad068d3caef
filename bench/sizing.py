"""The cost of calls: processor time, memory and bytes of a server with none, one and several.

    python -m bench.sizing [--calls 8] [--for 30]

The server is started with the demo engine, in a process of its own, and reached through a relay
that counts. Linux only: it reads /proc. docs/measurements/sizing.md has what it printed.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.servers import running
from client.caller.call import CallOptions, place_call
from client.caller.conductor import Pacing, ScriptLine, keyed
from client.caller.door import PageDoor
from client.caller.speech_file import load
from client.caller.telephone import TelephoneCaller

RECORDINGS = Path(__file__).parents[1] / "tests" / "recordings"
SPOKEN = ("phone_which_folder", "cities_in_short", "wide_no_matches", "phone_number_to_call")
AUTH_TOKEN = "sizing"
DEMO = "bot.engines.demo"
SETTLE_S = 3.0
"""From the first frame of a call to the beginning of what is measured."""


@dataclass
class Relay:
    """TCP to the server and back, counted."""

    up: int = 0
    """Bytes from the callers."""
    down: int = 0

    @asynccontextmanager
    async def to(self, port: int) -> AsyncIterator[str]:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                await asyncio.gather(
                    self._pump(reader, back, "up"), self._pump(there, writer, "down")
                )

        async with await asyncio.start_server(carry, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                setattr(self, way, getattr(self, way) + len(data))
                writer.write(data)
                await writer.drain()
        writer.close()


@dataclass(frozen=True)
class Reading:
    """A reading of a process and those that it started, the demo engine apart."""

    cpu_s: float
    pss_mb: float
    up: int
    down: int


def read(pid: int, relay: Relay) -> Reading:
    cpu_s = pss_mb = 0.0
    for one in _tree(pid):
        with suppress(OSError):
            if DEMO.encode() in Path(f"/proc/{one}/cmdline").read_bytes():
                continue
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            cpu_s += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text().split()
            pss_mb += int(rollup[rollup.index("Pss:") + 1]) / 1024
    return Reading(cpu_s, pss_mb, relay.up, relay.down)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield from _tree(int(child))


def speech() -> list[ScriptLine]:
    return [ScriptLine(load(RECORDINGS / f"{name}.wav")) for name in SPOKEN] * 8


def silence() -> list[ScriptLine]:
    return [replace(keyed("1"), expects_answer=False)]


@dataclass(frozen=True)
class SizingLoad:
    name: str
    calls: int
    talks: bool = True
    door: PageDoor | TelephoneCaller = PageDoor()


async def measure(load: SizingLoad, url: str, pid: int, relay: Relay, for_s: float) -> str:
    pacing = Pacing(lead_in_s=0.5 if load.talks else SETTLE_S + for_s + 60)
    options = CallOptions(door=load.door, pacing=pacing)
    lines = speech() if load.talks else silence()
    async with asyncio.TaskGroup() as tasks:
        calls = []
        for _ in range(load.calls):
            calls.append(tasks.create_task(place_call(url, lines, options)))
            await asyncio.sleep(for_s / 40)  # people do not speak all at once
        await asyncio.sleep(SETTLE_S)
        before = read(pid, relay)
        await asyncio.sleep(for_s)
        after = read(pid, relay)
        over = sum(call.done() for call in calls)
        for call in calls:
            call.cancel()
    if over:
        sys.exit(f"{load.name}: {over} calls were over before the measurement was")
    return row(load, before, after, for_s)


def row(load: SizingLoad, before: Reading, after: Reading, for_s: float) -> str:
    cores = (after.cpu_s - before.cpu_s) / for_s
    each = load.calls or 1
    up, down = (
        (b - a) * 8 / 1000 / for_s / each
        for a, b in ((before.up, after.up), (before.down, after.down))
    )
    return (
        f"| {load.name} | {100 * cores:.1f} % | {100 * cores / each:.1f} % | {after.pss_mb:.0f} MB "
        f"| {up:.0f} | {down:.0f} |"
    )


async def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sizing")
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--for", dest="for_s", type=float, default=30.0, metavar="SECONDS")
    asked = parser.parse_args(words)
    public = "http://127.0.0.1:1"
    variables = {
        "MAX_CALLS": str(asked.calls), "CALLS_PER_ADDRESS": str(asked.calls),
        "PUBLIC_BASE_URL": public, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "LOG_FORMAT": "json",
    }  # fmt: skip
    phone = TelephoneCaller(auth_token=AUTH_TOKEN, public_url=public)
    loads = (
        SizingLoad("no call", 0),
        SizingLoad("1 page, silent", 1, talks=False),
        SizingLoad(f"{asked.calls} pages, silent", asked.calls, talks=False),
        SizingLoad("1 page, talking", 1),
        SizingLoad(f"{asked.calls} pages, talking", asked.calls),
        SizingLoad("1 telephone, silent", 1, talks=False, door=phone),
        SizingLoad("1 telephone, talking", 1, door=phone),
    )
    print("| load | of a core | for each call | memory | kbit/s up, each | down |")  # noqa: T201
    print("| --- | --- | --- | --- | --- | --- |")  # noqa: T201
    serve = ["bot", "serve", "--port", "0", "--profile", "fixed-150"]
    async with running("the server", serve, variables) as server:
        relay = Relay()
        async with relay.to(int(server.url.rpartition(":")[2])) as url:
            for load in loads:
                print(await measure(load, url, server.process.pid, relay, asked.for_s), flush=True)  # noqa: T201


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1:]))
