"""The supervisor where it may not write, without an engine."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.engines.recipe import EngineError, Recipe
from bot.engines.register import Entry, Register
from bot.engines.supervisor import Supervisor

RECIPE = Recipe(
    name="demo",
    command=[sys.executable, "-c", ""],
    port=1,
    model="m",
    shown="m",
    start_limit_s=0.1,
)


@pytest.mark.parametrize("home", ["file", "file/below", "/proc/nowhere", "/dev/null"])
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    root = tmp_path / home
    with pytest.raises(EngineError, match=r"engines cannot be written to: .*LLM_ENGINE_HOME"):
        asyncio.run(Supervisor(RECIPE, Register(root)).run())


class FullRegister(Register):
    def write(self, entry: Entry) -> None:
        raise OSError(28, "No space left on device")


def test_an_entry_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="demo"):  # it got as far as the engine, which ended
        asyncio.run(Supervisor(RECIPE, FullRegister(tmp_path)).run())
