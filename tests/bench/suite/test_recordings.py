"""The committed recordings agree with their labels."""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

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

FOLDER = Path(__file__).parents[2] / "recordings"


@cache
def labels() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((FOLDER / "labels.json").read_text())["recordings"]
    return told


def labelled(label: dict[str, Any]) -> tuple[Samples, int]:
    """The sound that the labels are measured on."""
    samples, rate_hz = soundfile.read(FOLDER / label["file"], dtype="float64")
    return above_rumble(samples, rate_hz), rate_hz


every_recording = pytest.mark.parametrize("label", labels(), ids=lambda label: label["file"])


def test_there_are_enough_turns_of_enough_people_in_both_bands() -> None:
    assert sum(len(label["turns"]) for label in labels()) >= 14
    assert len({label["speaker"] for label in labels()}) >= 3
    assert sum(label["rate_hz"] == 8000 for label in labels()) >= 5
    assert sum(label["rate_hz"] == 16000 for label in labels()) >= 5


def test_every_wav_has_its_label_and_every_label_its_wav() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.wav")) == sorted(
        label["file"] for label in labels()
    )


@every_recording
def test_a_recording_is_what_its_label_says(label: dict[str, Any]) -> None:
    with soundfile.SoundFile(FOLDER / label["file"]) as wav:
        assert (wav.samplerate, wav.channels, wav.subtype) == (label["rate_hz"], 1, "PCM_16")
        assert wav.frames / wav.samplerate == pytest.approx(label["duration_s"], abs=1e-4)
    assert label["licence"] == origin(label["source"]).licence
    assert label["speaker"] == origin(label["source"]).speaker
    assert is_free_to_use(label["source"])


@every_recording
def test_speech_begins_and_ends_where_the_label_says(label: dict[str, Any]) -> None:
    samples, rate_hz = labelled(label)
    bounds = speech_bounds(samples, rate_hz)
    assert bounds.start_s == pytest.approx(label["turns"][0]["start_s"], abs=0.005)
    assert bounds.end_s == pytest.approx(label["turns"][-1]["end_s"], abs=0.005)


@every_recording
def test_the_last_10_ms_of_a_turn_are_loud_and_what_follows_is_not(label: dict[str, Any]) -> None:
    samples, rate_hz = labelled(label)
    levels = levels_db(samples, rate_hz)
    end = round(label["turns"][-1]["end_s"] * 100)
    assert levels[end - 1] > threshold_db(levels)
    assert np.median(levels[end + 2 :]) < threshold_db(levels) - 6
    assert 0.3 <= label["duration_s"] - end / 100 <= 0.55
    assert 0.3 <= label["turns"][0]["start_s"] <= 0.5


@every_recording
def test_the_words_are_the_transcript_in_order_and_inside_the_turn(label: dict[str, Any]) -> None:
    words = label["words"]
    assert " ".join(word["word"] for word in words) == label["transcript"]
    assert label["transcript"] in transcripts()[label["source"]]
    assert words[0]["start_s"] >= label["turns"][0]["start_s"]
    assert words[-1]["end_s"] == pytest.approx(label["turns"][-1]["end_s"], abs=0.02)
    for word, following in pairwise(words):
        assert word["start_s"] < word["end_s"] <= following["start_s"]


@every_recording
def test_pauses_are_the_silences_between_words_and_of_the_kind_the_text_gives(
    label: dict[str, Any],
) -> None:
    samples, rate_hz = labelled(label)
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
