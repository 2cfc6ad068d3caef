"""Whisper by faster-whisper: a batch of stretches of speech in, a hypothesis for each out.

faster-whisper's own `transcribe` (its VAD, its temperature fallback, the text before as a prompt)
is made for files. Here the model is asked as it is, for several calls
in one go: the encoder on all windows, then greedy decoding.

A draft is the hypothesis of the same speech a moment ago. One pass of the decoder over it tells
how likely each of its tokens is where it stands; up to the first that is not more likely than
all others together it is what greedy decoding would say too, and decoding begins after it. So
the part of a growing transcript that is stable costs one pass, and is never held against what
the model hears later.

Whisper looks at windows of 30 s: a short stretch is padded, and costs the encoder as much.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ctranslate2
import faster_whisper
import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from pipelines.services.protocols import Samples, ServiceError
from pipelines.services.stt.repetition import room_for

Device = Literal["cpu", "cuda"]

WINDOW_S = 30.0
LIKELIER_THAN_ALL_OTHERS = 0.5
SHORTEST_DRAFT = 3
"""Tokens: the pass over a shorter one costs as much as making it anew."""
MAX_TOKENS = 224
"""Half of the decoder's positions, as Whisper itself allows."""


@dataclass(frozen=True, slots=True)
class DecodedStretch:
    """The decoder's result for one stretch."""

    tokens: tuple[int, ...]
    text: str
    confidence: float
    """Mean log-probability of the tokens and of the end."""
    no_speech: float
    """Probability that the window holds no speech."""
    kept: int = 0
    """Tokens of the draft that stood."""
    ended: bool = True
    """The decoder came to an end by itself, before the stretch had no room for more tokens."""

    @property
    def repetition(self) -> float:
        """Length of the text over its length compressed: speech stays below 2.4."""
        data = self.text.encode()
        return len(data) / len(zlib.compress(data))


class Whisper:
    """The model in memory. One `decode` at a time for each of its `workers`."""

    def __init__(
        self,
        folder: Path,
        *,
        device: Device,
        compute_type: str,
        threads: int,
        language: str | None = None,
    ) -> None:
        """`language` as "en"; None detects it in each stretch. Raises ServiceError."""
        if not (folder / "model.bin").is_file():
            raise ServiceError("stt", f"{folder} holds no CTranslate2 model", retryable=False)
        try:
            self._whole = faster_whisper.WhisperModel(
                str(folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=threads,
                local_files_only=True,
            )
            self._tokenizers: dict[str, Tokenizer] = {}
            self._language = language if self.is_multilingual else "en"
            if self._language is not None:
                self._tokenizer(self._language)
        except (RuntimeError, ValueError, OSError) as exc:
            raise ServiceError("stt", f"cannot load {folder}: {exc}", retryable=False) from exc

    @property
    def is_multilingual(self) -> bool:
        return bool(self._whole.model.is_multilingual)

    @property
    def compute_type(self) -> str:
        return str(self._whole.model.compute_type)

    def decode(
        self, audio: Sequence[Samples], drafts: Sequence[Sequence[int]]
    ) -> list[DecodedStretch]:
        """Decodes stretches of at most `WINDOW_S` each, as many as the memory allows. Raises
        ServiceError.
        """
        try:
            return self._decode(audio, drafts)
        except (RuntimeError, ValueError) as exc:
            raise ServiceError("stt", "inference failed", retryable=False) from exc

    def _decode(
        self, audio: Sequence[Samples], drafts: Sequence[Sequence[int]]
    ) -> list[DecodedStretch]:
        model = self._whole.model
        windows = np.stack([self._features(stretch) for stretch in audio])
        encoded = model.encode(ctranslate2.StorageView.from_array(windows))
        tokenizers = self._tokenizers_for(encoded, len(audio))
        prefixes = self._standing(encoded, tokenizers, drafts)
        prompts = [
            [*tokenizer.sot_sequence, tokenizer.no_timestamps, *(token for token, _ in prefix)]
            for tokenizer, prefix in zip(tokenizers, prefixes, strict=True)
        ]
        rooms = [min(MAX_TOKENS, room_for(stretch)) for stretch in audio]
        results = model.generate(
            encoded,
            prompts,
            beam_size=1,
            sampling_temperature=0,
            max_length=max(rooms) + max(map(len, prompts)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            _heard(result, tokenizer, prefix, room)
            for result, tokenizer, prefix, room in zip(
                results, tokenizers, prefixes, rooms, strict=True
            )
        ]

    def _features(self, stretch: Samples) -> NDArray[np.float32]:
        features = self._whole.feature_extractor(stretch)
        return np.ascontiguousarray(pad_or_trim(features), np.float32)

    def _tokenizers_for(self, encoded: Any, count: int) -> list[Tokenizer]:
        if self._language is not None:
            return [self._tokenizer(self._language)] * count
        found = self._whole.model.detect_language(encoded)
        return [self._tokenizer(ranked[0][0].strip("<|>")) for ranked in found]

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._whole.hf_tokenizer, self.is_multilingual, "transcribe", language
            )
        return self._tokenizers[language]

    def _standing(
        self, encoded: Any, tokenizers: Sequence[Tokenizer], drafts: Sequence[Sequence[int]]
    ) -> list[list[tuple[int, float]]]:
        """The tokens of each draft that the model would say too, with their log-probabilities."""
        starts = {tuple(tokenizer.sot_sequence) for tokenizer in tokenizers}
        if len(starts) > 1 or max(map(len, drafts)) < SHORTEST_DRAFT:  # one start for all of them
            return [[] for _ in drafts]
        whole = [list(draft[:MAX_TOKENS]) or [tokenizers[0].eot] for draft in drafts]
        frames = self._whole.feature_extractor.nb_max_frames
        passed = self._whole.model.align(encoded, list(starts.pop()), whole, frames)
        return [
            _likely(draft, alignment.text_token_probs)
            for draft, alignment in zip(drafts, passed, strict=True)
        ]


def cuda_devices() -> int:
    return int(ctranslate2.get_cuda_device_count())


def best_compute_type(device: Device) -> str:
    """The fastest that keeps the words, of those that this device has.

    Raises ServiceError where there is no such device.
    """
    try:
        offered = ctranslate2.get_supported_compute_types(device)
    except (RuntimeError, ValueError) as exc:
        raise ServiceError("stt", f"cannot load on {device}: {exc}", retryable=False) from exc
    wanted = ("float16", "int8_float16") if device == "cuda" else ("int8",)
    return next((name for name in wanted if name in offered), "default")


def _likely(draft: Sequence[int], chances: Sequence[float]) -> list[tuple[int, float]]:
    standing = []
    for token, chance in zip(draft, chances, strict=False):
        if chance <= LIKELIER_THAN_ALL_OTHERS:
            break
        standing.append((token, math.log(chance)))
    return standing


def _heard(
    result: Any, tokenizer: Tokenizer, prefix: Sequence[tuple[int, float]], room: int
) -> DecodedStretch:
    tokens = tuple(token for token in result.sequences_ids[0] if token < tokenizer.eot)
    # CTranslate2 gives the sum over what it made, over the length of all.
    made = result.scores[0] * max(1, len(result.sequences_ids[0]))
    total = made + math.fsum(chance for _, chance in prefix)
    return DecodedStretch(
        tokens,
        tokenizer.decode(list(tokens)).strip(),
        total / (len(tokens) + 1),
        result.no_speech_prob,
        len(prefix),
        len(tokens) < room,
    )
