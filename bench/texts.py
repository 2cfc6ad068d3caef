"""`./run bench texts`: what a caller feels of clients that write to the same language model.

Calls with and without the writers, one after the other, so that both meet the same machine.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from bench.servers import ServerError, running
from bot.settings.latency_profile import ProfileName
from client.caller.call import CallOptions, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.speech_file import load
from pipelines.core.ledger.statistics import median, percentile

RECORDINGS = Path(__file__).parent / "suite" / "turns"
ASKED = ("held-plain-vm-savefolder", "held-plain-vm-deleted", "held-plain-conf-getpin")
"""Short and plain: one turn each."""
QUESTION = "Tell me a long story."
MODEL = "halfsecond-demo"


@dataclass
class Writers:
    """Clients that ask, read the whole answer and ask again."""

    url: str
    count: int
    answers: list[int] = field(default_factory=list)
    """By client."""
    waits_s: list[float] = field(default_factory=list)
    """From asking to the first word."""
    cut_off: int = 0
    """Answers that gave way to a call."""

    async def write(self) -> None:
        """Until cancelled. It reads no more of the answers than it must: it shares the machine."""
        self.answers = self.answers or [0] * self.count
        limits = httpx2.Limits(max_connections=None)
        async with (
            httpx2.AsyncClient(base_url=self.url, timeout=600, limits=limits) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(self.count):
                tasks.create_task(self._one(http, number))

    async def _one(self, http: httpx2.AsyncClient, number: int) -> None:
        asked = {
            "model": MODEL,
            "messages": [{"role": "user", "content": f"{QUESTION} ({number})"}],
            "user": str(number),
            "stream": True,
        }
        while True:
            began, spoken, last = time.monotonic(), False, b""
            async with http.stream("POST", "/v1/chat/completions", json=asked) as answer:
                if answer.status_code != 200:
                    raise ServerError(f"a text was refused with {answer.status_code}")
                async for piece in answer.aiter_raw():
                    if not spoken and piece.startswith(b"data"):
                        spoken = True
                        self.waits_s.append(time.monotonic() - began)
                    last = piece
            if b"gave_way" in last:
                self.cut_off += 1
            else:
                self.answers[number] += 1


async def measure(
    writers: int, places: int, rounds: int, profile: ProfileName
) -> tuple[list[float], list[float], Writers]:
    """Voice to voice in seconds without the writers, and beside them. Raises ServerError."""
    settings = {"LLM_MAX_CONCURRENCY": str(places)}
    words = ["bot", "serve", "--port", "0", "--profile", profile]
    async with running("the server", words, settings) as server:
        crowd = Writers(server.url, writers)
        quiet: list[float] = []
        beside: list[float] = []
        await call(server.url)  # the first is for the caches
        with typer.progressbar(range(rounds), label="calls, quiet and beside writers") as bar:
            for _ in bar:
                quiet += await call(server.url)
                async with asyncio.TaskGroup() as tasks:
                    writing = tasks.create_task(crowd.write())
                    await asyncio.sleep(1.0)
                    beside += await call(server.url)
                    writing.cancel()
        return quiet, beside, crowd


async def call(url: str) -> list[float]:
    """Voice to voice of the turns that were answered, in seconds."""
    lines = [ScriptLine(load(RECORDINGS / f"{name}.flac")) for name in ASKED]
    result = await place_call(url, lines, CallOptions(pacing=Pacing(until_quiet_s=1.0)))
    return [turn.wait.v2v_s for turn in result.turns if not turn.wait.missed]


def texts(
    writers: Annotated[int, typer.Option(min=1, max=48, help="Clients that write.")] = 32,
    places: Annotated[int, typer.Option(min=1, help="LLM_MAX_CONCURRENCY.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Calls of each sort.")] = 8,
    profile: Annotated[ProfileName, typer.Option(help="The pace of the LLM.")] = "fixed-150",
) -> None:
    """Measure a call's voice to voice beside clients that write to the same language model.

    Example: ./run bench texts --writers 32 --places 2
    """
    try:
        quiet, beside, crowd = asyncio.run(measure(writers, places, rounds, profile))
    except ServerError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    typer.echo(in_words("quiet", quiet))
    typer.echo(in_words(f"beside {writers} writers", beside))
    if quiet and beside and crowd.waits_s:
        grown = median(beside) - median(quiet)
        typer.echo(f"p50 grew by {grown * 1000:+.0f} ms")
        typer.echo(
            f"texts answered {sum(crowd.answers)} ({min(crowd.answers)} to {max(crowd.answers)} "
            f"each), {crowd.cut_off} cut off for a call; "
            f"first word p50 {median(crowd.waits_s):.1f} s"
        )


def in_words(name: str, waits_s: Sequence[float]) -> str:
    if not waits_s:
        return f"{name}: no turn was answered"
    half, most = (1000 * percentile(waits_s, percent) for percent in (50, 95))
    return f"{name}: {len(waits_s)} turns, voice to voice p50 {half:.0f} ms, p95 {most:.0f} ms"
