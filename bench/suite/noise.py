"""Noise to mix into turns: pink noise from a seed, babble from many voices at once."""

from collections.abc import Sequence

import numpy as np

from bench.suite.edges import Samples, levels_db, threshold_db

RATE_HZ = 16000
PEAK = 0.5


def pink(seconds: float, seed: int) -> Samples:
    """Noise of equal power in every octave from 40 Hz, at 16 kHz, peak 0.5."""
    size = round(seconds * RATE_HZ)
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    shape = np.where(hz >= 40, 1 / np.sqrt(np.maximum(hz, 40)), 0)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    noise: Samples = np.fft.irfft(white * shape, n=size)
    noise *= PEAK / np.max(np.abs(noise))
    return noise


def babble(voices: Sequence[Samples], seconds: float, talkers: int, seed: int) -> Samples:
    """`talkers` at once, equally loud, each speaking from `voices` without end; peak 0.5."""
    size = round(seconds * RATE_HZ)
    random = np.random.default_rng(seed)
    total = np.zeros(size)
    for _ in range(talkers):
        order = random.permutation(len(voices))
        speech = np.concatenate([voices[at] / speech_rms(voices[at], RATE_HZ) for at in order])
        shift = int(random.integers(len(speech)))
        total += np.resize(np.roll(speech, shift), size)
    total *= PEAK / np.max(np.abs(total))
    return total


def speech_rms(samples: Samples, rate_hz: int) -> float:
    """RMS of a recording's windows of speech."""
    levels = levels_db(samples, rate_hz)
    return float(np.sqrt(np.mean(10 ** (levels[levels > threshold_db(levels)] / 10))))
