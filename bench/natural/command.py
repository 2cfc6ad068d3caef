"""`./run bench turns --suite natural`."""

import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loguru import logger
from rich.console import Console

from bench.natural.fast import observed, plays
from bench.natural.figures import NaturalFigures, as_json, figures
from bench.natural.plays import NaturalPlay
from bench.natural.report import print_natural
from bench.natural.speech import SpeechError, load
from bot.settings import load as load_settings
from bot.terminal.ending import give_up
from bot.wiring.engine import Wiring

FAILED = 2
PRINTED_CELLS = 150
"""The width of the table in a file."""


def natural(speech: Path, *, json_file: Path | None, limit: int | None, seed: int) -> None:
    """Our decisions on virtual time, printed and written. Exits with FAILED."""
    logger.remove()  # pipecat's own log
    try:
        turns = load(speech)
        if limit is not None and limit < len(turns):
            turns = random.Random(seed).sample(turns, limit)
        found = list(plays(turns, observed(turns), Wiring(load_settings()).policies.turn))
    except SpeechError as error:
        give_up(str(error), FAILED)
    heading = f"{len(turns)} turns of natural speech, on virtual time, answers ready in 185 ms"
    tell(["ours"], found, heading, json_file=json_file, seed=seed)


def tell(
    names: Sequence[str],
    found: Sequence[NaturalPlay],
    heading: str,
    *,
    json_file: Path | None,
    seed: int,
) -> None:
    told = [figures(name, found, seed) for name in names]
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    print_natural(console, told, heading)
    if json_file is not None:
        json_file.write_text(json.dumps(_document(told, found, heading), indent=1) + "\n")


def _document(
    told: Sequence[NaturalFigures], found: Sequence[NaturalPlay], heading: str
) -> dict[str, Any]:
    return {
        "made": heading,
        "cores": os.cpu_count(),
        "summary": [as_json(one) for one in told],
        "plays": [play.as_json() for play in found],
    }
