"""The figures of `bench stt`, and how it tells them; a run in real time is for the soak."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jiwer
import numpy as np
import pytest
from typer.testing import CliRunner

from bench.levels import draw
from bench.stt_calls import MISSED_S, ConcurrencyLevel, TranscribedRecording
from bench.stt_corpus import (
    SttWordErrors,
    bucket,
    by_telephone,
    recordings,
    word_errors,
)
from bench.stt_measure import rss_mb, wanted
from bench.stt_table import cell
from bot.__main__ import command_line
from bot.settings import Settings, SettingsError
from pipelines.services.protocols import EAR_RATE_HZ

PAIRS = [
    ("what time is it", "what time is it"),
    ("What time is it?", "what, time is it"),
    ("what time is it", ""),
    ("one two three four", "one too three for five"),
    ("a b c d", "b c d a"),
    ("no", "no no no"),
]


@pytest.mark.parametrize(("said", "heard"), PAIRS)
def test_word_errors_are_those_of_jiwer(said: str, heard: str) -> None:
    plain = [text.lower().replace("?", "").replace(",", "") for text in (said, heard)]
    theirs = jiwer.process_words(plain[0], plain[1])
    wrong = theirs.substitutions + theirs.deletions + theirs.insertions
    assert word_errors(said, heard) == SttWordErrors(wrong, len(said.split()))


def test_the_recordings_hold_speech_of_every_length_in_both_bands() -> None:
    found = recordings()
    assert {item.band for item in found} == {"wide", "telephone"}
    assert {bucket(item.length_s) for item in found} == {"under 3 s", "3 to 5 s", "over 5 s"}
    for item in found:
        assert item.length_s * EAR_RATE_HZ < len(item.speech) < len(item.pcm)


def test_by_telephone_the_speech_is_there_and_the_highs_are_gone() -> None:
    item = next(item for item in recordings() if item.band == "wide")
    narrow = by_telephone(item.pcm)
    length = min(len(narrow), len(item.pcm))
    spectra = [np.abs(np.fft.rfft(pcm[:length].astype(float))) for pcm in (item.pcm, narrow)]
    hz = np.fft.rfftfreq(length, 1 / EAR_RATE_HZ)
    low, high = (hz > 300) & (hz < 3400), hz > 4500
    energy = [[float(np.sum(s[band] ** 2)) for band in (low, high)] for s in spectra]
    assert energy[1][0] == pytest.approx(energy[0][0], rel=0.05)
    assert energy[1][1] < energy[0][1] / 20


def heard(final_s: float | None, length_s: float = 2.0) -> TranscribedRecording:
    return TranscribedRecording("e", 2, "r", length_s, final_s, "", SttWordErrors(1, 4))


def test_a_final_that_never_came_counts_with_all_the_time_there_was() -> None:
    level = ConcurrencyLevel([heard(0.1), heard(0.2), heard(None, 6.0)], [0.001] * 99 + [0.5])
    one = cell("e", 2, level)
    assert (one.p50_s, one.p95_s) == (0.2, MISSED_S)
    assert (one.missed, one.heard) == (1, 3)
    assert one.by_length_s == {"under 3 s": 0.1, "over 5 s": MISSED_S}
    assert one.errors == SttWordErrors(3, 12)
    assert one.lag_p99_s == 0.001


def test_the_picture_has_a_line_for_each_engine() -> None:
    cells = [
        cell(name, calls, ConcurrencyLevel([heard(0.1 * calls)], [0.0]))
        for name in ("this & that", "other")
        for calls in (1, 2, 4)
    ]
    picture = ET.fromstring(draw(cells, "Ears"))
    lines = [one for one in picture.iter() if one.attrib.get("id", "").startswith("engine-")]
    marks = [len(list(line.iter("{http://www.w3.org/2000/svg}use"))) for line in lines]
    assert marks == [3, 3]
    assert "this & that" in "".join(picture.itertext())


def test_every_engine_that_is_here_is_measured_or_the_one_that_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"models_dir": tmp_path})
    assert [one.stt_engine for one in wanted(settings, (), None)] == ["moonshine"]
    (one,) = wanted(settings, ["faster-whisper"], "tiny.en")
    assert (one.stt_engine, one.stt_model) == ("faster-whisper", "tiny.en")
    with pytest.raises(SettingsError, match="STT_ENGINE should be 'auto'"):
        wanted(settings, ["parrot"], None)
    assert rss_mb() > 10


@pytest.mark.soak
def test_a_run_beside_stock_pipecat_is_told_and_written_down(tmp_path: Path) -> None:
    file, picture = tmp_path / "stt.json", tmp_path / "stt.svg"
    words = ["bench", "stt", "--engine", "moonshine", "--calls", "2", "--limit", "2",
             "--peer", "stock", "--json", str(file), "--picture", str(picture)]  # fmt: skip
    done = CliRunner().invoke(command_line(words), words)
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text())
    assert [one["engine"] for one in found["calls"]] == [
        "moonshine-tiny-en",
        "stock Pipecat, Moonshine",
    ]
    assert [one["heard"] for one in found["calls"]] == [4, 4]
    assert all(one["missed"] == 0 for one in found["calls"])
    assert found["alone"][0]["wide"]["wrong"] < found["alone"][0]["wide"]["said"] / 10
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")
