"""Moonshine tiny English, decoded greedily: speech in, tokens out, with a draft to save work.

The wheel's two int8 graphs (Useful Sensors, MIT) on onnxruntime. Sources of what is not in the
graphs: arXiv 2410.15608, and transformers' `modeling_moonshine.py`. The decoder's mask is one of
*samples*, which it thins out by 384 to frames; with nothing padded, a mask of one sample stands
for audio of any length.

A draft is the hypothesis of the same speech a moment ago. It is put through the decoder in one
pass and kept as far as the model agrees; after a disagreement its rest is tried again, a few
tokens at a time. Activations are quantised over a whole pass, so logits differ by up to about 1
between one pass and several: where two tokens are nearly as likely (mostly a comma or a full
stop), a draft can tip the scales. It is greedy decoding to within that noise, not to the bit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipelines.services.onnx import OnnxModel, Tensor, packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError
from pipelines.services.stt.repetition import loop_length, news_in, room_for

START, END = 1, 2
LAYERS, HEADS, HEAD_WIDTH = 6, 8, 36
TOKENS_PER_S = 6.5
"""The most tokens a second in the reference decoder, for tokens that are no repetition."""
TOKENS_SPARE = 6
MAX_TOKENS = 192
"""The model has 194 positions."""
TAIL_S = 0.2
"""Silence put after the speech. Without it Moonshine repeats short words ("six, six, six") and
goes on talking where speech is cut off: over 240 unfinished stretches of recorded speech 210
wrong words without, 131 to 138 with 0.1 to 0.25 s. Silence put *before* speech does harm."""
RETRY_TOKENS = 6
"""The most tokens of a draft in one pass: six cost 4.3 ms where one costs 3.1."""
WORD_BEGINS = "\u2581".encode()
MARKS = frozenset({b".", b",", b"?", b"!", b"...", b";", b":"})
RANKED = 4
"""Tokens that are looked at in each place."""
LEAST_CHANCE = 0.08
"""The least probability of a reading that is followed: below that it changes no decision."""
MOST_READINGS = 3
"""Beside the likeliest."""
READING_TOKENS = 4
"""A reading of the last words is followed no further: the word that it begins with is known by
then."""
READING_PASSES = 8
"""Passes of the decoder for all readings of one stretch together, at 3.1 ms each."""


@dataclass(frozen=True, slots=True)
class Decoding:
    tokens: tuple[int, ...]
    confidence: float
    """Mean log-probability of the tokens and, where it came to one, of the end."""
    passes: int
    """How often the decoder ran."""
    readings: tuple["AlternativeReading", ...] = ()
    """Other ways in which the last two words may have gone, likeliest first, where asked for."""


@dataclass(frozen=True, slots=True)
class AlternativeReading:
    """The stretch's tokens, with other last words."""

    tokens: tuple[int, ...]
    probability: float
    """Together with the likeliest reading and the others, they sum to 1."""


class Moonshine:
    """The model in memory. `decode` may be called from several threads at once."""

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        """`folder` holds the two graphs and the tokenizer. Raises ServiceError."""
        try:
            folder = (
                folder
                or packaged_file("moonshine_voice", "assets", "tiny-en", "tokenizer.bin").parent
            )
            self._pieces = read_tokenizer((folder / "tokenizer.bin").read_bytes())
        except OSError as exc:
            raise ServiceError("stt", "Moonshine's files are not there", retryable=False) from exc
        self._encoder = OnnxModel("stt", folder / "encoder_model.ort", threads=threads)
        self._decoder = OnnxModel("stt", folder / "decoder_model_merged.ort", threads=threads)

    def decode(
        self,
        audio: Samples,
        draft: Sequence[int] = (),
        called_off: Callable[[], bool] = lambda: False,
        *,
        read_on: bool = False,
    ) -> Decoding:
        """`audio`: 0.1 to 28 s at `EAR_RATE_HZ`. `read_on`: follows other readings of the last
        words as well. Raises ServiceError.
        """
        limit, most = token_limit(len(audio)), min(MAX_TOKENS, room_for(audio))
        padded = np.pad(audio, (0, int(TAIL_S * EAR_RATE_HZ))).astype(np.float32)[np.newaxis]
        (frames,) = self._encoder.run(
            {"input_values": padded, "attention_mask": np.ones(padded.shape, np.int64)}
        )
        memory = _Memory(self._decoder, frames)
        guess = list(draft[:most])
        tokens: list[int] = []
        steps: list[_Step] = []
        last = START
        while True:
            if called_off():
                raise ServiceError("stt", "called off", retryable=True)
            found = memory.extend([last, *guess])
            agreed = 0
            while agreed < len(guess) and found[agreed].token == guess[agreed]:
                agreed += 1
            memory.keep(len(tokens) + agreed + 1)
            tokens += guess[:agreed]
            steps += found[: agreed + 1]
            last = found[agreed].token
            if last == END:
                break
            if is_full(tokens, limit, most):
                del tokens[loop_length(tokens) or limit :]
                break
            tokens.append(last)
            guess = rest_of_draft(draft, tokens)
        confidence = math.fsum(step.chance for step in steps) / len(steps)
        readings = self._readings(memory, tokens, steps) if read_on and last == END else ()
        return Decoding(tuple(tokens), confidence, memory.passes, readings)

    def _readings(
        self, memory: "_Memory", tokens: Sequence[int], steps: Sequence["_Step"]
    ) -> tuple[AlternativeReading, ...]:
        """The last two words read otherwise, from where another token was likely as well."""
        begins = [n for n, token in enumerate(tokens) if self._pieces[token][:3] == WORD_BEGINS]
        first = begins[-2] if len(begins) > 1 else 0
        best = math.fsum(step.chance for step in steps[first:])
        forks = [
            (math.fsum(step.chance for step in steps[first:at]) + chance, at, token)
            for at in range(first, len(steps))
            for token, chance in steps[at].others()
            if chance > math.log(LEAST_CHANCE)
        ]
        found: list[tuple[float, tuple[int, ...]]] = []
        limit = memory.passes + READING_PASSES
        for chance, at, token in sorted(forks, reverse=True)[:MOST_READINGS]:
            rest, more = self._follow(memory.fork(at + 1), token, limit)
            found.append((chance + more, (*tokens[:at], *rest)))
        whole = math.exp(best) + math.fsum(math.exp(chance) for chance, _ in found)
        ranked = sorted(found, reverse=True)
        return tuple(AlternativeReading(read, math.exp(chance) / whole) for chance, read in ranked)

    def _follow(self, memory: "_Memory", token: int, limit: int) -> tuple[list[int], float]:
        """The likeliest tokens from one on, and the log-probability of those after it."""
        read: list[int] = []
        chance = 0.0
        while token != END and len(read) < READING_TOKENS:
            read.append(token)
            if self._pieces[token] in MARKS or memory.passes >= limit:
                break  # nearly always the end
            (step,) = memory.extend([token])
            token, chance = step.token, chance + step.chance
        return read, chance

    def text(self, tokens: Sequence[int]) -> str:
        pieces = b"".join(self._pieces[token] for token in tokens if token > END)
        return pieces.decode("utf-8", "ignore").replace("\u2581", " ").strip()


