"""The beginning and end of speech in a recording, by energy: the one stated method.

Labels are measured on what is left of a recording `above_rumble`: nobody hears a voice in what lies
below 80 Hz, and before the product's ears it is taken away too. It is cut into windows of 10 ms. A
window is speech if its RMS is above a threshold that follows from the recording itself: 30 dB below
its speech level (the 95th percentile of the window levels), but never less than 12 dB above its
noise floor (the power of its quietest 60 ms).

Where recordings are cut and joined, and what of them is room, is measured on the whole sound: a cut
through loud rumble is heard as a click.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.highpass import CUT_OFF_HZ

Samples: TypeAlias = NDArray[np.float64]

WINDOW_S = 0.010
BELOW_SPEECH_DB = 30.0
ABOVE_FLOOR_DB = 12.0
NEAR_S = 0.100
CLEAR_DB = 5.0
SETTLES_S = 0.1  # after which nothing of the high-pass rings on
QUIETEST_DB = -96.0  # one step of 16 bits; digital silence counts as this


@dataclass(frozen=True, slots=True)
class SoundStretch:
    """A stretch of a recording, in seconds from its first sample."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


def above_rumble(samples: Samples, rate_hz: int) -> Samples:
    """Without what is below 80 Hz: the gain of the high-pass before the ears, a Butterworth of the
    fourth order (`pipelines.audio.highpass`), but no delay, so that no edge moves.
    """
    size = len(samples) + round(SETTLES_S * rate_hz)  # or the end would ring into the beginning
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    gain = hz**4 / np.hypot(hz**4, CUT_OFF_HZ**4)
    passed: Samples = np.fft.irfft(np.fft.rfft(samples, size) * gain, size)[: len(samples)]
    return passed


def levels_db(samples: Samples, rate_hz: int) -> Samples:
    """RMS of each whole 10 ms window in dBFS, for samples of full scale 1.0."""
    window = round(rate_hz * WINDOW_S)
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    power: Samples = np.mean(whole**2, axis=1)
    levels: Samples = np.maximum(10 * np.log10(power + 1e-20), QUIETEST_DB)
    return levels


def threshold_db(levels: Samples) -> float:
    """The level above which a window of this recording is speech."""
    speech = float(np.percentile(levels, 95))
    return max(speech - BELOW_SPEECH_DB, floor_db(levels) + ABOVE_FLOOR_DB)


def floor_db(levels: Samples) -> float:
    """The noise floor: the power of the quietest six windows in a row."""
    power = np.convolve(10 ** (levels / 10), np.full(6, 1 / 6), "valid")
    return float(10 * np.log10(np.min(power)))


def has_silence(levels: Samples) -> bool:
    """True if the quietest of a recording is silence: 30 dB below its speech."""
    return floor_db(levels) < float(np.percentile(levels, 95)) - BELOW_SPEECH_DB


def spans_above(levels: Samples, threshold: float) -> Iterator[SoundStretch]:
    """Runs of windows above the threshold, in order."""
    above = np.concatenate(([False], levels > threshold, [False]))
    flips = np.flatnonzero(above[1:] != above[:-1])
    for first, after in zip(flips[::2], flips[1::2], strict=True):
        yield SoundStretch(first * WINDOW_S, after * WINDOW_S)


def speech_runs(levels: Samples) -> list[SoundStretch]:
    """Runs of at least two windows above the threshold: one loud window alone is a click."""
    runs = spans_above(levels, threshold_db(levels))
    return [run for run in runs if run.duration_s > 1.5 * WINDOW_S]


def silences(samples: Samples, rate_hz: int, least_s: float) -> list[SoundStretch]:
    """Gaps of at least `least_s` between runs of speech, inside the bounds of the speech.

    Half of a gap at least is 5 dB below the threshold: a murmur just under it is no silence.
    """
    levels = levels_db(samples, rate_hz)
    bounds = speech_bounds(samples, rate_hz)
    limit = threshold_db(levels)
    speech = [
        run
        for run in speech_runs(levels)
        if bounds.start_s <= run.start_s and run.end_s <= bounds.end_s
    ]
    gaps = (SoundStretch(a.end_s, b.start_s) for a, b in pairwise(speech))
    return [
        gap
        for gap in gaps
        if gap.duration_s >= least_s - 1e-9
        and np.median(levels[round(gap.start_s / WINDOW_S) : round(gap.end_s / WINDOW_S)])
        <= limit - CLEAR_DB
    ]


def speech_bounds(samples: Samples, rate_hz: int) -> SoundStretch:
    """From the first to the last window of speech.

    Speech is a run of at least 30 ms, and a run of at least 20 ms within 100 ms of it: the release
    of a final stop is short. A click alone is none. Raises ValueError where there is no speech.
    """
    runs = speech_runs(levels_db(samples, rate_hz))
    kept = [run for run in runs if run.duration_s > 0.025]
    if not kept:
        raise ValueError("no speech in the recording")
    start_s, end_s = kept[0].start_s, kept[-1].end_s
    for run in runs:
        if end_s <= run.start_s <= end_s + NEAR_S:
            end_s = run.end_s
    for run in reversed(runs):
        if start_s - NEAR_S <= run.end_s <= start_s:
            start_s = run.start_s
    return SoundStretch(start_s, end_s)
