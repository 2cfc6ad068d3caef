"""`halfsecond llm run`: one answer in the terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import command_line
from bot.settings import Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def typed(*words: str, given: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(command_line(words), words, input=given)
    return result.exit_code, result.stdout, result.stderr


def test_the_answer_is_printed_and_its_pace_beside_it() -> None:
    code, said, told = typed("llm", "run", "-", given="thanks\n")
    assert (code, said) == (0, "You're welcome. Anything else?\n")
    assert "first token after " in told
    assert told.rstrip().endswith("4 tokens")


def test_what_goes_wrong_is_one_line() -> None:
    code, said, told = typed("llm", "run", "hi", "--url", "http://127.0.0.1:1/v1")
    assert (code, said) == (1, "")
    assert told.splitlines()[-1].startswith(
        "halfsecond: google/gemma-3-27b-it at http://127.0.0.1:1/v1: llm: "
    )
    assert typed("llm", "run", "-", given=" \n") == (2, "", "halfsecond: there is nothing to ask\n")
