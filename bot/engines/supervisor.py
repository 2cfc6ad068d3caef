"""Supervises one engine in a process of its own: starts it, waits until it answers, restarts it.

`python -m bot.engines.supervisor` reads a recipe as one line of JSON on stdin, and reports on
stdout, a line of JSON each, until the engine is ready or cannot be. Where the recipe is leashed,
it reports on to its end, and the end of stdin ends it; so do SIGTERM and SIGINT.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx2

from bot.engines.health import client, is_there, is_well
from bot.engines.recipe import EngineError, Recipe, explain, last_line
from bot.engines.register import Entry, LogBounds, Register, bound, tail
from pipelines.services.minding import ASK_EVERY_S, Pauses, Pulse, cpu_s, ended_with

LOOK_EVERY_S = 0.1
ANSWER_LIMIT_S = 60.0
"""For the first short answer; the first request after a start is a slow one."""
HEALTH_LIMIT_S = 1.0
STOP_LIMIT_S = 10.0

_LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True, slots=True)
class StartProgress:
    """The last line of its log, while it starts."""

    text: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class Ready:
    took_s: float
    streams: bool
    """Its answer came in more than one piece."""


@dataclass(frozen=True, slots=True)
class Down:
    """It was ready, and is gone."""

    trouble: str
    pause_s: float
    """Until it is started again."""


@dataclass(frozen=True, slots=True)
class Back:
    after_s: float


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing is new; every `ASK_EVERY_S`, where it is leashed."""


News = StartProgress | Ready | Down | Back | Alive


