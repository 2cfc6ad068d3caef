"""`python -m bench.fit`: fit the endpointing on one half of the suite, show it on the other.

Listening to the suite takes some minutes, once; what was heard is kept in a cache.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from bench.fit import trade_off
from bench.fit.dataset import turns
from bench.fit.search import FitFigures, measure, search
from bot.server.telemetry import silence_pipecat
from pipelines.core.turn.endpointing import EndpointingPolicy

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "pictures" / "endpointing.svg"
RESULT = HERE / "result.json"


def main(
    steps: Annotated[int, typer.Option(help="Of the search; 0 only measures.")] = 0,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Measure the constants that the product has; with --steps, look for better ones."""
    silence_pipecat()
    console = Console()
    ours = EndpointingPolicy()
    fit, held = turns("fit"), turns("held")
    if steps:
        with Progress(console=console) as progress:
            task = progress.add_task("searching", total=steps)
            found = search(
                fit, ours, steps, lambda step, _: progress.update(task, completed=step + 1), seed
            )
        console.print("cheapest on the fitting half:", asdict(found))
        _show(console, "it, on the half that was not fitted", measure(held, found))
    lines = trade_off.sweep(held, ours)
    for name, points in lines.items():
        for point in points:
            _show(console, f"{name}, {point.setting}", point.figures)
    heading = f"{len(held)} turns that were not fitted, on virtual time, answers ready in 185 ms"
    PICTURE.write_text(trade_off.draw(lines, heading))
    _show(console, "ours, on the half that was fitted", measure(fit, ours))
    told = {
        "constants": asdict(ours),
        "fitted": asdict(measure(fit, ours)),
        "held out": {
            name: {point.setting: asdict(point.figures) for point in points}
            for name, points in lines.items()
        },
    }
    RESULT.write_text(json.dumps(told, indent=1) + "\n")


def _show(console: Console, what: str, found: FitFigures) -> None:
    console.print(
        f"{what}: p50 {1000 * found.p50_s:.0f}, p95 {1000 * found.p95_s:.0f} ms; cut in at "
        f"hanging {found.hanging:.1%}, clause {found.clause:.1%}, sentence {found.sentence:.1%} "
        f"of pauses; {found.wasted:.2f} wasted requests a turn; {found.missed} missed"
    )


if __name__ == "__main__":
    typer.run(main)
