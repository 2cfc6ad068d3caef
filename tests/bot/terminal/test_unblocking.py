"""Printing neither waits for its reader nor fails without one."""

import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO, cast

import pytest
import typer

from bot.terminal.unblocking import UnblockingStream, unblocking_output

LINE = "x" * 99 + "\n"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:
            continue  # the test has closed it


def test_what_is_printed_comes_in_its_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    stream = UnblockingStream(writer)
    for number in range(100):
        print(number, file=stream)
    stream.end()
    os.close(writer)
    with open(reader, closefd=False) as read:
        assert [int(line) for line in read] == list(range(100))
    assert stream.dropped == 0


def test_a_reader_that_has_gone_raises_nothing_and_is_counted(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    stream = UnblockingStream(writer)
    for _ in range(10):
        stream.write(LINE)
    stream.end()
    assert stream.dropped == 10


def test_a_full_disk_raises_nothing_and_is_counted() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    stream = UnblockingStream(full)
    stream.write(LINE)
    stream.end()
    os.close(full)
    assert stream.dropped == 1


def test_a_reader_that_stops_reading_holds_nobody_up(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    told: queue.Queue[int] = queue.Queue()
    stream = UnblockingStream(writer, limit=1000, tell=told.put)
    for _ in range(2000):  # a pipe takes 64 KB, the stream 1 KB, and there are 200
        stream.write(LINE)
    lost = stream.dropped
    assert lost > 1000
    with open(reader, "rb", closefd=False) as read:
        for _ in range(2000 - lost):  # it goes on
            assert read.readline() == LINE.encode()
        assert told.get(timeout=10) <= lost
        stream.write("again\n")
        assert read.readline() == b"again\n"
    stream.end()


def test_an_end_does_not_wait_for_a_reader(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    stream = UnblockingStream(writer)
    for _ in range(2000):
        stream.write(LINE)
    stream.end(within_s=0.01)
    stream.write("late\n")
    assert stream.dropped == 1


def test_a_pipe_that_somebody_made_non_blocking_loses_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    stream = UnblockingStream(writer)
    for _ in range(2000):
        stream.write(LINE)
    with open(reader, "rb", closefd=False) as read:
        assert len(read.read(200_000)) == 200_000
    stream.end()
    assert stream.dropped == 0


def test_what_typer_prints_comes_out(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    stream = UnblockingStream(writer)
    out = cast(TextIO, stream)
    with redirect_stdout(out), redirect_stderr(out):
        typer.echo("hello")
        typer.echo("trouble", err=True)
    stream.end()
    assert os.read(reader, 100) == b"hello\ntrouble\n"


def test_half_a_character_is_written_all_the_same(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    stream = UnblockingStream(writer)
    stream.write("half of \ud83d\n")
    stream.end()
    assert os.read(reader, 100) == b"half of \\ud83d\n"


PROGRAM = """
import sys, typer
from bot.terminal.unblocking import unblocking_output
with unblocking_output() as output:
    for number in range(int(sys.argv[1])):
        typer.echo("a line of the program's")
        typer.echo("a line of its log", err=True)
        print("a line of a library's", file=sys.stderr)
sys.exit(0)
"""


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both", "from the start"])
def test_a_program_whose_reader_has_gone_ends_well(closed: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    streams = {name: writer for name in ("stdout", "stderr") if closed in (name, "both")}
    shut = ">&- 2>&-" if closed == "from the start" else ""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" 1000 {shut}', sys.executable, PROGRAM],
        cwd=ROOT,
        check=False,
        timeout=60,
        **({"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | streams),  # type: ignore[call-overload]
    )
    os.close(writer)
    assert done.returncode == 0


def test_what_is_no_file_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with unblocking_output() as output:
        typer.echo("hello")
        assert output.dropped == 0
    assert sys.stdout is before
    assert capsys.readouterr().out in ("hello\n", "")
