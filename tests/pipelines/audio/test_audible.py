import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.audible import (
    AUDIBLE_DBFS,
    audible_ranges,
    audible_windows,
    first_audible,
    window_levels,
    window_powers,
)
from pipelines.audio.pcm import Pcm

RATE_HZ = 16_000


def square(dbfs: float, samples: int) -> Pcm:
    """A square wave: its RMS is its amplitude."""
    amplitude = round(32_768 * 10 ** (dbfs / 20))
    return np.where(np.arange(samples) % 16 < 8, amplitude, -amplitude).astype(np.int16)


@pytest.mark.parametrize("dbfs", [-6.0, -20.0, -44.0])
def test_the_level_of_a_square_wave_is_its_amplitude(dbfs: float) -> None:
    assert window_levels(square(dbfs, 480), RATE_HZ) == pytest.approx([dbfs] * 3, abs=0.02)


def test_a_short_last_window_is_measured_by_what_it_holds() -> None:
    levels = window_levels(square(-20.0, 200), RATE_HZ)

    assert levels == pytest.approx([-20.0, -20.0], abs=0.02)


def test_only_windows_above_the_level_are_audible() -> None:
    assert audible_ranges(square(AUDIBLE_DBFS + 1, 160), RATE_HZ).tolist() == [[0, 160]]
    assert audible_ranges(square(AUDIBLE_DBFS - 1, 160), RATE_HZ).tolist() == []


def test_the_edges_of_a_sound_are_found_within_its_windows() -> None:
    pcm = np.zeros(480, dtype=np.int16)
    pcm[103:391] = 8_000

    assert audible_ranges(pcm, RATE_HZ).tolist() == [[103, 160], [160, 320], [320, 391]]


def test_the_most_negative_sample_is_loud() -> None:
    assert audible_ranges(np.full(160, -32_768, dtype=np.int16), RATE_HZ).tolist() == [[0, 160]]


def test_nothing_is_silent() -> None:
    empty = np.empty(0, dtype=np.int16)

    assert window_levels(empty, RATE_HZ).tolist() == []
    assert audible_ranges(empty, RATE_HZ).tolist() == []
    assert audible_ranges(np.zeros(1_000, dtype=np.int16), RATE_HZ).tolist() == []


def test_sound_is_audible_from_the_first_loud_window() -> None:
    pcm = np.zeros(1600, np.int16)
    pcm[800:] = 200  # -44.3 dBFS

    assert first_audible(pcm, RATE_HZ) == 800
    assert first_audible(pcm[:800], RATE_HZ) is None
    assert first_audible(pcm[:0], RATE_HZ) is None
    assert first_audible(np.full(1600, 180, np.int16), RATE_HZ) is None  # -45.2 dBFS


def test_the_level_itself_is_audible() -> None:
    assert audible_windows(np.array([10 ** (AUDIBLE_DBFS / 10)])).tolist() == [True]


@given(st.lists(st.integers(-400, 400), max_size=700))
def test_a_sound_has_a_first_audible_window_where_it_has_an_audible_range(
    values: list[int],
) -> None:
    pcm = np.array(values, np.int16)
    ranges, first = audible_ranges(pcm, RATE_HZ), first_audible(pcm, RATE_HZ)

    assert (first is None) == (len(ranges) == 0)
    if first is not None:
        assert first <= ranges[0][0] < first + 160
    assert len(ranges) == audible_windows(window_powers(pcm, RATE_HZ)).sum()


def test_the_level_stands_in_one_module() -> None:
    folders = ("bench", "bot", "client", "pipelines", "replay")
    owners = [
        str(file)
        for folder in folders
        for file in Path(folder).rglob("*.py")
        if re.search(r"\bAUDIBLE\w* = -", file.read_text("utf-8"))
    ]

    assert owners == ["pipelines/audio/audible.py"]
