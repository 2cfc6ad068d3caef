"""A call of ten minutes, made of the labelled turns and answered on virtual time."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from replay.call_folder import Pcm, from_sound, load
from replay.performance import Company, Options
from replay.turns import decisions_of, turns_of

TURNS = Path(__file__).parents[2] / "bench/suite/turns"
RATE_HZ = 16_000
TEN_MINUTES_S = 600
PAUSE_S = 4


def spoken(path: Path) -> Path:
    """Turn after turn, with time for an answer, until ten minutes are over."""
    parts: list[Pcm] = []
    for one in sorted(TURNS.glob("held-*.flac")):
        sound, rate_hz = soundfile.read(one, dtype="int16")
        parts += [soxr.resample(sound, rate_hz, RATE_HZ), np.zeros(PAUSE_S * RATE_HZ, np.int16)]
        if sum(map(len, parts)) >= TEN_MINUTES_S * RATE_HZ:
            soundfile.write(path, np.concatenate(parts), RATE_HZ)
            return path
    raise AssertionError("the labelled turns are not long enough")


@pytest.mark.soak
def test_ten_minutes_replay_in_seconds_and_just_as_they_went(tmp_path: Path) -> None:
    """The seconds are shown (with -s) and not asserted: they are this machine's."""
    company = Company()
    try:
        sound = from_sound(spoken(tmp_path / "ten.flac"))
        company.play(sound, Options(llm="fixed-150", record=tmp_path))
        began_s, busy_s = time.perf_counter(), time.process_time()
        call = load(tmp_path / "ten")
        again = company.play(call, Options())
        took_s, busy_s = time.perf_counter() - began_s, time.process_time() - busy_s
    finally:
        company.close()
    print(  # noqa: T201
        f"{call.duration_s:.0f} s replayed in {took_s:.1f} s ({busy_s:.1f} s of a processor)"
    )
    assert call.duration_s >= TEN_MINUTES_S
    assert again.again == {}
    assert decisions_of(again.replayed.lines) == decisions_of(call.events)
    assert turns_of(again.replayed.lines) == turns_of(call.events)
    assert len(turns_of(call.events)) > 60
