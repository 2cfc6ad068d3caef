"""Recordings to play at a server: 16 kHz mono, and where in them each turn of speech ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from client.caller.microphone import MICROPHONE_RATE_HZ
from pipelines.audio.audible import AUDIBLE_DBFS, audible_ranges, window_levels
from pipelines.audio.pcm import Pcm

LABELS_NAME = "labels.json"
ABOVE_NOISE_DB = 10.0
BELOW_SPEECH_DB = 10.0
FAINTEST_DBFS = -70.0


class RecordingError(Exception):
    """A file that cannot be played; the message names it."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One stretch of speech that wants an answer, in seconds of its recording."""

    start_s: float
    end_s: float
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    name: str
    pcm: Pcm
    """At MICROPHONE_RATE_HZ."""
    turns: tuple[SpokenTurn, ...]
    """At least one, in order."""
    labelled: bool = False
    """Its turns come from a label; else from the last loud sample, as `speech_level` finds it."""

    @property
    def duration_s(self) -> float:
        return self.pcm.size / MICROPHONE_RATE_HZ


def load(path: Path, label: Mapping[str, Any] | None = None) -> Recording:
    """Read what soundfile reads, at any rate. Raises RecordingError.

    Without `label`, the one of `LABELS_NAME` beside it is taken, if there is one.
    """
    if not path.is_file():
        raise RecordingError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as exc:
        raise RecordingError(f"{path}: cannot be read as audio") from exc
    mono = soxr.resample(samples.mean(axis=1), rate_hz, MICROPHONE_RATE_HZ)
    pcm = np.clip(np.rint(mono * 32_768), -32_768, 32_767).astype(np.int16)
    return recording(path.name, pcm, _label_of(path) if label is None else label)


def recording(name: str, pcm: Pcm, label: Mapping[str, Any] | None = None) -> Recording:
    """From samples, with the turns of `label` or, without one, a single measured turn."""
    if label is not None:
        return Recording(name, pcm, _labelled_turns(name, pcm, label), labelled=True)
    sounds = audible_ranges(pcm, MICROPHONE_RATE_HZ, speech_level(pcm)) / MICROPHONE_RATE_HZ
    if not sounds.size:
        raise RecordingError(f"{name}: nothing but silence")
    return Recording(name, pcm, (SpokenTurn(float(sounds[0, 0]), float(sounds[-1, 1])),))


def narrowed(recording: Recording, rate_hz: int) -> Recording:
    """As it sounds over a line of this sample rate, which divides MICROPHONE_RATE_HZ.

    Every so manieth sample of it is then what the line carries, without delay.
    """
    line = soxr.resample(recording.pcm, MICROPHONE_RATE_HZ, rate_hz)
    pcm = np.zeros_like(recording.pcm)
    heard = soxr.resample(line, rate_hz, MICROPHONE_RATE_HZ)[: pcm.size]
    pcm[: heard.size] = heard
    return replace(recording, pcm=pcm)


def _labelled_turns(name: str, pcm: Pcm, label: Mapping[str, Any]) -> tuple[SpokenTurn, ...]:
    try:
        turns = tuple(
            SpokenTurn(float(item["start_s"]), float(item["end_s"]), item.get("transcript"))
            for item in label["turns"]
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise RecordingError(f"{name}: its label does not say where its turns are") from exc
    edges = [at for turn in turns for at in (turn.start_s, turn.end_s)]
    around = [0.0, *edges, pcm.size / MICROPHONE_RATE_HZ]
    if not turns or around != sorted(around):
        raise RecordingError(f"{name}: the turns of its label are not within it, in order")
    return turns


def speech_level(pcm: Pcm) -> float:
    """Above which a 10 ms window of this recording counts as speech, in dBFS.

    -45 dBFS, or 10 dB above the recording's own noise (its 5th percentile) where that is more;
    never within 10 dB of its loud windows (their 95th percentile), nor below -70 dBFS.
    """
    levels = window_levels(pcm, MICROPHONE_RATE_HZ)
    if not levels.size:
        return AUDIBLE_DBFS
    noise, loud = np.percentile(levels, [5, 95])
    level = min(max(AUDIBLE_DBFS, noise + ABOVE_NOISE_DB), loud - BELOW_SPEECH_DB)
    return float(max(FAINTEST_DBFS, level))


def _label_of(path: Path) -> dict[str, Any] | None:
    labels = path.parent / LABELS_NAME
    if not labels.exists():
        return None
    try:
        items = json.loads(labels.read_text())["recordings"]
        found = [item for item in items if item["file"] == path.name]
    except (ValueError, KeyError, TypeError) as exc:
        raise RecordingError(f"{labels}: not a set of labels") from exc
    return found[0] if found else None
