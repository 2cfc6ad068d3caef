"""`./run llm bench`: is this endpoint fast enough for calls, and for how many at once?"""

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.commands.llm_bench.asking import AskError, LoadTarget
from bot.commands.llm_bench.figures import (
    LoadRow,
    MillisecondPercentiles,
    caution,
    document,
    row,
    summary,
)
from bot.commands.llm_bench.load import LoadLevel, LoadPlan, Measured, plan
from bot.commands.llm_bench.picture import draw
from bot.settings import Settings, SettingsError, load
from bot.terminal.ending import give_up
from bot.terminal.output import Picture, in_a_folder
from pipelines.addresses import printable

PRINTED_CELLS = 118
"""The width of the table in a file."""


def bench(  # noqa: PLR0913 - the options of a command are its arguments
    url: Annotated[str | None, typer.Option(help="The endpoint, up to /v1 (LLM_BASE_URL).")] = None,
    model: Annotated[str | None, typer.Option(help="The model to ask for (LLM_MODEL).")] = None,
    callers: Annotated[str, typer.Option(help="How many at once, with commas.")] = "1,2,4,8,16",
    requests: Annotated[
        int, typer.Option(min=1, max=10_000, help="For each number of callers, cold and warm.")
    ] = 24,
    tokens: Annotated[int, typer.Option(min=2, max=1000, help="Of each answer, at most.")] = 16,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            help="Figures to FILE, for the demo engine to play back.",
            callback=in_a_folder,
        ),
    ] = None,
    picture: Picture = None,
    seed: Annotated[int | None, typer.Option(help="The same prompts again, cached or not.")] = None,
) -> None:
    """Measure an endpoint: first token and between tokens, cold and warm, against the budget.

    Cold, no answer's prompt has been seen before; warm, all of it but the last question has.

    \b
    Examples:
      ./run llm bench
      ./run llm bench --url http://localhost:8000/v1 --model google/gemma-3-27b-it
      ./run llm bench --callers 1,4 --json mine.json --picture mine.svg
      ./run llm demo --profile mine.json
    """
    try:
        settings = load(llm_base_url=url, llm_model=model)
        levels = plan(_numbers(callers), requests)
    except (SettingsError, ValueError) as error:
        give_up(str(error), 2)
    if settings.llm_base_url is None:
        give_up("there is no endpoint: --url http://localhost:8000/v1 (LLM_BASE_URL)", 2)
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    try:
        measured = asyncio.run(_measure(_endpoint(settings, tokens), levels, seed))
    except AskError as error:
        give_up(f"{error}; see to LLM_BASE_URL, LLM_MODEL and LLM_API_KEY", 1)
    except KeyboardInterrupt:
        give_up("stopped", 130)
    budget_ms = settings.budget_llm_first_token_ms
    rows = [row(one, budget_ms) for one in measured]
    heading = (
        f"{settings.llm_model} at {printable(settings.llm_base_url)}, {tokens} tokens an answer"
    )
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    console.print(table(rows, heading, budget_ms))
    console.print(summary(rows), markup=False)
    if doubt := caution(rows):
        console.print(doubt, markup=False)
    for line in sorted({line for one in measured for line in one.failures})[:3]:
        console.print(f"failed: {line}", markup=False)
    made: dict[str, object] = {
        "endpoint": printable(settings.llm_base_url or ""),
        "model": settings.llm_model,
        "max_tokens": tokens,
        "seed": seed,
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "budget_ms": budget_ms,
    }
    if json_file is not None:
        json_file.write_text(json.dumps(document(made, measured, rows), indent=1) + "\n")
    if picture is not None:
        picture.write_text(draw(rows, heading, budget_ms))


async def _measure(endpoint: LoadTarget, levels: Sequence[LoadLevel], seed: int) -> list[Measured]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    total = sum(level.requests for level in levels)
    total += sum(level.callers for level in levels if level.prefix == "warm")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("first request", total=total)

        def tell(level: LoadLevel) -> None:
            bar.update(task, advance=1, description=f"{level.callers} at once, {level.prefix}")

        return await LoadPlan(endpoint, seed, tell).run(levels)


def table(rows: Sequence[LoadRow], heading: str, budget_ms: float) -> Table:
    made = Table(title=heading, caption=f"ms as p50 / p95 / p99; budget {budget_ms:.0f} ms")
    for name in ("callers", "prefix", "first token", "between tokens", "tokens/s", "failed"):
        made.add_column(name, justify="right")
    made.add_column("verdict")
    for one in rows:
        made.add_row(
            str(one.callers), one.prefix, _three(one.first_token_ms), _three(one.between_tokens_ms),
            f"{one.tokens_per_s:.0f}", f"{one.failed}/{one.requests}", one.verdict,
        )  # fmt: skip
    return made


def _three(of: MillisecondPercentiles) -> str:
    return " / ".join(f"{ms:.0f}" if ms >= 10 else f"{ms:.1f}" for ms in (of.p50, of.p95, of.p99))


def _endpoint(settings: Settings, tokens: int) -> LoadTarget:
    assert settings.llm_base_url is not None
    key = settings.llm_api_key.get_secret_value() or "EMPTY"
    return LoadTarget(settings.llm_base_url, settings.llm_model, key, tokens)


def _numbers(callers: str) -> list[int]:
    numbers = [int(one) for one in callers.split(",") if one.strip().isdecimal()]
    if not numbers or min(numbers) < 1 or len(numbers) != len(callers.split(",")):
        raise ValueError(f"--callers {callers} should be like 1,2,4,8,16")
    return numbers
