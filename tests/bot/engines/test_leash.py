"""A child that goes with its parent, and keeps to its memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from bot.engines import leash

LEASH = [sys.executable, "-I", str(Path(leash.__file__))]


def leashed(parent: int, memory: int, *command: str) -> subprocess.CompletedProcess[str]:
    words = [*LEASH, str(parent), str(memory), *command]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_it_becomes_the_program_within_its_limit() -> None:
    limit = 300_000_000
    asked = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    done = leashed(os.getpid(), limit, sys.executable, "-c", asked)
    assert (done.returncode, done.stdout) == (0, f"{limit}\n")
    done = leashed(os.getpid(), 0, sys.executable, "-c", asked)
    assert done.stdout == f"{resource.getrlimit(resource.RLIMIT_DATA)[0]}\n"


def test_a_program_that_is_not_there_is_said() -> None:
    done = leashed(os.getpid(), 0, "/no/such")
    assert (done.returncode, done.stderr) == (
        1,
        "cannot start /no/such: No such file or directory\n",
    )


def test_without_its_parent_it_does_not_begin() -> None:
    assert leashed(1, 0, "true").returncode == 1
