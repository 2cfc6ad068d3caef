"""The flight recorder: what it writes, what a crash leaves, and what it never holds up."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bot.recordings.folder import Retention, kept, prune
from bot.recordings.recorder import QUEUE_LIMIT, FlightRecorder, Rates
from bot.settings import Settings
from bot.wiring.flight_recorder import shown
from pipelines.core.events import Listened
from pipelines.core.exchange import AudioIn, AudioOut, Caption, Played, Typed
from pipelines.core.recording import Came, Level
from replay.call_folder import UnreadableError, load

RATES = Rates(caller_hz=16_000, bot_hz=24_000, voice_hz=22_050)
ENOUGH = Retention(days=1, size=10**9)
NOISE = np.random.default_rng(0).normal(0, 3000, 16_000 * 20).astype(np.int16)


def recorder(folder: Path, level: Level = "full") -> FlightRecorder:
    return FlightRecorder(folder, level, ENOUGH, lambda: {"settings": {}})


def test_a_call_comes_back_as_it_was(tmp_path: Path) -> None:
    flight = recorder(tmp_path)
    call = flight.new_call(RATES, {"call": "abc", "door": "browser"})
    for number in range(100):
        pcm = NOISE[number * 320 : (number + 1) * 320]
        call.note(AudioIn(pcm.tobytes()), 500.02 + number * 0.02)
        call.note(AudioOut(np.full(480, 7000, np.int16).tobytes(), 0, 480 * number), 501.0)
    call.note(Played(0, 480), 502.1)
    call.note(Came(question=1, of="tts", pcm=NOISE[:500]), 502.1)
    call.close()
    flight.close()

    (one,) = kept(tmp_path)
    assert one.name.endswith("-abc")
    read = load(one.folder)
    assert read.about["ended_s"] is not None
    assert read.about["lost"] == 0
    came = list(read.from_caller())
    heard = np.concatenate([np.frombuffer(e.pcm, "<i2") for _, e in came if isinstance(e, AudioIn)])
    assert heard.tolist() == NOISE[:32_000].tolist()
    assert came[0][0] == 0.0
    assert came[-1][0] == pytest.approx(2.08)
    assert came[-1][1] == Played(0, 480)
    assert read.voice.tolist() == NOISE[:500].tolist()
    assert read.sound[16_800:40_000, 1].mean() == pytest.approx(7000, abs=20)


def test_what_cannot_be_written_ends_no_other_recording(tmp_path: Path) -> None:
    flight = recorder(tmp_path)
    for text in ("half of \ud83d", "whole"):
        call = flight.new_call(RATES, {"call": text[:5].strip(), "door": "browser"})
        call.note(Typed(text), 500.0)
        call.close()
    flight.close()

    assert {load(one.folder).about["call"] for one in kept(tmp_path)} == {"half", "whole"}


@pytest.mark.parametrize("name", ["../../outside", "/tmp/outside", "..", "a/b", "\0", "x" * 5000])
def test_whatever_a_call_is_named_its_folder_is_in_the_folder(tmp_path: Path, name: str) -> None:
    flight = recorder(tmp_path / "inside")
    for _ in range(2):  # of the same name, in the same second
        call = flight.new_call(RATES, {"call": name})
        call.note(Typed("hello"), 500.0)
        call.close()
    flight.close()

    assert [one.name for one in tmp_path.iterdir()] == ["inside"]
    assert [load(one.folder).about["call"] for one in kept(tmp_path / "inside")] == [name, name]


def test_what_is_told_after_the_end_is_not_heard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flight = recorder(tmp_path)
    call = flight.new_call(RATES, {"call": "abc"})
    call.note(Typed("hello"), 500.0)
    call.close()
    call.note(Typed("goodbye"), 501.0)
    call.close()
    flight.close()

    (one,) = kept(tmp_path)
    assert load(one.folder).duration_s == 0.0
    assert load(one.folder).about["ended_s"] is not None
    assert capfd.readouterr().out == ""


def test_times_alone_are_times_alone(tmp_path: Path) -> None:
    flight = recorder(tmp_path, "timing")
    call = flight.new_call(RATES, {"call": "abc"})
    call.note(AudioIn(NOISE[:320].tobytes()), 1.0)
    call.note(Caption("user", "the zebrafish", final=True, turn=1), 1.5)
    call.close()
    flight.close()
    (one,) = kept(tmp_path)
    assert sorted(file.name for file in one.folder.iterdir()) == ["call.json", "events.jsonl"]
    assert "zebrafish" not in (one.folder / "events.jsonl").read_text()
    with pytest.raises(UnreadableError, match="times only"):
        list(load(one.folder).from_caller())


WRITER = """
import sys, time, numpy as np
from pathlib import Path
sys.path.insert(0, {root!r})
from bot.recordings.recorder import FlightRecorder, Rates
from bot.recordings.folder import Retention
from pipelines.core.exchange import AudioIn
noise = np.random.default_rng(0).normal(0, 3000, 16_000 * 20).astype(np.int16)
flight = FlightRecorder(Path({folder!r}), "full", Retention(days=1, size=10**9), lambda: {{}})
call = flight.new_call(Rates(caller_hz=8_000, bot_hz=8_000, voice_hz=8_000), {{"call": "x"}})
began = time.monotonic()
for number in range(2000):
    call.note(AudioIn(noise[number * 160 % 300_000:][:160].tobytes()), number * 0.02)
    if number == 150:
        print("three seconds", flush=True)
    time.sleep(max(0, began + number * 0.02 - time.monotonic()))
