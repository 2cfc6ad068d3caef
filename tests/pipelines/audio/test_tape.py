import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.tape import Tape

RATE = 100


@given(st.lists(st.integers(0, 400), max_size=20), st.integers(0, 3000), st.integers(0, 300))
def test_what_is_kept_is_what_was_put_in(pieces: list[int], start: int, length: int) -> None:
    tape, whole = Tape(RATE, keep_s=3.0), np.zeros(0, np.float32)
    for piece in pieces:
        samples = np.arange(len(whole), len(whole) + piece, dtype=np.float32) / np.float32(32768)
        tape.append(samples)
        whole = np.concatenate((whole, samples))
    oldest = max(0, len(whole) - 3 * RATE)
    first = min(max(start, oldest), len(whole))

    found = tape.between(start / RATE, (start + length) / RATE)

    assert tape.end_s == len(whole) / RATE
    np.testing.assert_array_equal(found, whole[first : max(first, min(start + length, len(whole)))])


def test_the_oldest_sample_that_is_kept_is_known() -> None:
    tape = Tape(RATE, keep_s=3.0)
    tape.append(np.zeros(2 * RATE, np.float32))
    assert tape.start_s == 0.0

    tape.append(np.zeros(5 * RATE, np.float32))
    assert (tape.start_s, tape.end_s) == (4.0, 7.0)
