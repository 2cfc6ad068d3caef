"""The requests: how many at once, with a prefix that the endpoint knows or does not."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, TypeAlias

import httpx2

from bot.commands.llm_bench.asking import AskError, LoadTarget, TimedAnswer, ask
from pipelines.addresses import is_loopback

TICK_S = 0.02
Prefix: TypeAlias = Literal["cold", "warm"]

SYSTEM_PROMPT = (
    "You are a friendly voice assistant on the phone for a small library. Answer in one to three "
    "short spoken sentences, begin with a short clause, and use no lists, markdown or emoji. "
    "The library is open from nine in the morning to six in the evening, Monday to Saturday, and "
    "closed on public holidays. A card costs ten dollars a year, and nothing for children and "
    "students. Books are lent for four weeks, films for one, and can be kept for longer by phone "
    "unless somebody waits for them. A reminder costs a dollar. Lost cards are replaced at the "
    "desk for three dollars. There are twelve computers on the first floor, which can be booked "
    "for an hour, and a quiet room on the second. Dogs wait outside. If you do not know something, "
    "say so, and offer to connect the caller to the desk. Never ask for a password. "
)
"""About two hundred tokens, as a small assistant's is."""
HISTORY = (
    ("Hello, are you open today?", "Yes, we are. Until six in the evening."),
    ("And how long can I keep a film?", "One week. If nobody waits for it, you can call for more."),
    ("How much is a card for my son?", "Nothing at all. Cards are free for children."),
)


@dataclass(frozen=True, slots=True)
class LoadLevel:
    callers: int
    prefix: Prefix
    requests: int


@dataclass(slots=True)
class Measured:
    level: LoadLevel
    answers: list[TimedAnswer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    """By how much this process was late for its own timers meanwhile: a busy machine shows here."""
    took_s: float = 0.0


def plan(callers: Sequence[int], requests: int) -> list[LoadLevel]:
    """Cold and warm for each number of callers, and at least two requests for each of them."""
    return [
        LoadLevel(number, prefix, max(requests, 2 * number))
        for number in callers
        for prefix in ("cold", "warm")
    ]


class LoadPlan:
    """Every prefix begins with words of its own: what one level has warmed helps no other."""

    def __init__(self, endpoint: LoadTarget, seed: int, tell: Callable[[LoadLevel], None]) -> None:
        """`tell` hears of each request that is done."""
        self._endpoint = endpoint
        self._tell = tell
        self._strangers = (f"Line {seed}-{number}. " for number in count(1))
        self._questions = (f"What does card number {seed}-{n} cost?" for n in count(1))

    async def run(self, levels: Sequence[LoadLevel]) -> list[Measured]:
        """Raises AskError if the very first request fails; later ones are counted."""
        trust_env = not is_loopback(self._endpoint.base_url)
        async with httpx2.AsyncClient(trust_env=trust_env) as http:
            await self._ask(http, next(self._strangers))
            return [await self._measure(http, level) for level in levels]

    async def _measure(self, http: httpx2.AsyncClient, level: LoadLevel) -> Measured:
        now = asyncio.get_running_loop().time
        measured, turns = Measured(level), iter(range(level.requests))
        known = [next(self._strangers) for _ in range(level.callers)]
        if level.prefix == "warm":
            await self._warm(http, known, measured)
        began_s = now()
        async with asyncio.TaskGroup() as timing:
            ticking = timing.create_task(_tick(measured.late_s, now))
            async with asyncio.TaskGroup() as tasks:
                for stranger in known:
                    tasks.create_task(self._caller(http, stranger, turns, measured))
            ticking.cancel()
        measured.took_s = now() - began_s
        return measured

    async def _warm(
        self, http: httpx2.AsyncClient, known: Sequence[str], measured: Measured
    ) -> None:
        async with asyncio.TaskGroup() as tasks:
            for stranger in known:
                tasks.create_task(
                    self._caller(http, stranger, iter(range(1)), Measured(measured.level))
                )

    async def _caller(
        self, http: httpx2.AsyncClient, known: str, turns: Iterator[int], measured: Measured
    ) -> None:
        """Asks until all turns have been taken."""
        for _ in turns:
            prefix = known if measured.level.prefix == "warm" else next(self._strangers)
            try:
                measured.answers.append(await self._ask(http, prefix))
            except AskError as error:
                measured.failures.append(str(error))
            self._tell(measured.level)

    async def _ask(self, http: httpx2.AsyncClient, prefix: str) -> TimedAnswer:
        messages = [{"role": "system", "content": prefix + SYSTEM_PROMPT}]
        for asked, answered in HISTORY:
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": answered})
        messages.append({"role": "user", "content": next(self._questions)})
        return await ask(http, self._endpoint, messages, asyncio.get_running_loop().time)


async def _tick(late_s: list[float], now: Callable[[], float]) -> None:
    while True:
        due_s = now() + TICK_S
        await asyncio.sleep(TICK_S)
        late_s.append(now() - due_s)
