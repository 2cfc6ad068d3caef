import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.audio.loudness import CEILING, MOST_DB, SPEECH_DBFS, Loudness, amplified
from pipelines.audio.pcm import to_float, to_int16

RATE_HZ = 16_000


def tone(level: float, seconds: float = 1.0) -> NDArray[np.int16]:
    at = np.arange(round(RATE_HZ * seconds))
    return to_int16((level * np.sin(2 * np.pi * 200 * at / RATE_HZ)).astype(np.float32))


def dbfs(pcm: NDArray[np.int16]) -> float:
    return float(10 * np.log10(np.mean(np.square(to_float(pcm)))))


@pytest.mark.parametrize("level", [0.02, 0.1, 0.5, 0.9])
def test_a_voice_comes_out_at_the_level_of_all_others(level: float) -> None:
    loudness = Loudness(RATE_HZ)
    loudness.measure(tone(level))

    assert dbfs(amplified(tone(level), loudness.gain)) == pytest.approx(SPEECH_DBFS, abs=0.1)


def test_silence_counts_for_nothing() -> None:
    loudness = Loudness(RATE_HZ)
    loudness.measure(np.zeros(RATE_HZ, np.int16))
    assert loudness.gain == 1.0
    loudness.measure(np.concatenate([tone(0.1), np.zeros(5 * RATE_HZ, np.int16)]))

    assert dbfs(amplified(tone(0.1), loudness.gain)) == pytest.approx(SPEECH_DBFS, abs=0.1)


def test_one_loud_word_does_not_turn_down_a_voice_that_has_long_been_heard() -> None:
    loudness = Loudness(RATE_HZ)
    loudness.measure(tone(0.1, 20.0))
    before = loudness.gain
    loudness.measure(tone(0.2, 0.3))

    assert before * 0.8 < loudness.gain < before


def test_a_whisper_is_not_turned_into_noise() -> None:
    loudness = Loudness(RATE_HZ)
    loudness.measure(tone(0.009))

    assert 20 * np.log10(loudness.gain) == pytest.approx(MOST_DB)


def test_peaks_are_bent_and_nothing_wraps_or_clips() -> None:
    loud = to_float(amplified(tone(0.5), 4.0))

    assert np.abs(loud).max() <= 1.0
    assert np.abs(np.diff(loud)).max() < 0.5
    assert (np.abs(loud) > CEILING).any()


def test_a_gain_of_one_changes_nothing() -> None:
    pcm = tone(0.9)
    assert amplified(pcm, 1.0) is pcm
