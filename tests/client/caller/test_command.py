"""The command line, against a loopback server on a thread of its own."""

import asyncio
import contextlib
import itertools
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner
from websockets.asyncio.server import ServerConnection

from client.caller.command import FAILED, call
from tests.client.caller.loopback import Server, answering, rtvi, say, serving, tone

Peer = TypeVar("Peer")
HURRIED = ("--until-quiet", "0.3")


@contextlib.contextmanager
def running(server: contextlib.AbstractAsyncContextManager[Peer]) -> Iterator[Peer]:
    """`server`, up and reachable, until the block ends."""
    up = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Peer]] = []

    async def serve() -> None:
        async with server as peer:
            finished = asyncio.Event()
            stop.append((asyncio.get_running_loop(), finished, peer))
            up.set()
            await finished.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    up.wait()
    loop, finished, peer = stop[0]
    try:
        yield peer
    finally:
        loop.call_soon_threadsafe(finished.set)
        thread.join()


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, tone(0.3, 16_000), 16_000)
    return [str(tmp_path / name) for name in ("a.wav", "b.wav")]


def halfsecond_call(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(call)
    result = CliRunner().invoke(app, [*arguments], env={"COLUMNS": "100"})
    return result.exit_code, result.stdout, result.stderr


def test_a_conversation_is_measured_and_saved(recordings: list[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    with running(serving(Server(answer_s=0.3))) as server:
        code, out, _ = halfsecond_call(
            *recordings, "--url", server.url, "--json", "--save", str(answer), *HURRIED
        )

    document = json.loads(out)
    assert code == 0
    assert [turn["file"] for turn in document["turns"]] == ["a.wav", "b.wav"]
    assert [turn["call"] for turn in document["turns"]] == [0, 0]
    assert [turn["transcript"] for turn in document["turns"]] == ["a tone", "a tone"]
    heard, rate_hz = soundfile.read(answer, dtype="int16")
    assert rate_hz == 24_000
    assert np.count_nonzero(heard) == 2 * np.count_nonzero(tone(0.3, 24_000))


def test_separate_files_are_separate_calls_and_both_sides_are_saved(
    recordings: list[str], tmp_path: Path
) -> None:
    both = tmp_path / "both.wav"
    with running(serving(Server())) as server:
        code, out, _ = halfsecond_call(
            *recordings,
            "--url",
            server.url,
            "--separate",
            "--stereo",
            "--save",
            str(both),
            *HURRIED,
        )

    ready = [message for message in server.messages if message["type"] == "client-ready"]
    assert (code, len(ready)) == (0, 2)
    assert "a.wav" in out
    assert "b.wav" in out
    sides, _ = soundfile.read(both, dtype="int16")
    assert sides.shape[1] == 2
    assert all((abs(side) > 5_000).any() for side in sides.T)


def test_a_turn_that_is_not_answered_is_exit_code_one(recordings: list[str]) -> None:
    """In real time: five seconds."""
    with running(serving(Server(answers=0))) as server:
        code, out, _ = halfsecond_call(recordings[0], "--url", server.url, *HURRIED)

    assert code == 1
    assert "no answer within 5 s" in out


def test_a_turn_that_was_apologised_for_is_exit_code_one(recordings: list[str]) -> None:
    async def apologise(server: Server, socket: ServerConnection) -> None:
        await say(socket, 0.3)
        await socket.send(rtvi("error", {"error": "There is no answer.", "fatal": False}))

    with running(serving(Server(on_turn=apologise))) as server:
        code, out, _ = halfsecond_call(recordings[0], "--url", server.url, *HURRIED)

    assert code == 1
    assert "the server says: There is no answer." in out


def interrupt_this_program() -> None:
    """As Ctrl-C does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.parametrize("apart", [(), ("--separate",)])
def test_a_call_that_is_stopped_tells_what_was_measured_until_then(
    recordings: list[str], tmp_path: Path, apart: tuple[str, ...]
) -> None:
    turns = itertools.count(1)

    async def answer_once(server: Server, socket: ServerConnection) -> None:
        if next(turns) == 1:
            await say(socket, 0.3)
        else:
            interrupt_this_program()

    heard = tmp_path / "heard.wav"
    with running(serving(Server(on_turn=answer_once))) as server:
        code, out, err = halfsecond_call(
            *recordings, "--url", server.url, "--json", "--save", str(heard), *HURRIED, *apart
        )

    document = json.loads(out)
    assert (code, err) == (130, "stopped: 1 of 2 turns was measured until then\n")
    assert [(turn["file"], turn["missed"]) for turn in document["turns"]] == [("a.wav", False)]
    assert np.count_nonzero(soundfile.read(heard, dtype="int16")[0])


def test_a_call_that_is_stopped_before_it_has_begun_has_nothing_to_tell(
    recordings: list[str],
) -> None:
    async def interrupt(server: Server, socket: ServerConnection) -> None:
        interrupt_this_program()

    with running(serving(Server(on_turn=interrupt))) as server:
        code, out, err = halfsecond_call(recordings[0], "--url", server.url, *HURRIED)

    assert (code, out, err) == (130, "", "stopped: 0 of 1 turns were measured until then\n")


def test_ctrl_c_while_the_server_loads_ends_it_without_a_word(recordings: list[str]) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, dict[str, str]]:
        asked.append(path)
        if len(asked) > 1:
            interrupt_this_program()
        return 503, {"status": "loading", "detail": "the models are still loading"}

    with running(answering(answer)) as url:
        code, out, err = halfsecond_call(recordings[0], "--url", url)

    assert asked[:2] == ["/readyz", "/readyz"]
    assert (code, out, err) == (
        130,
        "",
        "waiting for the server: the models are still loading\n",
    )


def test_who_does_not_want_to_wait_is_told_why_there_is_no_call(recordings: list[str]) -> None:
    refused = {"detail": "the models are still loading"}
    with running(answering(lambda path: (503, refused))) as url:
        code, _, err = halfsecond_call(recordings[0], "--url", url, "--wait", "0")

    assert (code, err) == (FAILED, f"{url}/start: refused with 503: {refused['detail']}\n")


def test_no_server_is_one_line_and_exit_code_two(recordings: list[str]) -> None:
    code, out, err = halfsecond_call(recordings[0], "--url", "http://127.0.0.1:1")

    assert code == FAILED
    assert out == ""
    [line] = err.splitlines()
    assert "no server answers" in line
    assert line.endswith("start one with ./run serve, or name it with --url")


def test_a_file_that_is_no_recording_is_one_line_and_exit_code_two(tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("words")
    for file, complaint in [
        (tmp_path / "missing.wav", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "words.wav", "cannot be read as audio"),
    ]:
        assert halfsecond_call(str(file), "--json") == (FAILED, "", f"{file}: {complaint}\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--stereo"], "name a file with --save"),
        (["--save", "."], "--save .: is no file in a folder that there is"),
        (["--save", "nowhere/heard.wav"], "is no file in a folder that there is"),
    ],
)
def test_what_cannot_be_saved_is_said_before_anything_is_played(
    recordings: list[str], words: list[str], complaint: str
) -> None:
    with running(serving(Server())) as server:
        code, out, err = halfsecond_call(recordings[0], "--url", server.url, *words)

    assert (code, out, server.messages) == (FAILED, "", [])
    [line] = err.splitlines()
    assert complaint in line


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--as", "twilio"], "set TWILIO_AUTH_TOKEN"),
        (["--as", "twilio", "--auth-token", "x", "--dtmf", "12x"], "no telephone has x"),
        (["--as", "twilio", "--auth-token", "x", "--trouble", "rain=1"], "'rain' is no trouble"),
        (["--dtmf", "1"], "they are for --as twilio"),
        (["--trouble", "loss=0.1"], "they are for --as twilio"),
    ],
)
def test_what_twilio_could_not_do_is_one_line(
    recordings: list[str], words: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    code, out, err = halfsecond_call(recordings[0], "--url", "http://127.0.0.1:1", *words)

    assert (code, out) == (FAILED, "")
    [line] = err.strip().splitlines()
    assert complaint in line
