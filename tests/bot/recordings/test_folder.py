"""The folder of recordings: which there are, who can read them, and which are really gone."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.recordings.folder import Kept, Retention, delete, kept, prune
from bot.recordings.recorder import FlightRecorder, Rates
from pipelines.core.exchange import AudioIn, Typed

RATES = Rates(caller_hz=16_000, bot_hz=24_000, voice_hz=22_050)
ALL = Retention(days=0, size=0)


def place(folder: Path, name: str, **files: str) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    for file, text in files.items():
        (made / file.replace("_", ".")).write_text(text)
    return made


def about(began: datetime) -> str:
    return json.dumps({"format": "halfsecond-recording", "version": 1, "began": began.isoformat()})


@pytest.mark.parametrize(
    "files",
    [
        {"events_jsonl": ""},
        {"events_jsonl": "", "call_json": ""},
        {"events_jsonl": '{"t": 0', "call_json": '{"format": "half'},
        {"events_jsonl": "", "call_json.new": "{}"},
        {"events_jsonl.new": ""},
        {"call_flac": "fLaC"},
        {},
    ],
)
def test_a_recording_that_says_nothing_of_itself_is_listed_and_goes_when_it_is_old(
    tmp_path: Path, files: dict[str, str]
) -> None:
    place(tmp_path, "20260102T030405-abc", **files)
    (one,) = kept(tmp_path)
    assert (one.state, one.began) == ("cut off", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert prune(tmp_path, Retention(days=1)) == ["20260102T030405-abc"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("holiday", {}),
        ("holiday", {"events_jsonl": ""}),
        ("20260102T030405", {}),
        ("20260102T030405-trip", {"photo_jpg": "x"}),
        ("20269902T030405-abc", {"events_jsonl": ""}),
        ("20260102T030405-abc", {"call_json": '{"format": "of another program"}'}),
    ],
)
def test_a_folder_that_is_no_recording_stays(
    tmp_path: Path, name: str, files: dict[str, str]
) -> None:
    place(tmp_path, name, **files)
    assert kept(tmp_path) == []
    assert prune(tmp_path, ALL) == []
    assert (tmp_path / name).is_dir()


def test_a_call_that_begins_just_now_is_no_recording_yet(tmp_path: Path) -> None:
    place(tmp_path, f"{datetime.now(UTC):%Y%m%dT%H%M%S}-abc")
    assert kept(tmp_path) == []


def refuse(monkeypatch: pytest.MonkeyPatch, stays: str) -> None:
    """As a folder refuses that belongs to somebody else."""
    rmtree = shutil.rmtree

    def remove(folder: Path) -> None:
        if folder.name == stays:
            raise PermissionError(13, "Permission denied", str(folder))
        rmtree(folder)

    monkeypatch.setattr(shutil, "rmtree", remove)


def test_what_cannot_be_deleted_is_not_counted_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for days in (4, 3, 2, 1):
        place(
            tmp_path, f"call-{days}", call_json=about(now - timedelta(days=days)), sound="x" * 1000
        )
    refuse(monkeypatch, "call-4")
    room = Retention(days=14, size=2500)
    assert prune(tmp_path, room) == ["call-3", "call-2"]
    assert [one.name for one in kept(tmp_path)] == ["call-4", "call-1"]


def test_deleting_what_cannot_be_deleted_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Kept(place(tmp_path, "call-1", call_json=about(datetime.now(UTC))), {})
    refuse(monkeypatch, "call-1")
    with pytest.raises(PermissionError):
        delete(one)


def test_a_link_to_a_recording_elsewhere_is_not_followed_when_deleting(tmp_path: Path) -> None:
    elsewhere = place(tmp_path / "elsewhere", "call-1", call_json=about(datetime.now(UTC)))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "call-1").symlink_to(elsewhere)
    assert prune(tmp_path / "here", ALL) == []
    assert (elsewhere / "call.json").exists()


def test_a_recording_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        flight = FlightRecorder(tmp_path / "recordings", "full", Retention(days=1), dict)
        call = flight.new_call(RATES, {"call": "abc"})
        call.note(Typed("hello"), 500.0)
        for number in range(100):
            call.note(AudioIn(b"\x01\x02" * 320), 500.0 + number * 0.02)
        call.close()
        flight.close()
    finally:
        os.umask(before)
    (one,) = kept(tmp_path / "recordings")
    modes = {path.name: path.stat().st_mode & 0o777 for path in one.folder.iterdir()}
    assert modes == {"call.json": 0o600, "events.jsonl": 0o600, "call.flac": 0o600}
    assert one.folder.stat().st_mode & 0o777 == 0o700
    assert one.folder.parent.stat().st_mode & 0o777 == 0o700
