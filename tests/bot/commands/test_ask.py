"""`./run llm run`: one answer in the terminal."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bot
from bot.__main__ import command_line
from tests.pipelines.services.scripted_endpoint import DONE, Reply, ScriptedEndpoint, delta, finish

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


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--temperature", "2.5", "--temperature"),
        ("--temperature", "-1", "--temperature"),
        ("--temperature", "hot", "--temperature"),
        ("--top-p", "0", "over 0"),
        ("--top-p", "1.5", "1 at most"),
        ("--seed", "1.5", "--seed"),
        ("--max-tokens", "0", "LLM_MAX_TOKENS"),
    ],
)
def test_a_wrong_way_to_draw_is_refused_before_anybody_is_asked(
    option: str, value: str, told: str, empty_folder: Path
) -> None:
    words = ("llm", "run", "hello", option, value)
    result = CliRunner().invoke(command_line(words), words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_how_an_answer_is_drawn_reaches_the_endpoint_for_this_prompt(empty_folder: Path) -> None:
    """As it is typed, in a process of its own."""
    drawn = {"temperature": 0.15, "top_p": 0.8, "max_tokens": 33, "seed": 7}

    async def scenario() -> None:
        fine = Reply([delta(content="Hello."), finish(), DONE])
        async with ScriptedEndpoint([fine]) as endpoint:
            options = [f"--{name.replace('_', '-')}={value}" for name, value in drawn.items()]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "bot", "llm", "run", "Hi.", *options),
                *("--url", endpoint.url),
                env={**os.environ, "PYTHONPATH": str(Path(bot.__file__).parents[1])},  # noqa: TID251
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            printed, wrong = await process.communicate()
            assert (process.returncode, printed) == (0, b"Hello.\n"), wrong.decode()
            [body] = endpoint.requests
            assert {name: body[name] for name in drawn} == drawn

    asyncio.run(scenario())
