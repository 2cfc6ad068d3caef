"""The labelled turns with what the ears made of them; kept in a cache, for it takes minutes."""

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from bench.fit import observe
from bench.fit.observe import Observed
from bench.fit.simulate import Pause, Turn
from bench.suite.load import Turn as Labelled
from bench.suite.load import sound
from bench.suite.load import turns as labelled
from pipelines.core import dictation, voicing
from pipelines.core.events import Listened
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK, Samples
from pipelines.services.vad_silero import SileroVad, load_silero

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "observed"


def turns(half: str | None = None) -> list[Turn]:
    """Every labelled turn of the suite, or of one half of it, observed."""
    listener = _Listener()
    return [listener.turn(row) for row in track(labelled(half), "listening to the suite")]


class _Listener:
    def __init__(self) -> None:
        self._observatory: observe.Observatory | None = None
        self._silero = load_silero()
        self._ears = b"".join(
            Path(str(module.__file__)).read_bytes() for module in (observe, voicing, dictation)
        )

    def turn(self, row: Labelled) -> Turn:
        samples = (sound(row, EAR_RATE_HZ) / np.float32(32768)).astype(np.float32)
        return Turn(
            name=row.id,
            half=row.half,
            end_s=row.end_s,
            pauses=tuple(
                Pause(p.start_s, p.duration_s, p.kind, p.origin == "natural") for p in row.pauses
            ),
            observed=self._with_voice(samples),
        )

    def _with_voice(self, samples: Samples) -> Sequence[Observed]:
        """The VAD is asked again: it is cheap, and the rest need not be."""
        vad = SileroVad(self._silero)
        tail = np.zeros(round(observe.SILENCE_AFTER_S * EAR_RATE_HZ), np.float32)
        whole = np.concatenate((samples, tail))
        starts = range(0, len(whole) - VAD_CHUNK + 1, VAD_CHUNK)
        voices = [0.0, *(vad.probability(whole[at : at + VAD_CHUNK]) for at in starts)]
        return [
            Observed(o.at_s, Listened(o.fact.media_s, voices[_chunk(o.fact.media_s, len(voices))]))
            if isinstance(o.fact, Listened)
            else o
            for o in self._observe(samples)
        ]

    def _observe(self, samples: Samples) -> Sequence[Observed]:
        key = hashlib.sha256(samples.tobytes() + self._ears).hexdigest()[:24]
        cached = CACHE / f"{key}.pickle"
        if not cached.exists():
            self._observatory = self._observatory or observe.Observatory()
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(pickle.dumps(self._observatory.observe(samples)))
        observed: Sequence[Observed] = pickle.loads(cached.read_bytes())
        return observed


def _chunk(media_s: float, chunks: int) -> int:
    """Which answer of the VAD is the newest at a media time."""
    return min(int(media_s * EAR_RATE_HZ / VAD_CHUNK + 1e-6), chunks - 1)
