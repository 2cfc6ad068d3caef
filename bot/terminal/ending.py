"""How a command ends that cannot go on: one line on standard error, and an exit code."""

from typing import NoReturn

import typer


def give_up(line: str, code: int) -> NoReturn:
    """`code`: 1 where something failed, 2 where what was typed or set cannot be meant."""
    typer.echo(f"halfsecond: {line}", err=True)
    raise typer.Exit(code)
