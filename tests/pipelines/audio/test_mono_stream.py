import numpy as np
import pytest

from pipelines.audio.mono_stream import MonoStream


def tone(seconds: float, rate_hz: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * 300 * at)).astype("<i2")


@pytest.mark.parametrize(("rate_hz", "channels"), [(24_000, 1), (48_000, 2), (16_000, 1)])
def test_any_rate_and_number_of_channels_becomes_mono_at_one_rate(
    rate_hz: int, channels: int
) -> None:
    stream = MonoStream(24_000)
    sound = np.repeat(tone(1.0, rate_hz), channels).tobytes()
    size = 2 * channels * rate_hz // 50
    pieces = [sound[at : at + size] for at in range(0, len(sound), size)]

    out = [stream.feed(piece, rate_hz, channels) for piece in pieces]
    whole = np.concatenate([*out, stream.flush()])

    assert len(whole) == pytest.approx(24_000, abs=2)
    middle = slice(2400, -2400)
    assert np.abs(whole[middle] - tone(1.0, 24_000)[: len(whole)][middle].astype(float)).max() < 100


def test_half_a_sample_is_dropped() -> None:
    assert len(MonoStream(24_000).feed(bytes(961), 24_000, 1)) == 480
