import numpy as np
import pytest

from client.caller.microphone import FRAME_SAMPLES, CallerMicrophone
from pipelines.audio.audible import window_levels
from pipelines.audio.pcm import Pcm


def ramp(samples: int) -> Pcm:
    return np.arange(1, samples + 1, dtype=np.int16)


def take_on_time(microphone: CallerMicrophone, frames: int) -> None:
    for _ in range(frames):
        microphone.take(microphone.deadline)


def test_deadlines_do_not_drift_when_a_frame_is_late() -> None:
    microphone = CallerMicrophone(100.0)
    deadlines = []
    for lateness in (0.0, 0.015, 0.0):
        deadlines.append(microphone.deadline)
        microphone.take(microphone.deadline + lateness)

    assert deadlines == pytest.approx([100.02, 100.04, 100.06])
    assert microphone.late_s == pytest.approx(0.015)


def test_a_recording_begins_with_the_next_frame_and_ends_in_silence() -> None:
    microphone = CallerMicrophone(0.0)
    take_on_time(microphone, 3)

    first = microphone.play(ramp(500))
    take_on_time(microphone, 3)

    assert first == 3 * FRAME_SAMPLES
    assert microphone.tape[first : first + 500].tolist() == ramp(500).tolist()
    assert np.count_nonzero(microphone.tape) == 500
    assert microphone.position == 6 * FRAME_SAMPLES


def test_a_second_recording_follows_the_first() -> None:
    microphone = CallerMicrophone(0.0)

    assert [microphone.play(ramp(500)), microphone.play(ramp(10))] == [0, 500]


def test_a_sample_is_heard_when_its_frame_leaves_less_what_follows_it() -> None:
    microphone = CallerMicrophone(10.0)
    microphone.take(10.020)
    microphone.take(10.045)

    assert microphone.heard_s(160) == pytest.approx(10.010)
    assert microphone.heard_s(320) == pytest.approx(10.020)
    assert microphone.heard_s(480) == pytest.approx(10.035)
    assert microphone.heard_s(640) == pytest.approx(10.045)


def test_silence_is_exact_zeros_unless_a_floor_is_asked_for() -> None:
    quiet, noisy = CallerMicrophone(0.0), CallerMicrophone(0.0, floor_dbfs=-60.0)
    take_on_time(quiet, 50)
    take_on_time(noisy, 50)

    assert not quiet.tape.any()
    assert window_levels(noisy.tape, 16_000).mean() == pytest.approx(-60.0, abs=0.5)


def test_the_floor_is_the_same_in_every_call() -> None:
    tapes = []
    for _ in range(2):
        microphone = CallerMicrophone(0.0, floor_dbfs=-60.0)
        take_on_time(microphone, 5)
        tapes.append(microphone.tape.tolist())

    assert tapes[0] == tapes[1]
