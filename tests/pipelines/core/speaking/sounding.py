"""A playout with the sound that it decides on: positions alone are hard to listen to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.audible import first_audible
from pipelines.core.events import PlayoutWord
from pipelines.core.speaking.playout import ClauseDue, Playout, SpeechDue


@dataclass(frozen=True, slots=True)
class Send:
    """A frame for the wire, as `SpeechDue` places it."""

    pcm: bytes
    generation: int
    start: int
    place: int
    plays_at_s: float


class Sounding(Playout):
    _sound: bytearray

    def begin(self, reply_id: int) -> None:
        super().begin(reply_id)
        self._sound = bytearray()

    def sound(self, pcm: NDArray[np.int16], text: str, words: Sequence[PlayoutWord]) -> None:
        """Shape (n,); `text` where it begins a clause, else empty."""
        self.say(text, words)
        self.add(len(pcm), first_audible(pcm, self.rate_hz))
        self._sound += pcm.astype("<i2", copy=False).tobytes()

    def take_back(self) -> None:
        super().take_back()
        del self._sound[2 * self.sent :]

    def sends(self, now: float) -> list[Send | ClauseDue]:
        return [
            self._with_sound(item) if isinstance(item, SpeechDue) else item
            for item in self.due(now)
        ]

    def _with_sound(self, due: SpeechDue) -> Send:
        pcm = bytes(self._sound[2 * due.place : 2 * (due.place + due.samples)])
        return Send(pcm, due.generation, due.start, due.place, due.plays_at_s)
