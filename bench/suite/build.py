"""Make the suite anew: `python -m bench.suite.build SOURCES` writes bench/suite/turns.

SOURCES holds the unpacked packages (see `sources`). The machine needs ffmpeg, espeak-ng and the
extra `suite`. The same sources give the same suite.
"""

import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.suite.compose import Composed, Piece, compose
from bench.suite.counts import counts
from bench.suite.edges import Samples, above_rumble, speech_bounds
from bench.suite.halves import halves
from bench.suite.load import FOLDER, pcm
from bench.suite.noise import RATE_HZ, babble, pink
from bench.suite.plan import Planned, piece, planned, sources_of
from bench.suite.room import padded
from bench.suite.sources import load, origin, transcripts

HERE = Path(__file__).parent
NOISY = 5  # every fifth turn is there once more, with noise
NOISES = (("pink.flac", 20), ("babble.flac", 20), ("pink.flac", 10), ("babble.flac", 10))
NOISE_S = 16.0
TALKERS = 8


def main(root: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.flac"):
        old.unlink()
    _write("pink.flac", pink(NOISE_S, seed=1), RATE_HZ)
    voices = [load(name, "wide", root)[0] for name in transcripts() if _is_voice(name)]
    _write("babble.flac", babble(voices, NOISE_S, TALKERS, seed=2), RATE_HZ)
    turns = [_turn(plan, root) for plan in planned(root)]
    noisy = [
        told
        | {
            "id": f"{told['id']}-{file.removesuffix('.flac')}-{snr_db}",
            "noise": {"file": file, "snr_db": snr_db},
        }
        for half in ("held", "fit")
        for number, told in enumerate(t for t in turns if t["half"] == half)
        if number % NOISY == 2
        for file, snr_db in [NOISES[number // NOISY % len(NOISES)]]
    ]
    told = {"halves": halves(), "turns": turns + noisy, "overlaps": list(_overlaps(root))}
    (FOLDER / "suite.json").write_text(_lines(told))
    (FOLDER / "COUNTS.md").write_text(counts(told))


def _is_voice(name: str) -> bool:
    return halves()[name] == "fit" and len(transcripts()[name].split()) >= 6


def _turn(plan: Planned, root: Path) -> dict[str, Any]:
    made = compose(plan.pieces, plan.band, root, zlib.crc32(plan.name.encode()))
    file = f"{plan.name}.flac"
    _write(file, made.pcm / 32768, made.rate_hz)
    labels = made.labels
    return {
        "id": plan.name,
        "file": file,
        "rate_hz": made.rate_hz,
        "band": plan.band,
        "half": plan.half,
        "what": plan.what,
        **_credits(plan.pieces),
        "transcript": " ".join(word.text for word in labels.words),
        "duration_s": round(len(made.pcm) / made.rate_hz, 4),
        "start_s": labels.bounds.start_s,
        "end_s": labels.bounds.end_s,
        "words": [[word.text, word.start_s, word.end_s] for word in labels.words],
        "pauses": [
            {
                "start_s": pause.start_s,
                "duration_s": pause.duration_s,
                "kind": pause.kind,
                "after": pause.after,
                "origin": pause.origin,
                "place": _place(made, pause.after),
            }
            for pause in labels.pauses
        ],
        "noise": None,
    }


def _place(made: Composed, after: int) -> str:
    return " ".join(f"{name}:{word}" for name, word in made.taken_from[after : after + 2])


def _credits(pieces: tuple[Piece, ...]) -> dict[str, Any]:
    names = sources_of(pieces)
    return {
        "speaker": origin(names[0]).speaker,
        "sources": names,
        "licences": sorted({origin(name).licence for name in names}),
    }


def _overlaps(root: Path) -> Iterator[dict[str, Any]]:
    for line in (HERE / "overlaps.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, what, said = line.split(" ", 2)
            yield (
                _espoken(name, what, said[7:])
                if said.startswith("espeak ")
                else _overlap(name, what, said, root)
            )
    yield _overlap_label(
        "cough-synthetic", "noise", _cough(), {"speaker": "none", "sources": [], "licences": []}
    )
    monkeys, _ = load("asterisk/tt-monkeys", "wide", root)
    credit = {
        "speaker": "none",
        "sources": ["asterisk/tt-monkeys"],
        "licences": [origin("asterisk/tt-monkeys").licence],
    }
    piece_of_it = padded(monkeys[: 2 * RATE_HZ], RATE_HZ, 0.1, 5)
    yield _overlap_label("monkeys", "noise", piece_of_it, credit)


def _overlap(name: str, what: str, said: str, root: Path) -> dict[str, Any]:
    pieces = tuple(piece(part) for part in said.split("+"))
    made = compose(pieces, "wide", root, zlib.crc32(name.encode()))
    text = " ".join(word.text for word in made.labels.words)
    found = halves()
    return _overlap_label(
        name,
        what,
        made.pcm / 32768,
        _credits(pieces) | {"halves": sorted({found[part.source] for part in pieces})},
        text,
    )


def _espoken(name: str, what: str, said: str) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", "-v", "en-us", "-w", file.name, said], check=True)
        samples, rate_hz = soundfile.read(file.name, dtype="float64")
    spoken = pcm(samples, rate_hz, RATE_HZ) / 32768
    quiet = np.zeros(round(0.42 * RATE_HZ))
    credit: dict[str, Any] = {"speaker": "espeak-ng", "sources": [], "licences": []}
    return _overlap_label(name, what, np.concatenate((quiet, spoken, quiet)), credit, said)


def _cough() -> Samples:
    """Two bursts of noise of some 500 to 3,000 Hz, as a cough has them: 120 and 200 ms."""
    random = np.random.default_rng(3)
    sound = np.zeros(round(1.4 * RATE_HZ))
    for at_s, length_s, level in ((0.42, 0.12, 0.4), (0.62, 0.2, 0.25)):
        size = round(length_s * RATE_HZ)
        hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
        shape = np.exp(-((np.log2(np.maximum(hz, 1) / 1200) / 1.3) ** 2))
        burst = np.fft.irfft(np.fft.rfft(random.standard_normal(size)) * shape, n=size)
        fall = np.exp(-np.arange(size) / (0.3 * size)) * level
        first = round(at_s * RATE_HZ)
        sound[first : first + size] += burst / np.max(np.abs(burst)) * fall
    return sound


def _overlap_label(
    name: str, what: str, samples: Samples, credit: dict[str, Any], said: str = ""
) -> dict[str, Any]:
    file = f"over-{name}.flac"
    _write(file, samples, RATE_HZ)
    bounds = speech_bounds(above_rumble(samples, RATE_HZ), RATE_HZ)
    return {
        "id": name,
        "file": file,
        "rate_hz": RATE_HZ,
        "what": what,
        "synthetic": not credit["sources"],
        "transcript": said,
        "start_s": round(bounds.start_s, 2),
        "end_s": round(bounds.end_s, 2),
        **credit,
    }


def _write(file: str, samples: Samples, rate_hz: int) -> None:
    soundfile.write(FOLDER / file, pcm(samples, rate_hz, rate_hz), rate_hz, subtype="PCM_16")


def _lines(told: dict[str, Any]) -> str:
    """One turn a line: a change shows as the turns it touches."""
    parts = []
    for key, value in told.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row) for row in value)
            parts.append(f'"{key}": [\n{rows}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, indent=1)}')
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
