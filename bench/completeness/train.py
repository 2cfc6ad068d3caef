"""The training, with PyTorch: a recurrent network over words, and what follows each of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.completeness.corpora import CorpusTurn, Follows
from pipelines.core.turn.completeness import BEGIN, UNKNOWN, Weights, token

VOCABULARY = 8000
EMBEDDING, STATE = 64, 128
BATCH = 256
DROPPED, MISHEARD = 0.15, 0.02
"""The share of the numbers between the layers that is dropped; the share of words that become
unknown ones.
"""
RATE, DECAY = 3e-3, 0.01
"""AdamW's (Loshchilov and Hutter, 2019), under a one-cycle schedule (Smith, 2018)."""
NO_WORD = -1

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CompletenessNetwork:
    """PyTorch's layers, put together below: none of its classes is inherited from."""

    vocabulary: tuple[str, ...]
    embedding: Any
    recurrent: Any
    out: Any
    dropout: Any

    def scores(self, batch: Any) -> Any:
        """Shape (turns, words) in, (turns, words, 4) out."""
        states, _ = self.recurrent(self.dropout(self.embedding(batch)))
        return self.out(self.dropout(states))

    @property
    def layers(self) -> Any:
        return nn.ModuleList((self.embedding, self.recurrent, self.out, self.dropout))

    @property
    def weights(self) -> Weights:
        recurrent = self.recurrent
        return Weights(
            vocabulary=self.vocabulary,
            embedding=_matrix(self.embedding.weight),
            of_word=_matrix(recurrent.weight_ih_l0).T,
            of_word_bias=_matrix(recurrent.bias_ih_l0),
            of_state=_matrix(recurrent.weight_hh_l0).T,
            of_state_bias=_matrix(recurrent.bias_hh_l0),
            out=_matrix(self.out.weight).T,
            out_bias=_matrix(self.out.bias),
        )


def vocabulary_of(turns: Sequence[CorpusTurn]) -> tuple[str, ...]:
    counted = Counter(token(word) for turn in turns for word in turn.words)
    return ("<begin>", "<unknown>", *(word for word, _ in counted.most_common(VOCABULARY - 2)))


def trained(
    turns: Sequence[CorpusTurn], epochs: int, seed: int, told: Callable[[int, int], None]
) -> CompletenessNetwork:
    """`told` hears after every batch which of how many it was."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    vocabulary = vocabulary_of(turns)
    network = CompletenessNetwork(
        vocabulary,
        nn.Embedding(len(vocabulary), EMBEDDING),
        nn.GRU(EMBEDDING, STATE, batch_first=True),
        nn.Linear(STATE, len(Follows)),
        nn.Dropout(DROPPED),
    )
    numbers = {word: number for number, word in enumerate(vocabulary)}
    encoded = [_encoded(turn, numbers) for turn in turns]
    steps = epochs * -(-len(encoded) // BATCH)
    optimiser = torch.optim.AdamW(network.layers.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps, pct_start=0.1
    )
    step = 0
    for _ in range(epochs):
        for read, follows in _batches(encoded, draw):
            misheard = (draw.random(read.shape) < MISHEARD) & (read > UNKNOWN)
            scores = network.scores(torch.from_numpy(np.where(misheard, UNKNOWN, read)))
            loss = nn.functional.cross_entropy(
                scores.flatten(0, 1), torch.from_numpy(follows).flatten(), ignore_index=NO_WORD
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.layers.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            told(step, steps)
    return network


def _encoded(turn: CorpusTurn, numbers: dict[str, int]) -> tuple[list[int], list[int]]:
    read = [BEGIN, *(numbers.get(token(word), UNKNOWN) for word in turn.words)]
    return read, [NO_WORD, *turn.follows]


def _batches(
    encoded: Sequence[tuple[list[int], list[int]]], draw: np.random.Generator
) -> Iterator[tuple[Numbers, Numbers]]:
    """Turns of about one length together, in an order that is drawn anew."""
    length = np.array([len(read) for read, _ in encoded]) + draw.random(len(encoded)) * 2
    order = np.argsort(length)
    starts = np.arange(0, len(order), BATCH)
    for start in draw.permutation(starts):
        rows = [encoded[at] for at in order[start : start + BATCH]]
        longest = max(len(read) for read, _ in rows)
        read = np.zeros((len(rows), longest), np.int64)
        follows = np.full((len(rows), longest), NO_WORD, np.int64)
        for row, (numbers, after) in enumerate(rows):
            read[row, : len(numbers)] = numbers
            follows[row, : len(after)] = after
        yield read, follows


def _matrix(parameter: Any) -> NDArray[np.float32]:
    matrix: NDArray[np.float32] = parameter.detach().numpy()
    return matrix
