"""Options that name a file to write: looked at before anything is measured, not an hour later."""

from pathlib import Path
from typing import Annotated

import typer


def in_a_folder(file: Path | None) -> Path | None:
    """For options: typer.BadParameter where it could not be written."""
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise typer.BadParameter(f"{file} is no file in a folder that there is")
    return file


JsonFile = Annotated[
    Path | None, typer.Option("--json", help="All of it, to FILE.", callback=in_a_folder)
]
Picture = Annotated[Path | None, typer.Option(help="An SVG, to FILE.", callback=in_a_folder)]
