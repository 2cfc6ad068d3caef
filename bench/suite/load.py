"""The suite as a bench reads it: turns with their labels, and their sound at any rate."""

import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.suite.edges import Samples
from bench.suite.noise import speech_rms
from bench.suite.room import join, room_tone

FOLDER = Path(__file__).parent / "turns"


@dataclass(frozen=True, slots=True)
class LabelledPause:
    """Silence of 200 ms or more inside a turn, after word number `after`.

    `place` is the same for pauses at the same place of the same sources: count places to count
    distinct pauses.
    """

    start_s: float
    duration_s: float
    kind: Literal["hanging", "clause", "sentence"]
    after: int
    origin: Literal["natural", "made"]
    place: str


@dataclass(frozen=True, slots=True)
class Noise:
    """Mixed in by `sound`: which noise file, and how far below the speech."""

    file: str
    snr_db: float


@dataclass(frozen=True, slots=True)
class SuiteTurn:
    """One labelled turn; times are from the first sample of its file.

    `end_s` is the end of the last 10 ms of speech. `words` are (word, start_s, end_s).
    """

    id: str
    file: str
    rate_hz: int
    band: Literal["telephone", "wide"]
    half: Literal["fit", "held"]
    what: Literal["sentence", "sentences", "question", "numbers", "hanging", "clause"]
    speaker: str
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    transcript: str
    duration_s: float
    start_s: float
    end_s: float
    words: tuple[tuple[str, float, float], ...]
    pauses: tuple[LabelledPause, ...]
    noise: Noise | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Something said or heard over the bot's speech; sound is between `start_s` and `end_s`."""

    id: str
    file: str
    rate_hz: int
    what: Literal["backchannel", "stop", "goes_on", "noise"]
    speaker: str
    synthetic: bool
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    transcript: str
    start_s: float
    end_s: float
    halves: tuple[str, ...] = ()


@cache
def _suite() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((FOLDER / "suite.json").read_text())
    return told


def turns(half: str | None = None) -> list[SuiteTurn]:
    """Every turn, or those of the half "fit" or "held", in the suite's order."""
    return [_turn(told) for told in _suite()["turns"] if half is None or told["half"] == half]


def overlaps(what: str | None = None) -> list[Overlap]:
    """Things to say over the bot, all of them or those of one kind."""
    found = []
    for told in _suite()["overlaps"]:
        if what is None or told["what"] == what:
            tuples = {key: tuple(value) for key, value in told.items() if isinstance(value, list)}
            found.append(Overlap(**(told | tuples)))
    return found


def sound(turn: SuiteTurn, rate_hz: int | None = None, tail_s: float = 0.0) -> NDArray[np.int16]:
    """The turn with its noise, shape (samples,), at `rate_hz` or its own rate.

    `tail_s` seconds follow it: more of its own room tone, and of its noise. The same for every
    call with the same arguments.
    """
    samples, own_hz = soundfile.read(FOLDER / turn.file, dtype="float64")
    speech = speech_rms(samples, own_hz)
    seed = zlib.crc32(turn.id.encode())
    if tail_s:
        tone = room_tone(samples, own_hz, round(tail_s * own_hz), seed)
        samples = join(samples, tone, own_hz)
    if turn.noise is not None:
        bed = _noise(turn.noise.file, own_hz)
        bed = np.resize(np.roll(bed, -(seed % len(bed))), len(samples))
        gain = speech * 10 ** (-turn.noise.snr_db / 20) / float(np.sqrt(np.mean(bed**2)))
        samples = samples + bed * gain
    return pcm(samples, own_hz, rate_hz or own_hz)


def overlap_sound(overlap: Overlap, rate_hz: int | None = None) -> NDArray[np.int16]:
    """The overlap's samples at `rate_hz` or its own rate."""
    samples, own_hz = soundfile.read(FOLDER / overlap.file, dtype="float64")
    return pcm(samples, own_hz, rate_hz or own_hz)


def pcm(samples: Samples, own_hz: int, rate_hz: int) -> NDArray[np.int16]:
    """Full-scale floats as 16 bits at another rate, clipped."""
    if own_hz != rate_hz:
        samples = soxr.resample(samples, own_hz, rate_hz)
    return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)


@cache
def _noise(file: str, rate_hz: int) -> Samples:
    samples, own_hz = soundfile.read(FOLDER / file, dtype="float64")
    bed: Samples = samples if own_hz == rate_hz else soxr.resample(samples, own_hz, rate_hz)
    return bed


def _turn(told: dict[str, Any]) -> SuiteTurn:
    noise = told["noise"]
    return SuiteTurn(
        **told
        | {
            "sources": tuple(told["sources"]),
            "licences": tuple(told["licences"]),
            "words": tuple((word, start, end) for word, start, end in told["words"]),
            "pauses": tuple(LabelledPause(**pause) for pause in told["pauses"]),
            "noise": Noise(**noise) if noise else None,
        }
    )
