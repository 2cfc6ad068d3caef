"""Every labelled silence as the product's models hear it: a row each, to fit the waits to.

Only what is known a moment into the silence: the words with their other readings, and what Smart
Turn says 40 and 180 ms into it.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from pipelines.audio.highpass import HighPass
from pipelines.core.hearing.dictation import DictationPolicy
from pipelines.services.protocols import EAR_RATE_HZ, Samples, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stt_moonshine import transcribe
from pipelines.services.turn.turn_smart import load_smart_turn, turn_probability

CACHE = Path(__file__).parents[2] / ".cache" / "pauses"
SCORED_AFTER_S = (0.04, 0.18)
FILTER = EAR_RATE_HZ // 100


@dataclass(frozen=True, slots=True)
class LabelledSilence:
    """A silence of the person, in seconds of a turn's sound."""

    start_s: float
    duration_s: float
    kind: str
    """The pause's; "end" where the turn is over."""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class HeardSilence:
    silence: LabelledSilence
    text: str
    """The turn until then, by the ears."""
    alternatives: tuple[tuple[str, float], ...]
    scores: tuple[float, ...]
    """Smart Turn's, `SCORED_AFTER_S`."""


@dataclass(frozen=True, slots=True)
class HeardTurn:
    name: str
    speaker: str
    source: str
    asked: str
    silences: tuple[HeardSilence, ...]


class PauseListener:
    """The models, loaded when something is not in the cache."""

    def __init__(self) -> None:
        self._models: _Models | None = None

    def hear(
        self, samples: Samples, silences: Sequence[LabelledSilence]
    ) -> tuple[HeardSilence, ...]:
        """`samples`: the turn, shape (n,), at EAR_RATE_HZ."""
        asked = repr([(s.start_s, s.duration_s) for s in silences]).encode()
        kept = CACHE / f"{sha256(samples.tobytes() + asked).hexdigest()[:24]}.pickle"
        if not kept.exists():
            self._models = self._models or _Models()
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(list(self._models.listen(samples, silences))))
        heard: list[tuple[str, tuple[tuple[str, float], ...], tuple[float, ...]]]
        heard = pickle.loads(kept.read_bytes())
        return tuple(
            HeardSilence(silence, *found) for silence, found in zip(silences, heard, strict=True)
        )


class _Models:
    def __init__(self) -> None:
        self._ears = Moonshine()
        self._turn = load_smart_turn()
        self._policy = DictationPolicy()

    def listen(
        self, samples: Samples, silences: Sequence[LabelledSilence]
    ) -> Iterator[tuple[str, tuple[tuple[str, float], ...], tuple[float, ...]]]:
        """Stretch by stretch, as the product dictates: a long one is closed at a pause."""
        policy, clean = self._policy, _filtered(samples)
        settled: list[str] = []
        start_s = 0.0
        draft: tuple[int, ...] = ()
        for silence in silences:
            end_s = silence.start_s + policy.tail_s
            job = TranscriptionJob(_between(clean, start_s, end_s), draft, final=True)
            found = transcribe(self._ears, job, lambda: False)
            draft = found.tokens
            yield (
                " ".join((*settled, found.text)).strip(),
                tuple((" ".join((*settled, text)), share) for text, share in found.alternatives),
                tuple(
                    turn_probability(
                        self._turn, _between(clean, silence.start_s - 8, silence.start_s + after_s)
                    )
                    for after_s in SCORED_AFTER_S
                ),
            )
            is_long = silence.start_s - start_s >= policy.settle_s
            if is_long and silence.duration_s >= policy.pause_s:
                settled.append(found.text)
                resumed_s = silence.start_s + silence.duration_s
                start_s, draft = resumed_s - min(policy.lead_in_s, silence.duration_s / 2), ()


def _filtered(samples: Samples) -> Samples:
    high_pass = HighPass(EAR_RATE_HZ, FILTER)
    blocks = samples[: len(samples) // FILTER * FILTER].reshape(-1, FILTER)
    return np.concatenate([high_pass.feed(block) for block in blocks]).astype(np.float32)


def _between(samples: Samples, start_s: float, end_s: float) -> Samples:
    return samples[max(0, round(start_s * EAR_RATE_HZ)) : round(end_s * EAR_RATE_HZ)]
