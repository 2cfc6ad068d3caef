"""`python -m bot`, or `halfsecond`: the command line. A command is imported when asked for."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from bot import __version__

COMMANDS = {
    "serve": "bot.commands.serve:serve",
    "doctor": "bot.commands.doctor:doctor",
    "models list": "bot.commands.models:list_models",
    "models download": "bot.commands.models:download",
    "models verify": "bot.commands.models:verify",
    "models where": "bot.commands.models:where",
    "call": "client.caller.command:call",
    "phone dial": "bot.commands.phone:dial",
    "phone check": "bot.commands.phone:check",
    "phone setup": "bot.commands.phone:setup",
    "llm demo": "bot.engines.demo:demo",
    "bench turns": "bench.command:turns",
}
"""What is typed, and the function that does it. An installation may lack some of the modules."""

GROUPS = {
    "phone": "What is to be done with Twilio: call somebody, set up a number, look for faults.",
    "llm": "Engines to put behind the server.",
    "models": "Ears and voices that are downloaded.",
    "bench": "Measure the server.",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"halfsecond {__version__}")
        raise typer.Exit


def halfsecond(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """A self-hosted voice agent server that answers at human pace.

    Start it with `halfsecond serve`, then talk to it on its page, or with `halfsecond call`.
    """


def command_line(words: Sequence[str]) -> typer.Typer:
    """The command that `words` begin with; all of them where they name none."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.callback()(halfsecond)
    groups: dict[str, typer.Typer] = {}
    asked = {name: at for name, at in COMMANDS.items() if name.split()[0] in words[:1]}
    for name, at in (asked or COMMANDS).items():
        module, function = at.split(":")
        try:
            command = getattr(import_module(module), function)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            continue
        *group, last = name.split()
        if group and group[0] not in groups:
            groups[group[0]] = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
            groups[group[0]].callback()(lambda: None)
            app.add_typer(groups[group[0]], name=group[0], help=GROUPS[group[0]])
        (groups[group[0]] if group else app).command(last)(command)
    return app


def main() -> None:
    command_line(sys.argv[1:])(prog_name="halfsecond")


if __name__ == "__main__":
    main()
