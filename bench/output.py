"""The option that names a picture, which needs the extra `bench`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bot.terminal.output import in_a_folder


def drawable(file: Path | None) -> Path | None:
    """For options: typer.BadParameter where it could not be drawn or written."""
    if file is not None and find_spec("matplotlib") is None:
        raise typer.BadParameter("it needs a package: .venv/bin/python -m pip install matplotlib")
    return in_a_folder(file)


Picture = Annotated[Path | None, typer.Option(help="An SVG, to FILE.", callback=drawable)]
