"""One course: a real server; its good callers alone, then under attack; then what is left."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2

from bench.attack.callers import DOORS, call_all, recordings
from bench.attack.target import SIGNS_WITH, TOKEN
from bench.attack.verdict import Census, Story, Turn, left_over
from bench.servers import Running, ServerError, free_port, running
from client.caller.speech_file import Recording

WARM_S = 10.0
"""The attack goes on so long before the baseline: what is made once is made then."""
SETTLE_S = 75.0
"""The longest wait for the baseline: a page that vanished is waited for during 30 s."""
CALLS = 24
"""Lines of the server: enough for good callers and for attackers who call."""
Tell = Callable[[str, int], None]


@dataclass(slots=True)
class Course:
    """The measurements of one server, in order."""

    server: Running
    names: Sequence[str]
    seed: int
    tell: Tell
    crew: dict[str, Any] = field(default_factory=dict)
    """The attackers' rounds, refusals and surprises, by name."""

    async def run(self, calls: int) -> Story:
        """Raises ServerError if the server ends before the attack."""
        spoken = recordings()
        self.tell("warming", 0)
        await call_all(self.server.url, 1, spoken, lambda _: None)
        async with self._under_attack():
            await asyncio.sleep(WARM_S)
        before = await self._settled(None)
        if before is None:
            raise ServerError(f"{self.server.name} ended while it was warmed up")
        logged = self._tracebacks()
        alone = await self._calls("alone", calls, spoken)
        async with self._under_attack():
            attacked = await self._calls("under attack", calls, spoken)
        self.tell("settling", 0)
        after = await self._settled(before)
        return Story(
            alone=alone,
            attacked=attacked,
            before=before,
            after=after,
            surprises={
                f"{name}: {words}": many
                for name, record in self.crew.items()
                for words, many in record["surprises"].items()
            },
            tracebacks=self._tracebacks() - logged if after else 0,
        )

    async def _calls(self, phase: str, calls: int, spoken: Sequence[Recording]) -> list[Turn]:
        return await call_all(self.server.url, calls, spoken, lambda many: self.tell(phase, many))

    @asynccontextmanager
    async def _under_attack(self) -> AsyncIterator[None]:
        """Raises ServerError if the attackers fail."""
        words = ["-m", "bench.attack.crew", self.server.url, str(self.seed), *self.names]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=PIPE, stdout=PIPE
        )
        try:
            yield
            said, _ = await process.communicate(b"")  # its input ends
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        if process.returncode:
            raise ServerError("the attackers failed")
        self.crew = json.loads(said)

    async def _settled(self, baseline: Census | None) -> Census | None:
        """The census when nothing is left over any more, or the last; None without a server."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_S
        census: Census | None = None
        while loop.time() < until:
            await asyncio.sleep(2.0)
            if self.server.process.returncode is not None:
                return None
            earlier, census = census, await self._census()
            still = earlier and earlier.files == census.files and earlier.tasks == census.tasks
            if not census.calls and (not left_over(baseline, census) if baseline else still):
                break
        return census

    async def _census(self) -> Census:
        figures = await self.figures()
        pids = [self.server.process.pid, *_descendants(self.server.process.pid)]
        return Census(
            memory_mb=sum(_resident_mb(pid) for pid in pids),
            tasks=round(figures["halfsecond_tasks"]),
            files=len(os.listdir(f"/proc/{pids[0]}/fd")),
            threads=len(os.listdir(f"/proc/{pids[0]}/task")),
            processes=len(pids),
            calls=round(sum(v for name, v in figures.items() if "calls_active" in name)),
        )

    async def figures(self) -> dict[str, float]:
        """The server's metrics, by name and labels, over a connection that does not stay."""
        head = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
        async with httpx2.AsyncClient(trust_env=False, timeout=30.0) as http:
            text = (await http.get(f"{self.server.url}/metrics", headers=head)).text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines if name}

    def log(self) -> str:
        with open(f"/proc/{self.server.process.pid}/fd/2", errors="replace") as log:
            return log.read()

    def _tracebacks(self) -> int:
        return self.log().count("Traceback (")


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _resident_mb(pid: int) -> float:
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


@asynccontextmanager
async def course(names: Sequence[str], seed: int, tell: Tell) -> AsyncIterator[Course]:
    """The server, as anybody would start it, with the demo engine. Raises ServerError."""
    port = free_port()  # known before: it is in the address that Twilio signs
    settings = {
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ACCESS_TOKEN": TOKEN,
        "TWILIO_AUTH_TOKEN": SIGNS_WITH,
        "MAX_CALLS": str(CALLS),
        "CALLS_PER_ADDRESS": str(CALLS),
        "PHONE_GREETING": "",
    }
    words = ["bot", "serve", "--port", str(port), "--host", "127.0.0.1"]
    async with running("the server", words, settings) as server:
        url = f"http://127.0.0.1:{port}"  # without what the printed one has after it
        yield Course(replace(server, url=url), names, seed, tell)


def turns_in(calls: int, lines: int) -> int:
    """Turns of all good callers, alone and under attack."""
    return 2 * calls * lines * len(DOORS)
