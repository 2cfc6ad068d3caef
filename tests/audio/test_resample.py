import numpy as np
import pytest

from pipelines.audio.resample import Resampler


def tone(length: int, rate_hz: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    at = np.arange(length) / rate_hz
    return (8000 * np.sin(2 * np.pi * 300 * at)).astype(np.int16)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(8_000, 16_000), (22_050, 24_000), (24_000, 8_000), (48_000, 16_000)]
)
def test_a_stream_in_pieces_is_the_stream_at_another_rate(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    pcm = tone(from_hz, from_hz)

    out = [resampler.feed(piece) for piece in np.array_split(pcm, 50)]
    whole = np.concatenate([*out, resampler.flush()])

    assert len(whole) == pytest.approx(to_hz, abs=2)
    expected = tone(len(whole), to_hz).astype(float)
    middle = slice(to_hz // 10, -to_hz // 10)
    assert np.abs(whole[middle] - expected[middle]).max() < 100


def test_equal_rates_pass_through() -> None:
    resampler = Resampler(16_000, 16_000)
    pcm = tone(320, 16_000)

    assert np.array_equal(resampler.feed(pcm), pcm)
    assert len(resampler.flush()) == 0


def test_nothing_in_is_nothing_out() -> None:
    resampler = Resampler(8_000, 16_000)

    assert len(resampler.feed(np.zeros(0, np.int16))) == 0
    assert len(resampler.flush()) == 0
