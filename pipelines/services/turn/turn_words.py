"""The model of when words are a whole thought, from the file beside this: English, 1 MB."""

from dataclasses import asdict, fields
from functools import cache
from pathlib import Path

import numpy as np

from pipelines.core.turn.completeness import Completeness, Weights

FILE = Path(__file__).with_suffix(".npz")


@cache
def load_completeness(file: Path = FILE) -> Completeness:
    """One for the process. Takes some 30 ms."""
    with np.load(file, allow_pickle=False) as kept:
        vocabulary = tuple(str(kept["vocabulary"]).split("\n"))
        matrices = {
            field.name: kept[field.name].astype(np.float32)
            for field in fields(Weights)
            if field.name != "vocabulary"
        }
    return Completeness(Weights(vocabulary=vocabulary, **matrices))


def save(weights: Weights, file: Path = FILE) -> None:
    """At half precision, which changes no probability by more than one in a thousand."""
    halves = {
        name: value.astype(np.float16)
        for name, value in asdict(weights).items()
        if name != "vocabulary"
    }
    np.savez_compressed(file, vocabulary=np.array("\n".join(weights.vocabulary)), **halves)
