"""`./run attack`: strangers and callers at their worst, while four good calls go on."""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.attack.attackers import ATTACKERS
from bench.attack.callers import LINES, calls_in
from bench.attack.course import course, turns_in
from bench.attack.verdict import Promise, Story, later, promises
from bench.servers import ServerError
from bot.terminal.ending import give_up
from bot.terminal.output import JsonFile

BROKEN, FAILED = 1, 2
"""Exit codes: a promise is broken; there was nothing to measure."""
PERCENTS = (50, 95)
PRINTED_CELLS = 120


def attack(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="These attackers alone.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=20, help="Under attack; alone as long.")] = 300.0,
    timed: Annotated[
        bool, typer.Option("--timed/--untimed", help="Whether the waits are judged, or only told.")
    ] = True,
    listed: Annotated[bool, typer.Option("--list", help="Name the attackers, and exit.")] = False,
    json_file: JsonFile = None,
    seed: Annotated[int, typer.Option(help="Of the attackers' chance.")] = 0,
) -> None:
    """Attack a server of this checkout, while four good calls go on, and see what it costs them.

    The same calls are made alone first. It needs Linux. Exit code 1: a promise is broken.

    \b
    Examples:
      ./run attack                          all at once, for five minutes
      ./run attack --seconds 60 --untimed   a minute of it, on a busy machine
      ./run attack pings unread-answers     two of the attackers
      ./run attack --list
    """
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    if listed:
        for name, one in ATTACKERS.items():
            console.print(f"{name:16} {one.at_once:3} x  {one.does}", markup=False)
        return
    chosen = names or list(ATTACKERS)
    if unknown := [name for name in chosen if name not in ATTACKERS]:
        give_up(f"no attacker is named {unknown[0]}: ./run attack --list names them", FAILED)
    if sys.platform != "linux":
        give_up("it reads /proc, which Linux alone has", FAILED)
    try:
        story, crew, slow = asyncio.run(_run(chosen, calls_in(seconds), seed))
    except (ServerError, OSError) as error:
        give_up(str(error), FAILED)
    judged = promises(story, timed=timed)
    _print(console, story, crew, judged, slow)
    if json_file is not None:
        document = {
            **asdict(story),
            "crew": crew,
            "loop_over_50_ms": slow,
            "promises": [asdict(one) for one in judged],
            "p95_later": asdict(later(story.alone, story.attacked, 95)),
        }
        json_file.write_text(json.dumps(document, indent=1) + "\n")
    if not all(one.kept for one in judged):
        raise typer.Exit(BROKEN)


async def _run(names: list[str], calls: int, seed: int) -> tuple[Story, dict[str, Any], float]:
    """The story, the attackers' account, and how often the loop was held for over 50 ms."""
    columns = (
        TextColumn("{task.description:12}"), BarColumn(),
        MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=turns_in(calls, LINES))

        def tell(phase: str, turns: int) -> None:
            bar.update(task, description=phase, advance=turns)

        async with course(names, seed, tell) as running:
            story = await running.run(calls)
            figures = await running.figures() if story.after else {}
    lag = "halfsecond_loop_lag_seconds"
    slow = figures.get(f"{lag}_count", 0.0) - figures.get(f'{lag}_bucket{{le="0.05"}}', 0.0)
    return story, running.crew, slow


def _print(
    console: Console, story: Story, crew: dict[str, Any], judged: list[Promise], slow: float
) -> None:
    attackers = Table("attacker", "what", "rounds", "turned away", title="Attackers", min_width=80)
    for name, record in crew.items():
        told = (str(record["rounds"]), str(record["refused"]))
        attackers.add_row(name, ATTACKERS[name].does, *told)
    console.print(attackers)
    table = Table("promise", "wanted", "found", "", title="Promises", min_width=80)
    for one in judged:
        table.add_row(one.name, one.wanted, one.found, "ok" if one.kept else "BROKEN")
    console.print(table)
    for percent in PERCENTS:
        apart = later(story.alone, story.attacked, percent)
        console.print(
            f"p{percent} wait under attack, over that alone: {1000 * apart.value:+.0f} ms "
            f"({1000 * apart.low:+.0f} to {1000 * apart.high:+.0f}), {len(story.attacked)} turns"
        )
    console.print(f"before: {story.before}\nafter:  {story.after}", markup=False)
    console.print(f"the event loop came over 50 ms late {slow:.0f} times, the baseline included")
