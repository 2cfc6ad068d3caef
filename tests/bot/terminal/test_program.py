"""The program's name in help and messages: as it was typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import COMMANDS, command_line
from bot.commands.checks.machine import check_packages
from bot.engines.recipe import Recipe, explain
from bot.terminal import program
from bot.terminal.program import name_of


@pytest.mark.parametrize(
    ("started", "in_checkout", "installed", "name"),
    [
        ("__main__.py", True, False, "./run"),
        ("__main__.py", True, True, "./run"),
        ("halfsecond", True, True, "halfsecond"),
        ("halfsecond.exe", True, True, "halfsecond"),
        ("halfsecond", False, True, "halfsecond"),
        ("minder.py", False, True, "halfsecond"),
        ("minder.py", True, False, "./run"),
        ("__main__.py", False, True, "halfsecond"),
        ("__main__.py", False, False, "python -m bot"),
    ],
)
def test_the_name_is_the_one_that_can_be_typed(
    started: str, in_checkout: bool, installed: bool, name: str
) -> None:
    assert name_of(started, in_checkout=in_checkout, installed=installed) == name


@pytest.fixture
def halfsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/halfsecond"])


@pytest.mark.usefixtures("halfsecond")
@pytest.mark.parametrize("command", [name for name in COMMANDS if not name.startswith("bench")])
def test_no_help_names_the_checkout_s_script(command: str) -> None:
    words = [*command.split(), "--help"]
    said = CliRunner().invoke(command_line(words), words, prog_name=program.program())
    assert said.exit_code == 0
    assert said.stdout.startswith(f"Usage: halfsecond {command} ")
    assert "./run" not in said.stdout


@pytest.mark.usefixtures("halfsecond")
def test_a_failed_engine_s_log_is_shown_by_the_command_that_was_typed() -> None:
    recipe = Recipe(
        name="demo", command=["demo"], port=1, model="m", shown="the demo", health="/",
        start_limit_s=1.0,
    )  # fmt: skip
    assert "(halfsecond llm logs demo has the rest)" in explain(recipe, "", 1)


@pytest.mark.usefixtures("halfsecond")
def test_without_a_lock_packages_are_not_said_to_be_as_in_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["typer>=0.20"]\n')
    assert check_packages(tmp_path).found == "all 1 are here"
