"""The labelled turns with what the ears made of them; kept in a cache, for it takes minutes."""

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from bench.fit import observe
from bench.fit.observe import Observed
from bench.fit.simulate import ObservedPause, SimulatedTurn
from bench.suite.load import SuiteTurn as Labelled
from bench.suite.load import sound
from bench.suite.load import turns as labelled
from pipelines.core.hearing import dictation, voicing
from pipelines.services.protocols import EAR_RATE_HZ, Samples

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "observed"


def turns(half: str | None = None) -> list[SimulatedTurn]:
    """Every labelled turn of the suite, or of one half of it, observed."""
    listener = TurnListener()
    return [listener.turn(row) for row in track(labelled(half), "listening to the suite")]


class TurnListener:
    """The ears, loaded when something is not in the cache."""

    def __init__(self) -> None:
        self._observatory: observe.Observatory | None = None
        self._ears = b"".join(
            Path(str(module.__file__)).read_bytes() for module in (observe, voicing, dictation)
        )

    def turn(self, row: Labelled) -> SimulatedTurn:
        samples = (sound(row, EAR_RATE_HZ) / np.float32(32768)).astype(np.float32)
        return SimulatedTurn(
            name=row.id,
            half=row.half,
            end_s=row.end_s,
            pauses=tuple(ObservedPause(p.start_s, p.duration_s, p.kind) for p in row.pauses),
            observed=self.observe(samples),
        )

    def observe(self, samples: Samples) -> Sequence[Observed]:
        """The facts that the ears report of `samples`, shape (n,) at EAR_RATE_HZ."""
        key = hashlib.sha256(samples.tobytes() + self._ears).hexdigest()[:24]
        cached = CACHE / f"{key}.pickle"
        if not cached.exists():
            self._observatory = self._observatory or observe.Observatory()
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(pickle.dumps(self._observatory.observe(samples)))
        observed: Sequence[Observed] = pickle.loads(cached.read_bytes())
        return observed
