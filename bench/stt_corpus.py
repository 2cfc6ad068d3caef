"""The labelled recordings that the ears are measured on, wide and as a telephone brings them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from pipelines.audio import mulaw
from pipelines.audio.resample import Resampler
from pipelines.services.protocols import EAR_RATE_HZ, Pcm, Samples

FOLDER = Path(__file__).parents[1] / "tests" / "recordings"
TELEPHONE_HZ = 8000
LEAD_S, TAIL_S = 0.2, 0.1
"""Around the speech, where an engine is asked directly: as a call asks it."""
BUCKETS_S = (3.0, 5.0)


@dataclass(frozen=True, slots=True)
class SttRecording:
    name: str
    transcript: str
    band: str
    """"wide" or "telephone"."""
    pcm: Pcm
    """At `EAR_RATE_HZ`, with some of its own silence around the speech."""
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """The length of the speech."""
        return self.end_s - self.start_s

    @property
    def speech(self) -> Samples:
        first = max(0, round((self.start_s - LEAD_S) * EAR_RATE_HZ))
        last = round((self.end_s + TAIL_S) * EAR_RATE_HZ)
        return as_samples(self.pcm[first:last])


@dataclass(frozen=True, slots=True)
class SttWordErrors:
    wrong: int
    """Substituted, left out and put in."""
    said: int

    @property
    def rate(self) -> float:
        return self.wrong / self.said if self.said else 0.0

    def __add__(self, other: "SttWordErrors") -> "SttWordErrors":
        return SttWordErrors(self.wrong + other.wrong, self.said + other.said)


def recordings(folder: Path = FOLDER) -> list[SttRecording]:
    """Raises OSError."""
    labels = json.loads((folder / "labels.json").read_text())["recordings"]
    return [_load(folder, label) for label in labels]


def _load(folder: Path, label: dict[str, object]) -> SttRecording:
    pcm, rate_hz = soundfile.read(folder / str(label["file"]), dtype="int16")
    turns = label["turns"]
    assert isinstance(turns, list)
    return SttRecording(
        str(label["file"]).removesuffix(".wav"),
        str(label["transcript"]),
        str(label["band"]),
        resampled(pcm, rate_hz, EAR_RATE_HZ),
        float(turns[0]["start_s"]),
        float(turns[-1]["end_s"]),
    )


def by_telephone(pcm: Pcm) -> Pcm:
    """8 kHz in mu-law and back: what Twilio makes of it."""
    narrow = resampled(pcm, EAR_RATE_HZ, TELEPHONE_HZ)
    return resampled(mulaw.decode(mulaw.encode(narrow)), TELEPHONE_HZ, EAR_RATE_HZ)


def resampled(pcm: Pcm, from_hz: int, to_hz: int) -> Pcm:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.feed(pcm), resampler.flush()))


def as_samples(pcm: Pcm) -> Samples:
    return (pcm / np.float32(32768)).astype(np.float32)


def bucket(length_s: float) -> str:
    short_s, long_s = BUCKETS_S
    if length_s < short_s:
        return f"under {short_s:g} s"
    return f"{short_s:g} to {long_s:g} s" if length_s < long_s else f"over {long_s:g} s"


def word_errors(said: str, heard: str) -> SttWordErrors:
    """By the shortest way from one to the other; case and punctuation do not count."""
    wanted, found = _words(said), _words(heard)
    row = list(range(len(found) + 1))
    for at, word in enumerate(wanted, start=1):
        before, row[0] = row[0], at
        for to, other in enumerate(found, start=1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (word != other))
    return SttWordErrors(row[-1], len(wanted))


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[a-z0-9']+", text.lower())
