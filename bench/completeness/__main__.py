"""`python -m bench.completeness CORPORA`: train the turn model of words anew. Needs PyTorch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.completeness.corpora import CORPORA, Follows, Turn, read
from bench.completeness.train import trained
from pipelines.core.completeness import Completeness
from pipelines.services.turn_words import save

RESULT = Path(__file__).with_name("result.json")
KEPT_APART = 8000
THRESHOLDS = (0.01, 0.03, 0.1, 0.3)


def main(
    root: Annotated[Path, typer.Argument(help="the folder of corpora: see bench/completeness")],
    epochs: Annotated[int, typer.Option()] = 4,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Read the corpora, train, test on turns that were kept apart, and write the weights."""
    console = Console()
    found = read(root)
    for name, turns in found.items():
        console.print(f"{len(turns):8,} turns  {name}  ({CORPORA[name]})")
    turns = [turn for corpus in found.values() for turn in corpus]
    order = np.random.default_rng(seed).permutation(len(turns))
    apart = [turns[at] for at in order[:KEPT_APART]]
    rest = [turns[at] for at in order[KEPT_APART:]]
    with Progress(console=console) as progress:
        task = progress.add_task("training")
        network = trained(
            rest, epochs, seed, lambda step, of: progress.update(task, completed=step, total=of)
        )
    save(network.weights)
    figures = _figures(Completeness(network.weights), apart)
    told = {"turns": {name: len(corpus) for name, corpus in found.items()}, "epochs": epochs}
    RESULT.write_text(json.dumps(told | figures, indent=1) + "\n")
    console.print(figures)


def _figures(model: Completeness, turns: Sequence[Turn]) -> dict[str, object]:
    """After each word of turns that were not learned from: is it the end of a sentence?"""
    rows = [
        (probability, after >= Follows.SENTENCE)
        for turn in turns
        for at, after in enumerate(turn.follows, 1)
        if (probability := model.probability(" ".join(turn.words[:at]))) is not None
    ]
    said = np.array([probability for probability, _ in rows])
    ends = np.array([end for _, end in rows])
    return {
        "kept apart": len(turns),
        "area under the curve": round(_area_under_curve(said, ends), 4),
        "below": {
            f"{limit:g}": {
                "of the words that end nothing": round(float(np.mean(said[~ends] < limit)), 4),
                "of the ends": round(float(np.mean(said[ends] < limit)), 4),
            }
            for limit in THRESHOLDS
        },
    }


def _area_under_curve(said: NDArray[np.float64], ends: NDArray[np.bool_]) -> float:
    """The chance that an end is given more than a word that is none (Mann and Whitney, 1947)."""
    ranks = np.empty(len(said))
    ranks[np.argsort(said)] = np.arange(1, len(said) + 1)
    count = int(np.sum(ends))
    above = float(np.sum(ranks[ends])) - count * (count + 1) / 2
    return above / (count * (len(ends) - count))


if __name__ == "__main__":
    typer.run(main)
