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
    "llm run": "bot.commands.ask:run",
    "llm bench": "bench.llm.command:bench",
    "llm up": "bot.commands.engine:up",
    "llm status": "bot.commands.engine:status",
    "llm logs": "bot.commands.engine:logs",
    "llm down": "bot.commands.engine:down",
    "llm fetch": "bot.commands.fetch:fetch",
    "llm demo": "bot.engines.demo:demo",
    "bench turns": "bench.command:turns",
    "bench stt": "bench.stt:stt",
    "bench texts": "bench.texts:texts",
    "bench tts": "bench.tts:tts",
    "calls list": "bot.commands.calls:list_calls",
    "calls show": "bot.commands.calls:show",
    "calls export": "bot.commands.calls:export",
    "calls delete": "bot.commands.calls:delete_call",
    "replay": "bench.replay.command:replay",
    "replay compare": "bench.replay.command:compare",
    "replay whatif": "bench.replay.command:whatif",
}
"""What is typed, and the function that does it. An installation may lack some of the modules."""

GROUPS = {
    "phone": "What is to be done with Twilio: call somebody, set up a number, look for faults.",
    "llm": "Engines to put behind the server.",
    "models": "Ears and voices that are downloaded.",
    "bench": "Measure the server.",
    "calls": "Recorded calls.",
    "replay": "Play recorded calls again, and compare.",
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
    for name, at in (_meant(words) or asked or COMMANDS).items():
        module, function = at.split(":")
        try:
            command = getattr(import_module(module), function)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            continue
        *group, last = name.split()
        if group and group[0] in COMMANDS and not asked:
            continue  # it is told of in the help of the command that it is a part of
        if group and group[0] not in groups:
            groups[group[0]] = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
            groups[group[0]].callback()(lambda: None)
            app.add_typer(groups[group[0]], name=group[0], help=GROUPS[group[0]])
        (groups[group[0]] if group else app).command(last)(command)
    return app


def _meant(words: Sequence[str]) -> dict[str, str]:
    """The one command whose whole name was typed: of `replay` and `replay compare` the longer."""
    typed = [name for name in COMMANDS if name.split() == list(words[: len(name.split())])]
    longest = max(typed, key=len, default=None)
    return {} if longest is None else {longest: COMMANDS[longest]}


def main() -> None:
    command_line(sys.argv[1:])(prog_name="halfsecond")


if __name__ == "__main__":
    main()
