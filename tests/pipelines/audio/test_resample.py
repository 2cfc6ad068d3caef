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


@pytest.mark.parametrize(
    ("from_hz", "to_hz"),
    [(8_000, 16_000), (8_000, 24_000), (16_000, 8_000), (24_000, 8_000), (48_000, 16_000)],
)
def test_between_multiples_a_sample_is_out_within_a_frame(from_hz: int, to_hz: int) -> None:
    """3 ms of the lower rate are what it looks ahead; soxr would be 40 to 110 ms behind."""
    resampler = Resampler(from_hz, to_hz)
    fed = got = 0
    for _ in range(50):
        fed += from_hz // 50
        got += len(resampler.feed(tone(from_hz // 50, from_hz)))
        assert fed / from_hz - got / to_hz == pytest.approx(24 / min(from_hz, to_hz), abs=1e-3)


@pytest.mark.parametrize("piece", [1, 7, 160, 1000])
@pytest.mark.parametrize(("from_hz", "to_hz"), [(8_000, 16_000), (24_000, 8_000)])
def test_the_pieces_make_no_difference(from_hz: int, to_hz: int, piece: int) -> None:
    pcm = np.random.default_rng(0).integers(-9000, 9000, 3001).astype(np.int16)
    one, other = Resampler(from_hz, to_hz), Resampler(from_hz, to_hz)
    whole = np.concatenate([one.feed(pcm), one.flush()])
    pieces = [other.feed(pcm[at : at + piece]) for at in range(0, len(pcm), piece)]

    assert np.abs(np.concatenate([*pieces, other.flush()]).astype(int) - whole).max() <= 1
    assert len(whole) == -(-len(pcm) * to_hz // from_hz)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "hz", "least_db", "most_db"),
    [
        (8_000, 16_000, 300, -0.1, 0.1),
        (8_000, 16_000, 3_400, -0.5, 0.1),  # the telephone's own edge
        (24_000, 8_000, 3_400, -0.5, 0.1),
        (24_000, 8_000, 4_500, -200, -60),  # what would be heard as 3.5 kHz
        (48_000, 16_000, 9_000, -200, -60),
    ],
)
def test_the_band_passes_and_what_is_beyond_does_not(
    from_hz: int, to_hz: int, hz: int, least_db: float, most_db: float
) -> None:
    pcm = (16_000 * np.sin(2 * np.pi * hz * np.arange(from_hz) / from_hz)).astype(np.int16)
    out = Resampler(from_hz, to_hz).feed(pcm)[to_hz // 10 :].astype(float)
    level_db = 20 * np.log10(max(1e-3, np.sqrt(np.mean(out**2))) / (16_000 / np.sqrt(2)))

    assert least_db <= level_db <= most_db


def test_an_image_of_the_voice_does_not_get_into_the_ears() -> None:
    pcm = (16_000 * np.sin(2 * np.pi * 3_000 * np.arange(8_000) / 8_000)).astype(np.int16)
    out = Resampler(8_000, 16_000).feed(pcm)[1_000:9_000].astype(float)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))

    assert 20 * np.log10(spectrum[2_400:].max() / spectrum.max()) < -60  # above 4.8 kHz


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000])
@pytest.mark.parametrize(("hz", "gain_db"), [(300, 0.0), (3_000, 0.0), (3_400, 0.0)])
def test_for_a_telephone_the_band_of_speech_is_kept(from_hz: int, hz: int, gain_db: float) -> None:
    assert through_8_khz(from_hz, hz) == pytest.approx(gain_db, abs=0.5)


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000])
@pytest.mark.parametrize("hz", [4_500, 5_000, 7_000])
def test_for_a_telephone_what_is_above_it_is_gone_and_not_folded_down(
    from_hz: int, hz: int
) -> None:
    assert through_8_khz(from_hz, hz) < -70


def through_8_khz(from_hz: int, hz: int) -> float:
    """The change of a tone's level, in dB, at 20 ms a piece."""
    at = np.arange(from_hz) / from_hz
    pcm = (16_000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)
    resampler = Resampler(from_hz, 8_000)
    out = np.concatenate([*map(resampler.feed, np.array_split(pcm, 50)), resampler.flush()])
    middle = out[800:-800].astype(float)
    return float(20 * np.log10(max(np.sqrt(np.mean(middle**2)), 1e-3) / (16_000 / np.sqrt(2))))
