"""`./run bench turns --suite natural`."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.natural.dialogues import Dialogue, DialogueBench, dialogues, some
from bench.natural.fast import observed, plays
from bench.natural.figures import as_json, difference, figures
from bench.natural.plays import NaturalPlay
from bench.natural.report import print_natural
from bench.natural.speech import NaturalTurn
from bench.natural.verdicts import JudgeName, Verdicts, perfect
from bench.turns import BenchPlan, bench
from bot.server.telemetry import silence_pipecat
from bot.settings import load as load_settings
from bot.wiring.engine import Wiring

PRINTED_CELLS = 150
"""The width of the table in a file."""


def on_virtual_time(
    turns: Sequence[NaturalTurn], limit: int | None, seed: int, judge: JudgeName = "none"
) -> tuple[list[NaturalPlay], str]:
    """Our decisions, by the settings of the environment. Raises SpeechError, and OSError where no
    verdicts were collected.
    """
    silence_pipecat()
    if limit is not None and limit < len(turns):
        turns = random.Random(seed).sample(turns, limit)
    policy = replace(Wiring(load_settings()).policies.turn, asks_model=judge != "none")
    verdicts = Verdicts.load() if judge == "collected" else None
    judged_by = perfect if verdicts is None else verdicts.of
    found = list(plays(turns, observed(turns), policy, judged_by))
    heading = f"{len(turns)} turns of natural speech, on virtual time, answers in 185 ms"
    if verdicts is not None:
        heading += f", turns judged by {verdicts.model} ({verdicts.unknown} times not known)"
    elif judge == "perfect":
        heading += ", turns judged by one who is always right"
    return found, heading


def in_real_time(
    turns: Sequence[NaturalTurn], wanted: BenchPlan, limit: int | None, console: Console
) -> tuple[list[NaturalPlay], str]:
    """At real servers, one call at a time; ended early, what there is. Raises SpeechError, and
    ServerError.
    """
    chosen = some(dialogues(turns), limit, wanted.seed)
    found: list[NaturalPlay] = []
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_play(chosen, wanted, found, console))
    heading = (
        f"{len({play.turn.id for play in found})} turns of natural speech in "
        f"{len({play.turn.dialogue for play in found})} dialogues, LLM {wanted.profile}, voice "
        f"{wanted.tts}, one call at a time, {wanted.caller} client"
    )
    return found, heading


async def _play(
    chosen: Sequence[Dialogue], wanted: BenchPlan, found: list[NaturalPlay], console: Console
) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    async with bench(wanted) as running:
        servers = len(running.contestants)
        minutes = servers * sum(one.lasts_s for one in chosen) / 60
        console.print(f"{len(chosen)} dialogues at {servers} servers: about {minutes:.0f} min")
        with Progress(*columns, console=console, transient=True) as bar:
            total = servers * sum(len(one.turns) for one in chosen)
            task = bar.add_task("warming", total=total)

            def tell(heard: list[NaturalPlay]) -> None:
                found.extend(heard)
                bar.update(task, advance=len(heard), description=f"{heard[-1].server:7}")

            await DialogueBench(running).play(chosen, tell)


def tell(
    names: Sequence[str],
    found: Sequence[NaturalPlay],
    heading: str,
    wanted: BenchPlan,
    json_file: Path | None,
    picture: Path | None,
) -> None:
    """Print the figures of each server that has played; write them with every play, and draw."""
    played = [name for name in names if any(play.server == name for play in found)]
    told = [figures(name, found, wanted.seed) for name in played]
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    others = [name for name in played if name != "ours" and "ours" in played]
    apart = {name: difference(found, name, wanted.seed) for name in others}
    print_natural(console, told, apart, heading)
    if json_file is not None:
        document: dict[str, Any] = {
            "made": {
                **wanted.as_json(),
                "what": heading,
                "cores": os.cpu_count(),
            },
            "summary": [as_json(one) for one in told],
            "difference": {name: asdict(one) for name, one in apart.items()},
            "plays": [play.as_json() for play in found],
        }
        json_file.write_text(json.dumps(document, indent=1) + "\n")
    if picture is not None:
        from bench.natural.picture import draw_natural

        picture.write_text(draw_natural(told, heading))
