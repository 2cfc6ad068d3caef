"""How a command ends that cannot go on: one line on standard error, and an exit code."""

from typing import NoReturn

import typer

from pipelines.addresses import printable_in


def give_up(line: str, code: int) -> NoReturn:
    """Addresses in `line` lose their passwords.

    `code`: 1 where something failed, 2 where what was typed or set cannot be meant.
    """
    typer.echo(f"halfsecond: {printable_in(line)}", err=True)
    raise typer.Exit(code)
