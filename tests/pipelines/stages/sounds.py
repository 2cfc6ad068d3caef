"""Sounds that are not somebody talking to the bot: shape (n,), float32, 16 kHz, from a seed."""

import json
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.suite.noise import babble
from pipelines.services.protocols import EAR_RATE_HZ, Samples

RECORDINGS = Path(__file__).parents[2] / "recordings"
TALKERS = 12


def silence(seconds: float, seed: int) -> Samples:
    """A microphone's own noise, at -75 dBFS."""
    return white_noise(seconds, seed) * np.float32(10 ** ((-75 + 25) / 20))


def white_noise(seconds: float, seed: int) -> Samples:
    """At -25 dBFS."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * EAR_RATE_HZ))
    return (noise * 10 ** (-25 / 20)).astype(np.float32)


def hum(seconds: float, seed: int) -> Samples:
    """Mains at 50 Hz with its harmonics, swelling and fading, at -20 dBFS, over a little noise."""
    t = np.arange(round(seconds * EAR_RATE_HZ)) / EAR_RATE_HZ
    chance = np.random.default_rng(seed)
    total = np.zeros(len(t))
    for harmonic in range(1, 20):
        phase, swell_hz = chance.uniform(0, 2 * np.pi), chance.uniform(0.02, 0.5)
        swell = 1 + 0.8 * np.sin(2 * np.pi * swell_hz * t + phase)
        total += swell * np.sin(2 * np.pi * 50 * harmonic * t + phase) / harmonic
    total *= 10 ** (-20 / 20) / np.sqrt(np.mean(np.square(total)))
    return total.astype(np.float32) + silence(seconds, seed)


def mains(seconds: float) -> Samples:
    """50 Hz without a harmonic, at -25 dBFS."""
    t = np.arange(round(seconds * EAR_RATE_HZ)) / EAR_RATE_HZ
    tone: Samples = (10 ** (-25 / 20) * np.sqrt(2) * np.sin(2 * np.pi * 50 * t)).astype(np.float32)
    return tone


def spoken(name: str, seconds: float) -> Samples:
    """A recording, half a second from the beginning."""
    samples, rate_hz = soundfile.read(RECORDINGS / f"{name}.wav")
    sound = np.zeros(round(seconds * EAR_RATE_HZ), np.float32)
    heard = soxr.resample(samples, rate_hz, EAR_RATE_HZ)[: len(sound) - EAR_RATE_HZ // 2]
    sound[EAR_RATE_HZ // 2 :][: len(heard)] = heard
    return sound


def music(seconds: float, seed: int) -> Samples:
    """Plucked strings (Karplus and Strong, 1983) in four voices over a beat, at -22 dBFS."""
    chance = np.random.default_rng(seed)
    size, beat = round(seconds * EAR_RATE_HZ), round(0.3 * EAR_RATE_HZ)
    total = np.zeros(size + 2 * EAR_RATE_HZ)
    scale = [0, 2, 4, 7, 9, 12, 14, 16]
    for at in range(0, size, beat):
        for voice, octave in enumerate((-24, -12, 0, 12)):
            if chance.random() < (1.0, 0.5, 0.7, 0.3)[voice]:
                pitch_hz = 262 * 2 ** ((octave + int(chance.choice(scale))) / 12)
                note = _pluck(pitch_hz, int(chance.integers(4, 9)) * beat // 4, chance)
                total[at : at + len(note)] += note
        total[at : at + 400] += chance.standard_normal(400) * np.exp(-np.arange(400) / 80)
    total = total[:size] * 10 ** (-22 / 20) / np.sqrt(np.mean(np.square(total[:size])))
    heard: Samples = np.clip(total, -1, 1).astype(np.float32)
    return heard


def _pluck(pitch_hz: float, length: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """A burst of noise that goes round a delay line, a little duller each time."""
    period = max(2, round(EAR_RATE_HZ / pitch_hz))
    line = chance.uniform(-1, 1, period)
    rounds = []
    for _ in range(-(-length // period)):
        rounds.append(line)
        line = 0.996 * 0.5 * (line + np.roll(line, 1))
    return np.concatenate(rounds)[:length]


def crowd(seconds: float, seed: int) -> Samples:
    """Twelve people at once, who read, at -30 dBFS: the next table, not somebody at ours."""
    told = json.loads((RECORDINGS / "labels.json").read_text())["recordings"]
    voices = []
    for row in told:
        samples, rate_hz = soundfile.read(RECORDINGS / row["file"])
        voices.append(soxr.resample(samples, rate_hz, EAR_RATE_HZ))
    total = babble(voices, seconds, TALKERS, seed)
    total *= 10 ** (-30 / 20) / np.sqrt(np.mean(np.square(total)))
    return total.astype(np.float32)