class Supervisor:
    def __init__(
        self,
        recipe: Recipe,
        register: Register,
        *,
        served: bool = False,
        tell: Callable[[News], None] = lambda news: None,
        bounds: LogBounds | None = None,
    ) -> None:
        """`served`: it is for a server, and goes with it."""
        self._bounds = bounds or LogBounds()
        self._recipe = recipe
        self._register = register
        self._tell = tell
        self._pauses = Pauses()
        self._log = register.log(recipe.name, os.getpid())
        self._entry = Entry(
            name=recipe.name,
            supervisor=os.getpid(),
            engine=0,
            state="starting",
            base_url=recipe.base_url,
            model=recipe.model,
            shown=recipe.shown,
            since=datetime.now().astimezone().isoformat(timespec="seconds"),
            served=served,
        )

    async def run(self) -> None:
        """Until it is cancelled. Raises EngineError if the first start fails."""
        now = asyncio.get_running_loop().time
        try:
            self._register.begin(self._recipe.name, os.getpid())
        except OSError as error:
            raise EngineError(
                f"{self._register.root} cannot be written to: {error.strerror}",
                "take another place (LLM_ENGINE_HOME)",
            ) from None
        try:
            async with self._started() as process:
                took_s = await self._until_well(process, self._tell)
                self._tell(Ready(took_s, await self._answers()))
                ready_s = now()
                trouble = await self._until_over(process)
            while True:
                await self._pause(trouble, now() - ready_s)
                down_s = now()
                try:
                    async with self._started() as process:
                        await self._until_well(process)
                        ready_s = now()
                        self._note(f"{self._recipe.name} is back after {ready_s - down_s:.1f} s")
                        self._tell(Back(ready_s - down_s))
                        trouble = await self._until_over(process)
                except EngineError as error:
                    ready_s, trouble = now(), str(error)
        finally:
            self._register.remove(self._recipe.name, os.getpid())

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[Process]:
        recipe = self._recipe
        bound(self._log, self._bounds)
        self._note(f"starting: {recipe.in_words}")
        leash = [sys.executable, "-I", str(_LEASH), str(os.getpid()), str(recipe.memory_bytes or 0)]
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND)
        try:
            process = await asyncio.create_subprocess_exec(
                *leash, *recipe.command,
                stdin=DEVNULL, stdout=log, stderr=log, cwd=self._log.parent, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(log)
        try:
            yield process
        finally:
            await _end(process)

    async def _until_well(
        self, process: Process, tell: Callable[[News], None] = lambda news: None
    ) -> float:
        """Until it says so itself; how long that took. Raises EngineError."""
        now = asyncio.get_running_loop().time
        began_s = now()
        self._write(engine=process.pid, state="starting")
        async with client(self._recipe.root, HEALTH_LIMIT_S) as http:
            while not await is_well(http, self._recipe.health) or process.returncode is not None:
                if process.returncode is not None or now() - began_s > self._recipe.start_limit_s:
                    raise EngineError(self._explain(process))
                tell(StartProgress(last_line(self._said()), now() - began_s))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await process.wait()
        self._write(engine=process.pid, state="ready")
        return now() - began_s

    async def _answers(self) -> bool:
        """True if one short answer comes in more than one piece. Raises EngineError."""
        body = {
            "model": self._recipe.model,
            "messages": [{"role": "user", "content": "Count from one to ten, in words."}],
            "max_tokens": 8,
            "stream": True,
        }
        pieces = 0
        try:
            async with (
                httpx2.AsyncClient(trust_env=False, timeout=ANSWER_LIMIT_S) as http,
                http.stream(
                    "POST", f"{self._recipe.base_url}/chat/completions", json=body
                ) as answer,
            ):
                if answer.status_code != 200:
                    said = (await answer.aread()).decode(errors="replace")[:200]
                    raise EngineError(
                        f"{self._recipe.name} answers {answer.status_code} when it is asked: {said}"
                    )
                async for line in answer.aiter_lines():
                    pieces += line.startswith("data:") and '"content":' in line
        except httpx2.HTTPError as error:
            name = type(error).__name__
            raise EngineError(f"{self._recipe.name} does not answer when asked: {name}") from error
        return pieces > 2  # the first may be empty

    async def _until_over(self, process: Process) -> str:
        """Returns why it is over; where it hangs, it is killed.

        llama.cpp may answer nothing for a while: its health waits in line behind the questions.
        """
        async with client(self._recipe.root) as http:
            pulse = Pulse(
                lambda: is_there(http, self._recipe.health),
                lambda: _signal(process.pid, signal.SIGKILL),
                lambda: cpu_s(process.pid),
            )
            return await pulse.until_down(self._until_gone(process))

    async def _until_gone(self, process: Process) -> str:
        while (code := process.returncode) is None:
            bound(self._log, self._bounds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._bounds.every_s):
                    await process.wait()
        return ended_with(code) if code < 0 else self._explain(process)

    async def _pause(self, trouble: str, up_s: float) -> None:
        pause_s = self._pauses.after(up_s)
        self._note(f"{self._recipe.name} is down: {trouble}; starting it again in {pause_s:g} s")
        self._tell(Down(trouble, pause_s))
        restarts = self._entry.restarts + 1
        self._write(engine=0, state="waiting", restarts=restarts, trouble=trouble)
        await asyncio.sleep(pause_s)

    def _explain(self, process: Process) -> str:
        return explain(self._recipe, self._said(), process.returncode)

    def _said(self) -> str:
        """The engine's output since its latest start."""
        return tail(self._log).rpartition("starting: ")[2]

    def _note(self, line: str) -> None:
        """Into the engine's own log, between its lines; a full disk is no reason to end it."""
        with suppress(OSError), self._log.open("a") as log:
            log.write(f"halfsecond: {line}\n")

    def _write(
        self, *, engine: int, state: str, restarts: int | None = None, trouble: str | None = None
    ) -> None:
        self._entry = replace(
            self._entry,
            engine=engine,
            state=state,
            restarts=self._entry.restarts if restarts is None else restarts,
            trouble=self._entry.trouble if trouble is None else trouble,
        )
        with suppress(OSError):  # it goes on all the same, and `status` shows an older state
            self._register.write(self._entry)


async def _end(process: Process) -> None:
    """It and all that it has started: they are one session."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(session: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, number)


@dataclass(frozen=True, slots=True)
class Order:
    """A supervisor's input when it starts."""

    recipe: Recipe
    root: Path
    """The folder of the register."""
    leashed: bool
    """It goes with the process that started it, which hears all of its news."""

    def line(self) -> bytes:
        order = {"recipe": asdict(self.recipe), "root": str(self.root), "leashed": self.leashed}
        return json.dumps(order).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Order":
        told = json.loads(line)
        return cls(Recipe(**told["recipe"]), Path(told["root"]), told["leashed"])


class _Reports:
    """News for the process that started this: all of them, or those of the first start."""

    def __init__(self, *, all_of_them: bool) -> None:
        self._goes_on = all_of_them
        self._shown = ""

    def tell(self, news: News) -> None:
        match news:
            case StartProgress(text, waited_s) if text != self._shown:
                self._shown = text
                self._write(progress=text, waited_s=waited_s)
            case StartProgress():
                pass
            case Ready(took_s, streams):
                self._write(ready=took_s, streams=streams)
                if not self._goes_on:
                    self._end()
            case Down(trouble, pause_s):
                self._write(down=trouble, pause_s=pause_s)
            case Back(after_s):
                self._write(back=after_s)
            case Alive():
                self._write(alive=True)

    def fail(self, line: str) -> None:
        self._write(failed=line)

    def _write(self, **fields: object) -> None:
        try:
            os.write(sys.stdout.fileno(), json.dumps(fields).encode() + b"\n")
        except BrokenPipeError:  # nobody waits any more
            self._end()

    def _end(self) -> None:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


async def _mind(order: Order) -> bool:
    """Until told to leave; False if the engine could not be started."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    reports = _Reports(all_of_them=order.leashed)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if order.leashed:  # the other end is held, and never written to: readable means gone

        def leave() -> None:
            loop.remove_reader(sys.stdin.fileno())
            over.set()

        loop.add_reader(sys.stdin.fileno(), leave)

    supervisor = Supervisor(
        order.recipe,
        Register(order.root),
        served=order.leashed,
        tell=reports.tell,
    )
    async with asyncio.TaskGroup() as tasks:
        supervising = tasks.create_task(_until_it_fails(supervisor, over))
        pulse = tasks.create_task(_say_alive(reports)) if order.leashed else None
        await over.wait()
        supervising.cancel()
        if pulse is not None:
            pulse.cancel()
    failed = None if supervising.cancelled() else supervising.result()
    if failed is not None:
        reports.fail(failed)
    return failed is None


async def _say_alive(reports: _Reports) -> None:
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        reports.tell(Alive())


async def _until_it_fails(supervisor: Supervisor, over: asyncio.Event) -> str:
    try:
        await supervisor.run()
    except EngineError as error:
        return str(error)
    finally:
        over.set()
    raise AssertionError("it runs until it is cancelled")


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(_mind(Order.read(sys.stdin.buffer.readline()))) else 1)
