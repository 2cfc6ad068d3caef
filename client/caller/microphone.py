"""A simulated microphone: 20 ms frames on absolute deadlines, recordings laid into silence."""

import math

import numpy as np

from pipelines.audio.pcm import FULL_SCALE, Pcm

MICROPHONE_RATE_HZ = 16_000
FRAME_SAMPLES = 320
FLOOR_SEED = 20_000


class CallerMicrophone:
    """Says what the next frame holds and when it is full; remembers when each one left.

    Between recordings it hears exact zeros, or white noise of `floor_dbfs` (RMS, seeded).
    A frame leaves when its last sample has been heard, as a page's does: so a sample is
    counted as heard at its frame's departure, less the samples that follow it in the frame.
    """

    def __init__(self, started_s: float, *, floor_dbfs: float | None = None) -> None:
        self.started_s = started_s
        self.late_s = 0.0
        """The most that a frame left after its deadline: how far to trust the timing."""
        self._floor_dbfs = floor_dbfs
        self._random = np.random.default_rng(FLOOR_SEED)
        self._ahead = np.empty(0, dtype=np.int16)
        self._frames: list[Pcm] = []
        self._departures: list[float] = []

    @property
    def position(self) -> int:
        """Samples handed out so far."""
        return len(self._frames) * FRAME_SAMPLES

    @property
    def deadline(self) -> float:
        """When the next frame is full."""
        return self.started_s + (self.position + FRAME_SAMPLES) / MICROPHONE_RATE_HZ

    @property
    def tape(self) -> Pcm:
        """All that it has heard, shape (position,)."""
        return np.concatenate([np.empty(0, dtype=np.int16), *self._frames])

    def play(self, pcm: Pcm) -> int:
        """Lay a recording into the next frames, after any other. Returns its first sample."""
        first = self.position + self._ahead.size
        self._ahead = np.concatenate([self._ahead, pcm])
        return first

    def take(self, now: float) -> Pcm:
        """The next frame, shape (FRAME_SAMPLES,), which leaves at `now`."""
        frame = self._ahead[:FRAME_SAMPLES]
        self._ahead = self._ahead[FRAME_SAMPLES:]
        if frame.size < FRAME_SAMPLES:
            frame = np.concatenate([frame, self._silence(FRAME_SAMPLES - frame.size)])
        self.late_s = max(self.late_s, now - self.deadline)
        self._frames.append(frame)
        self._departures.append(now)
        return frame

    def heard_s(self, position: float) -> float:
        """When the first `position` samples had been heard. They must have been sent."""
        index = max(0, math.ceil(position / FRAME_SAMPLES) - 1)
        rest = (index + 1) * FRAME_SAMPLES - position
        return self._departures[index] - rest / MICROPHONE_RATE_HZ

    def _silence(self, samples: int) -> Pcm:
        if self._floor_dbfs is None:
            return np.zeros(samples, dtype=np.int16)
        scale = FULL_SCALE * 10 ** (self._floor_dbfs / 20)
        noise = self._random.normal(0.0, scale, samples)
        return np.clip(np.rint(noise), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
