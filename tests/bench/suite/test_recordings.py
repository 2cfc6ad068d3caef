"""The committed recordings agree with their labels."""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import soundfile

from bench.suite.edges import (
    Samples,
    above_rumble,
    levels_db,
    silences,
    speech_bounds,
    threshold_db,
)
from bench.suite.pauses import kind_of_pause
from bench.suite.sources import is_free_to_use, origin, transcripts

Label: TypeAlias = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "recordings"


@cache
def labels() -> list[Label]:
    told: list[Label] = json.loads((FOLDER / "labels.json").read_text())["recordings"]
    return told


def labelled(label: Label) -> tuple[Samples, int]:
    """The sound that the labels are measured on."""
    samples, rate_hz = soundfile.read(FOLDER / label["file"], dtype="float64")
    return above_rumble(samples, rate_hz), rate_hz


def test_there_are_enough_turns_of_enough_people_in_both_bands() -> None:
    assert sum(len(label["turns"]) for label in labels()) >= 14
    assert len({label["speaker"] for label in labels()}) >= 3
    assert sum(label["rate_hz"] == 8000 for label in labels()) >= 5
    assert sum(label["rate_hz"] == 16000 for label in labels()) >= 5


def test_every_wav_has_its_label_and_every_label_its_wav() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.wav")) == sorted(
        label["file"] for label in labels()
    )


def test_each_recording_is_what_its_label_says(subtests: pytest.Subtests) -> None:
    for label in labels():
        with subtests.test(label["file"]):
            samples, rate_hz = labelled(label)
            check_file(label)
            check_bounds(label, samples, rate_hz)
            check_words(label)
            check_pauses(label, samples, rate_hz)


def check_file(label: Label) -> None:
    with soundfile.SoundFile(FOLDER / label["file"]) as wav:
        assert (wav.samplerate, wav.channels, wav.subtype) == (label["rate_hz"], 1, "PCM_16")
        assert wav.frames / wav.samplerate == pytest.approx(label["duration_s"], abs=1e-4)
    assert label["licence"] == origin(label["source"]).licence
    assert label["speaker"] == origin(label["source"]).speaker
    assert is_free_to_use(label["source"])


def check_bounds(label: Label, samples: Samples, rate_hz: int) -> None:
    """Speech begins and ends where the label says; what follows its last 10 ms is not loud."""
    bounds = speech_bounds(samples, rate_hz)
    assert bounds.start_s == pytest.approx(label["turns"][0]["start_s"], abs=0.005)
    assert bounds.end_s == pytest.approx(label["turns"][-1]["end_s"], abs=0.005)
    levels = levels_db(samples, rate_hz)
    end = round(label["turns"][-1]["end_s"] * 100)
    assert levels[end - 1] > threshold_db(levels)
    assert np.median(levels[end + 2 :]) < threshold_db(levels) - 6
    assert 0.3 <= label["duration_s"] - end / 100 <= 0.55
    assert 0.3 <= label["turns"][0]["start_s"] <= 0.5


def check_words(label: Label) -> None:
    """They are the transcript, in order and inside the turn."""
    words = label["words"]
    assert " ".join(word["word"] for word in words) == label["transcript"]
    assert label["transcript"] in transcripts()[label["source"]]
    assert words[0]["start_s"] >= label["turns"][0]["start_s"]
    assert words[-1]["end_s"] == pytest.approx(label["turns"][-1]["end_s"], abs=0.02)
    for word, following in pairwise(words):
        assert word["start_s"] < word["end_s"] <= following["start_s"]


def check_pauses(label: Label, samples: Samples, rate_hz: int) -> None:
    """They are the silences between words, and of the kind that the text gives."""
    quiet = [round(gap.start_s, 2) for gap in silences(samples, rate_hz, 0.2)]
    for pause in label["pauses"]:
        assert pause["start_s"] in quiet
        assert pause["duration_s"] >= 0.2
        before, after = (label["words"][pause["after"] + step]["word"] for step in (0, 1))
        assert pause["kind"] == kind_of_pause(before, after)
    closings = [word["word"] for word in label["words"][:-1] if re.search(r"[.?!]$", word["word"])]
    sentence_pauses = [pause for pause in label["pauses"] if pause["kind"] == "sentence"]
    assert len(sentence_pauses) == len(closings)


def test_the_page_of_sources_names_every_licence_and_speaker() -> None:
    page = (FOLDER / "SOURCES.md").read_text()
    for name in ("CC BY-SA 3.0", "Allison Smith", "public domain", "BSD-2-Clause", "CC0 1.0"):
        assert name in page
