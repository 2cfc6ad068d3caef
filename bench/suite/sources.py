"""The source recordings: where each lies in what its publisher ships, who speaks, which licence."""

import hashlib
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.suite.edges import Samples

HERE = Path(__file__).parent
SOUNDS = "usr/share/asterisk/sounds/en_US_f_Allison"
SPHINX = "usr/share/pocketsphinx/test/data"


@dataclass(frozen=True, slots=True)
class Origin:
    """One publisher of recordings."""

    speaker: str
    package: str
    licence: str
    credit: str


ORIGINS = {
    "asterisk": Origin(
        speaker="allison-smith",
        package="Debian asterisk-core-sounds-en-wav and -en-g722 1.6.1-1",
        licence="CC-BY-SA-3.0",
        credit="Asterisk core sounds, recorded by Allison Smith, financed by Digium, Inc.",
    ),
    "librivox": Origin(
        speaker="librivox-austen",
        package="Debian pocketsphinx-testdata 0.8+5prealpha+1-15, test/data/librivox",
        licence="Public domain (LibriVox), in a BSD-2-Clause package",
        credit="Jane Austen, Sense and Sensibility, chapter 1, read for LibriVox; CMU Sphinx",
    ),
    "cards": Origin(
        speaker="sphinx-cards",
        package="Debian pocketsphinx-testdata 0.8+5prealpha+1-15, test/data/cards",
        licence="BSD-2-Clause",
        credit="CMU Sphinx, Carnegie Mellon University, Alpha Cephei Inc.",
    ),
    "sphinx": Origin(
        speaker="sphinx-developer",
        package="Debian pocketsphinx-testdata 0.8+5prealpha+1-15, test/data",
        licence="BSD-2-Clause",
        credit="CMU Sphinx, Carnegie Mellon University, Alpha Cephei Inc.",
    ),
    "moonshine": Origin(
        speaker="pete-warden",
        package="PyPI moonshine-voice 0.1.0, moonshine_voice/assets/two_cities.wav",
        licence="CC0-1.0",
        credit="Pete Warden, A Tale of Two Cities (Introduction); the file's own tags say CC Zero",
    ),
}


def origin(name: str) -> Origin:
    """The publisher and the speaker of the source `name`."""
    return ORIGINS[name.split("/", 1)[0]]


def is_free_to_use(name: str) -> bool:
    """False for the prompts of odd SHA-1, which are kept apart: nothing here may use them."""
    publisher, _, rest = name.partition("/")
    return publisher != "asterisk" or int(hashlib.sha1(rest.encode()).hexdigest(), 16) % 2 == 0


@cache
def transcripts() -> dict[str, str]:
    """The words of each source, by its name; read from `transcripts.txt`."""
    lines = (HERE / "transcripts.txt").read_text().splitlines()
    told = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, text = line.split(": ", 1)
            told[name] = text
    return told


def load(name: str, band: str, root: Path) -> tuple[Samples, int]:
    """The source's samples (full scale 1.0, mono), at 8 kHz if `band` is "telephone", 16 if "wide".

    `root` holds the unpacked packages, one folder each: asterisk-core-sounds-en-wav,
    asterisk-core-sounds-en-g722, pocketsphinx-testdata, moonshine (the wheel's assets).
    Asterisk publishes both; the others are resampled. Raises ValueError for a prompt kept apart.
    """
    if not is_free_to_use(name):
        raise ValueError(f"{name} is kept apart")
    samples, published_hz = _published(name, band, root)
    rate_hz = {"telephone": 8000, "wide": 16000}[band]
    if published_hz != rate_hz:
        samples = soxr.resample(samples, published_hz, rate_hz)
    return samples, rate_hz


def _published(name: str, band: str, root: Path) -> tuple[Samples, int]:
    publisher, _, rest = name.partition("/")
    if publisher == "asterisk" and band == "telephone":
        return _read(root / "asterisk-core-sounds-en-wav" / SOUNDS / f"{rest}.wav")
    if publisher == "asterisk":
        return _g722(root / "asterisk-core-sounds-en-g722" / SOUNDS / f"{rest}.g722"), 16000
    if publisher == "moonshine":
        samples, rate_hz = _read(root / "moonshine" / f"{rest}.wav")
        return samples[round(0.7 * rate_hz) : round(42.4 * rate_hz)], rate_hz  # not the clicks
    data = root / "pocketsphinx-testdata" / SPHINX
    if publisher == "librivox":
        return _read(data / "librivox" / f"sense_and_sensibility_01_austen_64kb-{rest}.wav")
    if publisher == "cards":
        return _read(data / "cards" / f"{rest}.wav")
    raw = data / ("tidigits" if rest.startswith("dhd") else ".") / f"{rest}.raw"
    return np.frombuffer(raw.read_bytes(), dtype="<i2").astype(np.float64) / 32768, 16000


def _read(path: Path) -> tuple[Samples, int]:
    samples, rate_hz = soundfile.read(path, dtype="float64")
    return samples, rate_hz


def _g722(path: Path) -> Samples:
    """Decoded by ffmpeg: libsndfile does not know G.722."""
    command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", str(path), "-f", "s16le", "-"]
    decoded = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(decoded, dtype="<i2").astype(np.float64) / 32768
