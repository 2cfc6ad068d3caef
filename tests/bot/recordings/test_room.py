"""Recordings keep within the room that they may take, also while a call is under way."""

from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from bot.recordings.folder import Retention, kept
from bot.recordings.recorder import SHARES, FlightRecorder, Rates
from pipelines.core.exchange import AudioIn, Typed
from replay.call_folder import load

RATES = Rates(caller_hz=16_000, bot_hz=24_000, voice_hz=22_050)
SIZE = 1_000_000
LARGE = 8_000_000
"""A share of it is enough for ten minutes of silence."""
NOISE = np.random.default_rng(0).normal(0, 3000, 16_000 * 20).astype(np.int16)


def recorder(folder: Path, size: int = SIZE) -> FlightRecorder:
    return FlightRecorder(folder, "full", Retention(days=1, size=size), lambda: {"settings": {}})


def taken(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    "text", ["a" * 8000, "\N{GRINNING FACE}" * 8000, "\x00" * 8000, "\ud83d" * 999]
)
def test_a_caller_who_types_without_end_ends_the_recording_and_no_other(
    tmp_path: Path, text: str
) -> None:
    flight = recorder(tmp_path, LARGE)
    with capture_logs() as logs:
        loud, quiet = (flight.new_call(RATES, {"call": name}) for name in ("loud", "quiet"))
        for at in range(300):
            loud.note(Typed(text), 500.0 + at)
            quiet.note(Typed("hello"), 500.0 + at)
        loud.close()
        quiet.close()
        flight.close()
    assert taken(tmp_path) <= 2 * LARGE // SHARES + 100_000
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("a recording ends early", "it takes all the room that it may")
    ]
    loads = {load(one.folder).about["call"]: load(one.folder).about for one in kept(tmp_path)}
    assert loads["quiet"]["ended_s"] == 299.0
    assert 0 < loads["loud"]["ended_s"] < 299.0


def test_sound_counts_as_well(tmp_path: Path) -> None:
    flight = recorder(tmp_path)
    call = flight.new_call(RATES, {"call": "sound"})
    for at in range(1000):
        call.note(AudioIn(NOISE[(at % 900) * 320 :][:320].tobytes()), 500.0 + 0.02 * at)
    flight.close()
    assert taken(tmp_path) <= SIZE


def test_old_recordings_make_room_for_a_call_that_grows(tmp_path: Path) -> None:
    flight = recorder(tmp_path)
    for number in range(20):
        call = flight.new_call(RATES, {"call": f"call-{number}"})
        for at in range(10):
            call.note(Typed("a" * 8000), 500.0 + at)
        call.close()
    flight.close()
    assert taken(tmp_path) <= SIZE
    names = [one.name.split("-", 1)[1] for one in kept(tmp_path)]
    assert 5 < len(names) < 20
    assert "call-19" in names


def test_recordings_that_are_there_already_count(tmp_path: Path) -> None:
    for run in range(3):
        flight = recorder(tmp_path)
        for number in range(6):
            call = flight.new_call(RATES, {"call": f"{run}-{number}"})
            for at in range(14):
                call.note(Typed("a" * 8000), 500.0 + at)
            call.close()
        flight.close()
        assert taken(tmp_path) <= SIZE
