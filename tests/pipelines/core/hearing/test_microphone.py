import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.core.hearing.echo import BLOCK
from pipelines.core.hearing.microphone import Microphone

RATE = 16_000
FRAME = 320


def noise(seconds: float, seed: int) -> NDArray[np.float32]:
    draw = np.random.default_rng(seed)
    return (0.1 * draw.standard_normal(round(seconds * RATE))).astype(np.float32)


def power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(samples)))


def test_while_the_bot_is_silent_sound_passes_at_once_and_unchanged() -> None:
    microphone, heard = Microphone(RATE), noise(0.5, 1)

    for start in range(0, len(heard), FRAME):
        frame = heard[start : start + FRAME]
        sound = microphone.hear(frame)
        np.testing.assert_array_equal(sound.voice, frame)
        np.testing.assert_array_equal(sound.words, frame)


def test_nothing_is_lost_when_the_bot_begins_and_ends() -> None:
    microphone, person = Microphone(RATE), noise(3.0, 1)
    words: list[NDArray[np.float32]] = []
    for index, start in enumerate(range(0, len(person), FRAME)):
        if index == 25:
            microphone.played(noise(0.5, 2), ahead=0)
        words.append(microphone.hear(person[start : start + FRAME]).words)

    assert sum(len(piece) for piece in words) == len(person)


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_while_the_bot_speaks_what_is_heard_ends_where_a_block_does(frames: int) -> None:
    microphone, heard = Microphone(RATE), 0
    for _ in range(frames):
        heard += len(microphone.hear(noise(0.02, 1)).words)
    microphone.played(noise(1.0, 2), ahead=0)

    heard += sum(len(microphone.hear(noise(0.02, 3)).words) for _ in range(2))
    for _ in range(20):
        heard += len(microphone.hear(noise(0.02, 3)).words)
        assert heard % BLOCK == 0


def test_the_bots_voice_comes_back_as_next_to_nothing() -> None:
    microphone, bot = Microphone(RATE), noise(3.0, 3)
    echo = 0.1 * np.concatenate((np.zeros(1600, np.float32), bot))
    left: list[NDArray[np.float32]] = []
    for start in range(0, len(bot), FRAME):
        microphone.played(bot[start : start + FRAME], ahead=0)
        left.append(microphone.hear(echo[start : start + FRAME]).voice)

    assert power(np.concatenate(left)[RATE:]) < 0.01 * power(echo[RATE:])


def test_when_the_bot_begins_nothing_of_what_was_heard_before_comes_back() -> None:
    microphone = Microphone(RATE)
    microphone.played(noise(0.1, 6), ahead=0)
    for start in range(0, RATE, FRAME):
        microphone.hear(noise(0.02, start) if start < RATE // 2 else np.zeros(FRAME, np.float32))
    microphone.played(noise(0.5, 7), ahead=0)

    late = [microphone.hear(np.zeros(FRAME, np.float32)).voice for _ in range(20)]

    assert power(np.concatenate(late)) < 1e-8


def test_what_was_flushed_is_not_waited_for() -> None:
    microphone = Microphone(RATE)
    microphone.played(noise(5.0, 4), ahead=0)
    microphone.flushed(ahead=0)
    for _ in range(25):
        microphone.hear(np.zeros(FRAME, np.float32))

    assert len(microphone.hear(noise(0.02, 5)).voice) >= FRAME
