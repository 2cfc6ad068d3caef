"""`python -m bench.completeness CORPORA`: train the model of words anew. Needs PyTorch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.completeness.corpora import CORPORA, CorpusTurn, Follows, read
from pipelines.core.turn.completeness import Completeness
from pipelines.core.turn.endpointing import EndpointingPolicy
from pipelines.services.turn.turn_words import save

RESULT = Path(__file__).with_name("result.json")
KEPT_APART = 16_000
"""Less what was said elsewhere in the same words."""
THRESHOLDS = (0.01, 0.03, EndpointingPolicy().whole, 0.3)


def main(
    root: Annotated[Path, typer.Argument(help="The folder with the corpora: see corpora.py.")],
    epochs: Annotated[int, typer.Option(help="How often everything is read.")] = 4,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 0,
) -> None:
    """Train, test on turns that were kept apart, and write the weights over those of the product.

    \b
    Examples:
      python -m bench.completeness ~/corpora
      python -m bench.completeness ~/corpora --epochs 8 --seed 1
    """
    console = Console()
    try:
        from bench.completeness.train import trained

        found = read(root)
    except (ImportError, FileNotFoundError) as exc:
        wanted = "; pip install torch" if isinstance(exc, ImportError) else ""
        console.print(f"halfsecond: {exc}{wanted}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    for name, turns in found.items():
        console.print(f"{len(turns):8,} turns  {name}  ({CORPORA[name][0]})", soft_wrap=True)
    turns = [turn for corpus in found.values() for turn in corpus]
    order = np.random.default_rng(seed).permutation(len(turns))
    rest = [turns[at] for at in order[KEPT_APART:]]
    learned = {turn.words for turn in rest}
    apart = [turn for at in order[:KEPT_APART] if (turn := turns[at]).words not in learned]
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


def _figures(model: Completeness, turns: Sequence[CorpusTurn]) -> dict[str, object]:
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