@dataclass(frozen=True, slots=True)
class _Step:
    """The decoder's opinion of one place."""

    token: int
    """The likeliest."""
    chance: float
    """Its log-probability."""
    scores: Tensor = field(repr=False, compare=False)
    """Each token's score, over that of the likeliest."""

    def others(self) -> list[tuple[int, float]]:
        """The next likeliest tokens, with their log-probabilities."""
        ranked = np.argpartition(self.scores, -RANKED)[-RANKED:].tolist()
        return [
            (token, float(self.scores[token]) + self.chance)
            for token in ranked
            if token != self.token
        ]


class _Memory:
    """The decoder's memory of one utterance between its passes: keys and values."""

    def __init__(self, decoder: OnnxModel, frames: Tensor) -> None:
        self._decoder = decoder
        nothing = np.zeros((1, HEADS, 0, HEAD_WIDTH), np.float32)
        self._inputs: dict[str, Tensor] = {
            "encoder_hidden_states": frames,
            "encoder_attention_mask": np.ones((1, 1), np.int64),
        } | {name: nothing for _, name in _cache("decoder", "encoder")}
        self._passes = [0]

    @property
    def passes(self) -> int:
        return self._passes[0]

    def extend(self, tokens: Sequence[int]) -> list[_Step]:
        """The opinion of the place after each of these tokens."""
        first = self._passes == [0]
        self._inputs["use_cache_branch"] = np.array([not first])
        self._inputs["input_ids"] = np.array([tokens], np.int64)
        # What is heard is the same in every pass: its keys are made in the first and kept.
        cache = list(_cache("decoder", "encoder") if first else _cache("decoder"))
        logits, *memory = self._decoder.run(
            self._inputs, ["logits", *(output for output, _ in cache)]
        )
        self._inputs.update(zip((name for _, name in cache), memory, strict=True))
        self._passes[0] += 1
        found = logits[0].argmax(-1)
        scores = logits[0] - np.take_along_axis(logits[0], found[:, np.newaxis], -1)
        chances = -np.log(np.exp(scores).sum(-1))
        return [
            _Step(token, chance, row)
            for token, chance, row in zip(found.tolist(), chances.tolist(), scores, strict=True)
        ]

    def fork(self, positions: int) -> "_Memory":
        """A memory of its own of the first `positions` tokens; the count of passes is shared."""
        copy = object.__new__(_Memory)
        copy._decoder, copy._inputs, copy._passes = self._decoder, dict(self._inputs), self._passes
        copy.keep(positions)
        return copy

    def keep(self, positions: int) -> None:
        """Forget what came after the first `positions` tokens."""
        for _, name in _cache("decoder"):
            self._inputs[name] = self._inputs[name][:, :, :positions]


def _cache(*parts: str) -> Iterator[tuple[str, str]]:
    """Names of the decoder's memory: as it comes out, and as it goes in again."""
    for layer in range(LAYERS):
        for part in parts:
            for kind in ("key", "value"):
                name = f"{layer}.{part}.{kind}"
                yield f"present.{name}", f"past_key_values.{name}"


def token_limit(samples: int) -> int:
    return min(MAX_TOKENS, int(samples / EAR_RATE_HZ * TOKENS_PER_S) + TOKENS_SPARE)


def is_full(tokens: Sequence[int], limit: int, most: int) -> bool:
    """Has a decoder said all that the sound has room for? `limit` counts what is no repetition."""
    return len(tokens) >= limit and (len(tokens) >= most or news_in(tokens) >= limit)


def rest_of_draft(draft: Sequence[int], tokens: Sequence[int]) -> list[int]:
    """The draft's tokens after the last of `tokens`, near the place where it should be."""
    place = len(tokens) - 1
    near = range(max(0, place - 3), min(len(draft), place + 5))
    at = min(
        (i for i in near if draft[i] == tokens[-1]), key=lambda i: abs(i - place), default=place
    )
    return list(draft[at + 1 : at + 1 + RETRY_TOKENS])


def read_tokenizer(data: bytes) -> list[bytes]:
    """The bytes of each token: a length of one byte, or of two (low 7 bits first), then they."""
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        length, at = data[at], at + 1
        if length >= 128:
            length, at = data[at] * 128 + length - 128, at + 1
        pieces.append(data[at : at + length])
        at += length
    return pieces