"""


def test_killed_in_mid_call_it_has_all_but_the_last_second(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    program = WRITER.format(root=root, folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (one,) = kept(tmp_path)
        assert one.state == "running"
        assert prune(tmp_path, Retention(days=0, size=0)) == []  # another process's, as here
        os.kill(process.pid, signal.SIGKILL)
    (one,) = kept(tmp_path)
    assert (one.state, one.lasts_s) == ("cut off", None)
    read = load(one.folder)
    assert read.about["ended_s"] is None
    last_s = max(at_s for at_s, _ in read.from_caller())
    assert last_s >= 3.0 - 1.0
    assert read.duration_s >= 3.0 - 0.5


def test_a_call_is_running_until_its_end_is_written(tmp_path: Path) -> None:
    flight = recorder(tmp_path, "timing")
    call, other = flight.new_call(RATES, {"call": "abc"}), flight.new_call(RATES, {"call": "def"})
    for one in (call, other):
        one.note(Typed("hello"), 500.0)
    until(lambda: len(kept(tmp_path)) == 2)
    assert {one.state for one in kept(tmp_path)} == {"running"}
    call.close()
    until(lambda: [one.state for one in kept(tmp_path)].count("ended") == 1)
    assert {one.about["call"]: one.state for one in kept(tmp_path)} == {
        "abc": "ended",
        "def": "running",
    }
    flight.close()
    assert {one.state for one in kept(tmp_path)} == {"ended"}


def test_a_copy_of_a_running_call_is_not_running(tmp_path: Path) -> None:
    flight = recorder(tmp_path / "here", "timing")
    flight.new_call(RATES, {"call": "abc"}).note(Typed("hello"), 500.0)
    until(lambda: len(kept(tmp_path / "here")) == 1)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert [one.state for one in kept(tmp_path / "there")] == ["cut off"]
    flight.close()


def test_a_recording_without_its_events_was_cut_off(tmp_path: Path) -> None:
    flight = recorder(tmp_path, "timing")
    call = flight.new_call(RATES, {"call": "abc"})
    call.note(Typed("hello"), 500.0)
    until(lambda: len(kept(tmp_path)) == 1)
    (one,) = kept(tmp_path)
    (one.folder / "events.jsonl").unlink()
    assert one.state == "cut off"
    flight.close()


def until(true: Callable[[], bool]) -> None:
    """The recorder has a thread of its own."""
    end_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_disk_that_is_too_slow_loses_lines_and_never_waits(tmp_path: Path) -> None:
    flight = recorder(tmp_path)
    call = flight.new_call(RATES, {})
    flight.close()  # nobody takes anything any more
    for number in range(QUEUE_LIMIT + 50):
        call.note(Listened(number * 0.02), number * 0.02)
    assert call.lost == 50


def test_the_oldest_go_first_and_what_is_no_recording_stays(tmp_path: Path) -> None:
    for days in (20, 3, 2, 1):
        folder = tmp_path / f"call-{days}"
        folder.mkdir()
        began = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        about = {"format": "halfsecond-recording", "version": 1, "began": began}
        (folder / "call.json").write_text(json.dumps(about))
        (folder / "call.flac").write_bytes(b"x" * 1000)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo").write_bytes(b"x" * 9000)
    keep = {tmp_path / "call-3"}
    assert prune(tmp_path, Retention(days=14, size=1500), keep) == ["call-20", "call-2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["call-1", "call-3", "holiday"]


def test_no_secret_is_shown_and_no_password_in_an_address() -> None:
    settings = Settings.model_validate(
        {
            "llm_base_url": "https://user:canary@engine.example/v1",
            "llm_api_key": "canary",
            "access_token": "canary",
            "llm_system_prompt": "say canary",
        }
    )
    assert "canary" not in json.dumps(shown(settings, words=False))
    full = shown(settings, words=True)
    assert full["llm_base_url"] == "https://engine.example/v1"
    assert full["llm_system_prompt"] == "say canary"
    assert "canary" not in json.dumps({**full, "llm_system_prompt": ""})
