"""Write tests/recordings: single turns of real speech, each with its own room around it.

`python -m bench.suite.recordings SOURCES` where SOURCES holds the unpacked packages (`sources`).
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.suite.edges import ABOVE_FLOOR_DB, BELOW_SPEECH_DB, WINDOW_S, Samples, above_rumble
from bench.suite.measure import measure
from bench.suite.room import padded
from bench.suite.sources import load, origin, transcripts
from pipelines.audio.highpass import CUT_OFF_HZ

FOLDER = Path(__file__).parents[2] / "tests" / "recordings"
AROUND_S = 0.400

# file name: source, band, and for an excerpt the first word and the one after the last.
CHOSEN: dict[str, tuple[str, str, int, int | None]] = {
    "phone_which_folder": ("asterisk/vm-savefolder", "telephone", 0, None),
    "phone_not_at_their_desk": ("asterisk/followme/status", "telephone", 0, None),
    "phone_did_not_understand": ("asterisk/vm-sorry", "telephone", 0, None),
    "phone_not_in_service": ("asterisk/ss-noservice", "telephone", 0, None),
    "phone_number_to_call": ("asterisk/vm-enter-num-to-call", "telephone", 0, None),
    "phone_check_the_number": ("asterisk/check-number-dial-again", "telephone", 0, None),
    "phone_temporary_greeting": ("asterisk/vm-tmpexists", "telephone", 0, None),
    "phone_weasels": ("asterisk/tt-weasels", "telephone", 0, None),
    "phone_outgoing_call": ("asterisk/vm-tomakecall", "telephone", 0, None),
    "wide_first_in_line": ("asterisk/queue-youarenext", "wide", 0, None),
    "wide_stay_on_the_line": ("asterisk/queue-periodic-announce", "wide", 0, None),
    "wide_no_matches": ("asterisk/demo-nomatch", "wide", 0, None),
    "austen_leisure": ("librivox/0870", "wide", 0, None),
    "austen_not_ill_disposed": ("librivox/0880", "wide", 0, None),
    "austen_cold_hearted": ("librivox/0890", "wide", 0, None),
    "austen_more_amiable": ("librivox/0920", "wide", 0, None),
    "command_go_forward": ("sphinx/goforward", "wide", 0, None),
    "command_do_something": ("sphinx/something", "wide", 0, None),
    "digits_two_nine": ("sphinx/dhd.2934z", "wide", 0, None),
    "cards_three": ("cards/005", "wide", 0, None),
    "cities_best_of_times": ("moonshine/two_cities", "wide", 0, 12),
    "cities_in_short": ("moonshine/two_cities", "wide", 85, 96),
}


def excerpt(source: str, band: str, root: Path, words: tuple[int, int | None]) -> Any:
    """Samples at 8 or 16 kHz with room around them, rate, and what is said in them."""
    samples, rate_hz = load(source, band, root)
    said = transcripts()[source].split()
    first, after = words[0], words[1] or len(said)
    if (first, after) != (0, len(said)):
        samples = _cut(samples, rate_hz, transcripts()[source], first, after)
    seed = zlib.crc32(f"{source} {words}".encode())
    return padded(samples, rate_hz, AROUND_S, seed), rate_hz, " ".join(said[first:after])


def _cut(samples: Samples, rate_hz: int, transcript: str, first: int, after: int) -> Samples:
    """From the middle of the silence before word `first` to that before word `after`."""
    words = measure(samples, rate_hz, transcript).words
    start = (
        0 if first == 0 else round((words[first - 1].end_s + words[first].start_s) / 2 * rate_hz)
    )
    if after == len(words):
        return samples[start:]
    return samples[start : round((words[after - 1].end_s + words[after].start_s) / 2 * rate_hz)]


def main(root: Path) -> None:
    labels = []
    for name, (source, band, first, after) in CHOSEN.items():
        samples, rate_hz, transcript = excerpt(source, band, root, (first, after))
        pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")
        soundfile.write(FOLDER / f"{name}.wav", pcm, rate_hz, subtype="PCM_16")
        found = measure(above_rumble(pcm / 32768, rate_hz), rate_hz, transcript)
        told = found.as_json()
        labels.append(
            {
                "file": f"{name}.wav",
                "speaker": origin(source).speaker,
                "rate_hz": rate_hz,
                "band": band,
                "source": source,
                "licence": origin(source).licence,
                "transcript": transcript,
                "duration_s": round(len(pcm) / rate_hz, 4),
                "turns": [
                    {
                        "start_s": told["start_s"],
                        "end_s": told["end_s"],
                        "transcript": transcript,
                    }
                ],
                "words": told["words"],
                "pauses": told["pauses"],
            }
        )
    method = {
        "above_hz": CUT_OFF_HZ,
        "window_s": WINDOW_S,
        "below_speech_db": BELOW_SPEECH_DB,
        "above_floor_db": ABOVE_FLOOR_DB,
        "says": "bench/suite/edges.py",
    }
    text = json.dumps({"method": method, "recordings": labels}, indent=1)
    (FOLDER / "labels.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
