"""Rumble is no speech, and to take it away moves no edge of a voice."""

import numpy as np
import pytest

from bench.suite.edges import Samples, above_rumble, speech_bounds
from pipelines.audio.highpass import HighPass

RATE_HZ, BLOCK = 16_000, 160
FADE_S = 0.01


def tone(frequency_hz: float, level_db: float, begin_s: float, end_s: float) -> Samples:
    """Heard from `begin_s` to `end_s` of two seconds, no more abruptly than a voice."""
    at_s = np.arange(2 * RATE_HZ) / RATE_HZ
    heard = np.clip(np.minimum(at_s - begin_s, end_s - at_s) / FADE_S, 0.0, 1.0)
    return heard * np.sin(2 * np.pi * frequency_hz * at_s) * 10 ** (level_db / 20)


def room() -> Samples:
    return np.random.default_rng(1).standard_normal(2 * RATE_HZ) * 10 ** (-75 / 20)


@pytest.mark.parametrize("frequency_hz", [40.0, 60.0, 80.0, 100.0, 200.0, 4000.0])
def test_as_much_is_taken_away_as_before_the_ears(frequency_hz: float) -> None:
    hum = tone(frequency_hz, 0.0, 0.0, 2.0)
    high_pass = HighPass(RATE_HZ, BLOCK)
    blocks = hum.astype(np.float32).reshape(-1, BLOCK)
    before_the_ears = np.concatenate([high_pass.feed(block) for block in blocks])
    middle = slice(RATE_HZ // 2, -RATE_HZ // 2)
    ours = np.std(above_rumble(hum, RATE_HZ)[middle])
    assert ours == pytest.approx(np.std(before_the_ears[middle]), rel=0.02)


@pytest.mark.parametrize("frequency_hz", [120.0, 300.0, 4000.0])
@pytest.mark.parametrize("level_db", [-20.0, -45.0])
def test_an_edge_of_a_voice_stays_where_it_is(frequency_hz: float, level_db: float) -> None:
    voice = room() + tone(300.0, -20.0, 0.5, 1.0) + tone(frequency_hz, level_db, 1.0, 1.3)
    kept = above_rumble(voice, RATE_HZ)
    assert speech_bounds(kept, RATE_HZ) == speech_bounds(voice, RATE_HZ)
    assert speech_bounds(kept, RATE_HZ).end_s == pytest.approx(1.3, abs=0.015)


def test_rumble_after_the_last_word_is_no_speech() -> None:
    voice = room() + tone(300.0, -20.0, 0.5, 1.0)
    rumbling = voice + tone(35.0, -40.0, 0.9, 1.4)
    assert speech_bounds(rumbling, RATE_HZ).end_s == pytest.approx(1.4, abs=0.02)
    assert speech_bounds(above_rumble(rumbling, RATE_HZ), RATE_HZ) == speech_bounds(voice, RATE_HZ)


def test_a_recording_that_ends_in_rumble_does_not_begin_with_it() -> None:
    rumbling = room() + tone(50.0, -20.0, 1.5, 2.0)
    beginning = above_rumble(rumbling, RATE_HZ)[: RATE_HZ // 20]
    assert np.std(beginning) < 10 ** (-70 / 20)
