"""A simulated loudspeaker: what was received, placed on the clock as a listener hears it."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from pipelines.audio.audible import audible_ranges
from pipelines.audio.pcm import Pcm

Sound: TypeAlias = tuple[float, float]
"""One audible window: when its first and its last loud sample were played."""

PLAY_RATE_HZ = 24_000
"""A page plays at this rate, whatever the server writes into its frames."""


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """A page's report: samples of `generation` that have left the loudspeaker."""

    generation: int
    samples: int


@dataclass(slots=True)
class _Piece:
    start_s: float
    pcm: Pcm
    generation: int
    before: int
    """Samples of its generation that were placed before it."""


class Loudspeaker:
    """Plays what arrives, without a gap while it has any; the clock is the caller's own."""

    def __init__(self, *, rate_hz: int = PLAY_RATE_HZ, jitter_s: float = 0.0) -> None:
        """`jitter_s` is how long audio waits when it arrives at an empty player."""
        self._rate_hz = rate_hz
        self._jitter_s = jitter_s
        self._pieces: list[_Piece] = []
        self._sounds: list[Sound] = []
        self._generation = 0
        self._received = 0
        """Samples of the current generation."""

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def end_s(self) -> float:
        """When the last sample that was received has been played; 0.0 if there was none."""
        if not self._pieces:
            return 0.0
        last = self._pieces[-1]
        return last.start_s + last.pcm.size / self._rate_hz

    @property
    def sounds(self) -> list[Sound]:
        """Every audible window in order, those still to be played included."""
        return list(self._sounds)

    def sounds_after(self, moment: float) -> list[Sound]:
        """Those that begin at or after `moment`, and the one before them, if any."""
        index = bisect_left(self._sounds, (moment, 0.0))
        return self._sounds[max(0, index - 1) :]

    def quiet_since(self) -> float:
        """When the last audible sample is or was played; 0.0 if there was none."""
        return self._sounds[-1][1] if self._sounds else 0.0

    def add(self, pcm: Pcm, now: float) -> None:
        """Append audio that arrived at `now`: it plays when what came before it has."""
        if pcm.size == 0:
            return
        start_s = self.end_s if self.end_s > now else now + self._jitter_s
        self._append(_Piece(start_s, pcm, self._generation, self._received))
        self._received += pcm.size

    def flush(self, generation: int, now: float) -> PlaybackReport:
        """Drop what is not played yet. Returns how far the generation before it came."""
        before = self.played(now)
        while self._pieces and self._pieces[-1].start_s >= now:
            self._pieces.pop()
        while self._sounds and self._sounds[-1][0] >= now:
            self._sounds.pop()
        if self._pieces and self.end_s > now:
            self._cut_last_piece(now)
        self._generation, self._received = generation, 0
        return before

    def played(self, now: float) -> PlaybackReport:
        """How much of the current generation has been heard by `now`."""
        index = bisect_right(self._pieces, now, key=lambda piece: piece.start_s) - 1
        if index < 0 or self._pieces[index].generation != self._generation:
            return PlaybackReport(self._generation, 0)
        piece = self._pieces[index]
        elapsed = round((now - piece.start_s) * self._rate_hz)
        return PlaybackReport(self._generation, piece.before + min(elapsed, piece.pcm.size))

    def timeline(self, start_s: float, until_s: float) -> Pcm:
        """All that was played between two moments, silence where nothing was."""
        line = np.zeros(max(0, round((until_s - start_s) * self._rate_hz)), dtype=np.int16)
        for piece in self._pieces:
            at = round((piece.start_s - start_s) * self._rate_hz)
            head, tail = max(0, -at), min(piece.pcm.size, line.size - at)
            if head < tail:
                line[at + head : at + tail] = piece.pcm[head:tail]
        return line

    def _append(self, piece: _Piece) -> None:
        self._pieces.append(piece)
        ranges = audible_ranges(piece.pcm, self._rate_hz) / self._rate_hz + piece.start_s
        self._sounds.extend((float(first), float(last)) for first, last in ranges)

    def _cut_last_piece(self, now: float) -> None:
        piece = self._pieces.pop()
        while self._sounds and self._sounds[-1][1] > piece.start_s:
            self._sounds.pop()
        kept = round((now - piece.start_s) * self._rate_hz)
        if kept > 0:
            self._append(replace(piece, pcm=piece.pcm[:kept]))
