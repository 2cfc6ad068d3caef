"""`python -m bench.fit`: fit the log-odds that a turn is over, and judge them speaker by speaker.

Each speaker of the natural speech is judged with weights that were fitted without them; the read
suite's held half with weights that never saw it. Listening takes some minutes, once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from bench.fit import trade_off
from bench.fit.judgement import PolicyFigures, RowWaits, judge
from bench.fit.listening import natural_turns, read_turns
from bench.fit.table import SilenceRow, Table, rows_of
from bench.natural import speech
from bot.server.telemetry import silence_pipecat
from pipelines.core.turn.endpointing import PATIENCES_S, EndpointingPolicy, OverWeights

RESULT = Path(__file__).with_name("result.json")
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "endpointing.svg"
SWEPT_S = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
TIMERS_S = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.2)
FALLBACKS_S = (0.4, 0.6, 0.8, 1.0, 1.5, 3.0)
AT_ONCE_S = 0.2
"""Smart Turn alone, where it says that the turn is over."""
SETS: Mapping[str, Callable[[SilenceRow], bool]] = {
    "natural": lambda row: row.turn.source not in ("read", "picovoice"),
    "natural, bank calls": lambda row: row.turn.source == "hvb",
    "commands": lambda row: row.turn.source == "picovoice",
    "read, held": lambda row: row.turn.speaker == "held",
}


def main(
    folder: Annotated[Path, typer.Option("--speech", help="Of natural speech.")] = speech.FOLDER,
) -> None:
    """Fit, and show what each patience costs beside a timer and Smart Turn alone."""
    silence_pipecat()
    console = Console(width=160)
    table = Table(rows_of([*natural_turns(folder), *read_turns()]))
    left_out = table.left_out()
    told: dict[str, object] = {}
    for name, wanted in SETS.items():
        chosen = [n for n, row in enumerate(table.rows) if wanted(row)]
        rows = [table.rows[n] for n in chosen]
        lines = sweep(rows, [left_out[n] for n in chosen])
        told[name] = {
            line: {setting: asdict(found) for setting, found in points.items()}
            for line, points in lines.items()
        }
        for line, points in lines.items():
            for setting, found in points.items():
                console.print(f"{name}: {line}, {setting}:", told_of(found))
        if name == "natural":
            PICTURE.write_text(trade_off.draw(lines, f"{len(rows)} silences of natural speech"))
    weights = table.fit(np.array([row.turn.speaker != "held" for row in table.rows]))
    told["weights"] = asdict(weights)
    RESULT.write_text(json.dumps(told) + "\n")
    console.print("to go into OverWeights:", weights)


def sweep(
    rows: Sequence[SilenceRow], weights: Sequence[OverWeights]
) -> dict[str, dict[str, PolicyFigures]]:
    """Each way of deciding, from hasty to patient."""
    ours, waits = EndpointingPolicy(), RowWaits(rows, weights)
    named = {patience_s: name for name, patience_s in PATIENCES_S.items()}
    return {
        "Halfsecond": {
            named.get(patience_s, f"{patience_s:g} s"): judge(
                rows, waits.waits_s(replace(ours, patience_s=patience_s))
            )
            for patience_s in sorted({*SWEPT_S, *named})
        },
        "Smart Turn alone": {
            f"else {else_s:g} s": judge(
                rows, [AT_ONCE_S if row.heard.scores[1] >= 0.5 else else_s for row in rows]
            )
            for else_s in FALLBACKS_S
        },
        "a silence timer": {
            f"{timer_s:g} s": judge(rows, [timer_s] * len(rows)) for timer_s in TIMERS_S
        },
    }


def told_of(found: PolicyFigures) -> str:
    pauses = ", ".join(f"{kind} {cut} of {all_}" for kind, (cut, all_) in found.pauses.items())
    return (
        f"p50 {1000 * found.p50_s:.0f}, p95 {1000 * found.p95_s:.0f} ms; cut into "
        f"{found.cut_into}, noticed {found.noticed} of {found.turns} turns; {pauses}"
    )


if __name__ == "__main__":
    typer.run(main)
