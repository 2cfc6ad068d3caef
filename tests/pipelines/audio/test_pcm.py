import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.pcm import to_float, to_int16


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
