"""`./run llm run`: one answer in the terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bot
from bot.__main__ import command_line

PROGRAM = """
import json
from typer.testing import CliRunner
from bot.__main__ import command_line
nowhere = ["hi", "--url", "http://127.0.0.1:1/v1"]
asked = [(["-"], "thanks"), (nowhere, "")]
results = []
for words, given in asked:
    words = ["llm", "run", *words]
    result = CliRunner().invoke(command_line(words), words, input=given)
    results.append([result.exit_code, result.stdout, result.stderr])
print(json.dumps(results))
"""


def test_nothing_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("llm", "run", "-")
    result = CliRunner().invoke(command_line(words), words, input=" \n")
    assert (result.exit_code, result.stderr) == (2, "halfsecond: there is nothing to ask\n")


@pytest.mark.soak
def test_an_answer_is_printed_with_its_pace_and_what_goes_wrong_is_one_line(tmp_path: Path) -> None:
    """In a process of its own: it decides where all logs go."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(bot.__file__).parents[1])},  # noqa: TID251
        capture_output=True,
        text=True,
        check=True,
    )
    answered, nowhere = json.loads(done.stdout)

    code, said, told = answered
    assert (code, said) == (0, "You're welcome. Anything else?\n")
    assert "first token after " in told
    assert told.endswith("4 tokens\n")
    assert told.count("\n") == 1
    code, said, told = nowhere
    assert (code, said) == (1, "")
    assert told.startswith("halfsecond: google/gemma-3-27b-it at http://127.0.0.1:1/v1: llm: ")
    assert told.count("\n") == 1
