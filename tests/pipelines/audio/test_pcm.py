import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.pcm import audible_from, to_float, to_int16


@given(st.lists(st.integers(-32768, 32767)))
def test_there_and_back_changes_nothing(values: list[int]) -> None:
    pcm = np.array(values, np.int16)

    assert np.array_equal(to_int16(to_float(pcm)), pcm)


def test_what_is_too_loud_is_clipped() -> None:
    assert to_int16(np.array([1.0, 2.5, -1.0, -7.0], np.float32)).tolist() == [
        32767,
        32767,
        -32768,
        -32768,
    ]


def test_sound_is_audible_from_the_first_loud_window() -> None:
    pcm = np.zeros(1600, np.int16)
    pcm[800:] = 200  # -44.3 dBFS

    assert audible_from(pcm, 16_000) == 800
    assert audible_from(pcm[:800], 16_000) is None
    assert audible_from(pcm[:0], 16_000) is None
    assert audible_from(np.full(1600, 180, np.int16), 16_000) is None  # -45.2 dBFS


def test_part_of_a_window_is_not_judged() -> None:
    assert audible_from(np.full(159, 20_000, np.int16), 16_000) is None
