"""`./run calls` and `./run replay`, as they are typed."""

import json
import logging
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import loguru
import pytest
import soundfile
import structlog
from typer.testing import CliRunner, Result

from bot.__main__ import command_line
from bot.recordings.folder import mark_as_running
from replay.conducting import suites_of
from replay.suite import BOX


def typed(*words: str | Path) -> Result:
    texts: Sequence[str] = [str(word) for word in words]
    return CliRunner().invoke(command_line(texts), list(texts))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = before
    loguru.logger.remove()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(BOX / "smoke" / "phone", tmp_path / "recordings" / "20261120-phone")
    return tmp_path / "recordings"


def test_calls_are_listed_and_shown(folder: Path) -> None:
    listed = typed("calls", "list", "--folder", folder)
    assert listed.exit_code == 0
    assert "20261120-phone" in listed.output
    shown = typed("calls", "show", "2026", "--folder", folder)
    assert "Press four to place an outgoing call." in shown.output
    assert "voice to voice" in shown.output
    assert "said by itself\n     bot    Hello! How can I help you?" in shown.output


@pytest.fixture
def running(folder: Path) -> Iterator[Path]:
    """A call that a process records now; it is this one."""
    call = folder / "20261120-phone"
    about = json.loads((call / "call.json").read_text())
    (call / "call.json").write_text(json.dumps({**about, "ended_s": None}))
    with (call / "events.jsonl").open("a") as events:
        mark_as_running(events)
        yield folder


def test_a_running_call_is_listed_as_such_and_shown_so_far(running: Path) -> None:
    assert "running" in typed("calls", "list", "--folder", running).output
    shown = typed("calls", "show", "2026", "--folder", running).output
    assert shown.startswith("This call is running")
    assert "Press four to place an outgoing call." in shown


def test_a_running_call_is_not_deleted(running: Path) -> None:
    refused = typed("calls", "delete", "2026", "--yes", "--folder", running)
    assert (refused.exit_code, len(refused.output.splitlines())) == (1, 1)
    assert (running / "20261120-phone" / "call.json").is_file()


def test_a_call_whose_process_died_was_cut_off(running: Path) -> None:
    shutil.copytree(running / "20261120-phone", running / "20261121-phone")
    listed = typed("calls", "list", "--folder", running).output
    states = [line.split("│")[-2].strip() for line in listed.splitlines() if "phone" in line]
    assert states == ["not yet: it is running", "no: it was cut off"]


def test_a_call_is_exported_whole_or_as_sound(folder: Path, tmp_path: Path) -> None:
    archive, sound = tmp_path / "call.tar.gz", tmp_path / "call.flac"
    for file in (archive, sound):
        assert typed("calls", "export", "2026", "--to", file, "--folder", folder).exit_code == 0
    with tarfile.open(archive) as tar:
        assert "20261120-phone/events.jsonl" in tar.getnames()
    assert soundfile.info(sound).channels == 2


def test_a_deleted_call_is_gone(folder: Path) -> None:
    assert typed("calls", "delete", "2026", "--yes", "--folder", folder).exit_code == 0
    assert list(folder.iterdir()) == []
    again = typed("calls", "show", "2026", "--folder", folder)
    assert again.exit_code == 2
    assert "no such recording" in again.output


@pytest.mark.parametrize("name", ["", " ", "*", ".", "..", "/", "20261120-phone/", "\0", "é" * 300])
def test_a_name_that_is_none_deletes_nothing(folder: Path, name: str) -> None:
    refused = typed("calls", "delete", name, "--yes", "--folder", folder)
    assert (refused.exit_code, len(refused.output.splitlines())) == (2, 1)
    assert (folder / "20261120-phone" / "call.json").is_file()


def test_a_call_that_cannot_be_deleted_is_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(at: Path) -> None:
        raise PermissionError(13, "Permission denied", str(at / "call.json"))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    refused = typed("calls", "delete", "2026", "--yes", "--folder", folder)
    assert refused.exit_code == 1
    assert "deleted." not in refused.output
    assert "Permission denied" in refused.output


def test_an_export_is_its_makers_alone(folder: Path, tmp_path: Path) -> None:
    for name in ("call.tar.gz", "call.flac"):
        file = tmp_path / name
        file.write_bytes(b"an older one")
        assert typed("calls", "export", "2026", "--to", file, "--folder", folder).exit_code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.stat().st_size > 100
    assert {one.name for one in tmp_path.iterdir()} >= {"call.tar.gz", "call.flac"}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("to", ["", ".", "/", "/dev/full", "nowhere/call.flac", "call.json/x.gz"])
def test_an_export_to_what_is_no_file_is_refused_in_one_line(
    folder: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "20261120-phone")
    before = {file.name for file in Path().iterdir()}
    refused = typed("calls", "export", "2026", "--to", to, "--folder", folder)
    assert (refused.exit_code, len(refused.output.splitlines())) == (2, 1)
    assert {file.name for file in Path().iterdir()} == before


def test_an_export_that_fails_leaves_the_older_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(source: Path, to: Path) -> None:
        to.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fill)
    file = tmp_path / "call.flac"
    file.write_bytes(b"an older one")
    refused = typed("calls", "export", "2026", "--to", file, "--folder", folder)
    assert refused.exit_code == 2
    assert "No space left" in refused.output
    assert file.read_bytes() == b"an older one"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("replay", "nowhere", "--fast"), "nowhere: no recorded call"),
        (("replay", "smoke", "--fast", "--set", "TTS_ENGINE"), "should be NAME=VALUE"),
        (("replay", "smoke", "--fast", "--llm", "gpt"), "--llm gpt: recording, live, fixed-N"),
        (("replay", "smoke", "--fast", "--against", "http://x"), "choose one"),
        (("replay", "compare", "nowhere", "nowhere"), "cannot be read as a run"),
        (("replay", "whatif", "nowhere"), "nowhere: no recorded call"),
    ],
)
def test_what_is_wrong_is_one_line(words: tuple[str, ...], line: str) -> None:
    found = typed(*words)
    assert found.exit_code == 2
    assert line in found.output
    assert len(found.output.splitlines()) == 1


def test_a_folder_of_recordings_is_replayed_call_by_call(folder: Path) -> None:
    shutil.copytree(folder / "20261120-phone", folder / "20261121-phone")
    assert typed("replay", "whatif", folder, "--llm-first-token", "60").exit_code == 0
    calls = [item.path.name for suite in suites_of([str(folder)]) for item in suite.items]
    assert calls == ["20261120-phone", "20261121-phone"]
    [single] = suites_of([str(folder / "20261121-phone")])
    assert [item.path.name for item in single.items] == ["20261121-phone"]


def test_a_folder_without_recordings_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    found = typed("replay", tmp_path, "--fast")
    assert found.exit_code == 2
    assert "no recorded call" in found.output


def test_whatif_says_how_slow_the_first_token_may_be() -> None:
    found = typed("replay", "whatif", BOX / "smoke" / "phone", "--llm-first-token", "60")
    assert found.exit_code == 0
    assert "Assumed: " in found.output
    assert "p95" in found.output
