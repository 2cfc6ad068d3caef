"""A sound under every voice goes; a voice stays as it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.audio.highpass import CUT_OFF_HZ, HighPass

RATE_HZ, BLOCK = 16_000, 160


def passed(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    high_pass = HighPass(RATE_HZ, BLOCK)
    blocks = samples.astype(np.float32).reshape(-1, BLOCK)
    return np.concatenate([high_pass.feed(block) for block in blocks])


def gain_db(frequency_hz: float) -> float:
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(RATE_HZ) / RATE_HZ)
    settled = slice(RATE_HZ // 2, None)
    return 10 * float(np.log10(np.mean(passed(tone)[settled] ** 2) / np.mean(tone[settled] ** 2)))


@pytest.mark.parametrize(
    ("frequency_hz", "expected_db"),
    [(CUT_OFF_HZ, -3.01), (50.0, -16.4), (40.0, -24.1), (7000.0, 0)],
)
def test_it_falls_as_butterworths_does(frequency_hz: float, expected_db: float) -> None:
    assert gain_db(frequency_hz) == pytest.approx(expected_db, abs=0.1)


def test_a_voice_loses_nothing() -> None:
    assert gain_db(160.0) > -0.25


def test_an_offset_is_gone() -> None:
    assert abs(passed(np.full(RATE_HZ, 0.1))[-BLOCK:]).max() < 1e-6


def test_blocks_are_one_stream() -> None:
    noise = np.random.default_rng(1).standard_normal(10 * BLOCK).astype(np.float32)
    whole = HighPass(RATE_HZ, 10 * BLOCK).feed(noise)
    assert passed(noise) == pytest.approx(whole, abs=1e-6)
