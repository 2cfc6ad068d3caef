"""`./run`, `halfsecond`, `python -m bot`: the command line.

A command is imported when it is asked for.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from inspect import getdoc
from typing import Annotated

import typer

from bot import __version__
from bot.terminal.program import program, typed_here

Commands = Mapping[str, tuple[str, str]]

COMMANDS: Commands = {
    "serve": ("bot.commands.serve:serve", "Start the server."),
    "call": ("client.caller.command:call", "Play recordings at a server, and measure it."),
    "doctor": ("bot.commands.doctor:doctor", "Look for faults, and say how to mend them."),
    "llm run": ("bot.commands.ask:run", "Ask the language model once."),
    "llm bench": ("bot.commands.llm_bench.command:bench", "Is an endpoint fast enough for calls?"),
    "llm up": ("bot.commands.engine:up", "Start an engine, and leave it running."),
    "llm status": ("bot.commands.engine:status", "Say which engines are up."),
    "llm logs": ("bot.commands.engine:logs", "Print what an engine has said last."),
    "llm down": ("bot.commands.engine:down", "End an engine."),
    "llm fetch": ("bot.commands.fetch:fetch", "Fetch a model for llama.cpp."),
    "llm demo": ("bot.engines.demo:demo", "Run the demo engine on its own."),
    "models list": ("bot.commands.models:list_models", "Those there are, and those here."),
    "models download": ("bot.commands.models:download", "Download models."),
    "models verify": ("bot.commands.models:verify", "Check those that are here."),
    "models where": ("bot.commands.models:where", "Print a model's folder."),
    "phone dial": ("bot.commands.phone_command:dial", "Call somebody."),
    "phone check": ("bot.commands.phone_command:check", "See whether Twilio can reach the server."),
    "phone setup": (
        "bot.commands.phone_command:setup",
        "Let a number of yours ring at the server.",
    ),
    "calls list": ("bot.commands.calls:list_calls", "All of them, the oldest first."),
    "calls show": ("bot.commands.calls:show", "One call's turns, and where the time went."),
    "calls export": ("bot.commands.calls:export", "One call as an archive, or its sound."),
    "calls delete": ("bot.commands.calls:delete_call", "One call, for good."),
    "replay": ("replay.command:replay", "Play recorded calls again, and compare."),
    "replay compare": ("replay.command:compare", "Two runs, turn by turn."),
    "replay facts": ("replay.command:facts", "Decide recorded calls again, from their facts."),
    "replay whatif": ("replay.command:whatif", "The waits with other parts."),
    "attack": ("bench.attack.command:attack", "Attack a server, beside good calls."),
    "bench turns": ("bench.command:turns", "How long people wait, beside a stock bot."),
    "bench stt": ("bench.stt:stt", "The ears, alone and in calls."),
    "bench tts": ("bench.tts:tts", "The voices, alone and in calls."),
    "bench texts": ("bench.texts:texts", "A call beside clients that write."),
}
"""The command as typed, the function that does it, and a line for lists of commands.

An installation may lack some of the modules.
"""

GROUPS = {
    "llm": "Language models: start, ask, measure.",
    "models": "Ears and voices that can be downloaded.",
    "phone": "The telephone, by Twilio.",
    "calls": "Recorded calls.",
    "bench": "Measure the server's parts.",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"halfsecond {__version__}")
        raise typer.Exit


def halfsecond(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print it and exit."
        ),
    ] = False,
) -> None:
    """A self-hosted voice agent server that answers at human pace.

    Start it with `./run serve`, then talk to it on its page, or with `./run call`.
    """


def command_line(words: Sequence[str], commands: Commands = COMMANDS) -> typer.Typer:
    """The command that `words` begin with; where they name none, all by their names alone.

    A command's module is imported where it is the one that was typed, for that takes seconds.
    """
    app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
    app.callback(help=typed_here(getdoc(halfsecond) or ""))(halfsecond)
    meant = _meant([word for word in words if not word.startswith("-")], commands)
    groups: dict[str, typer.Typer] = {}
    for name, (at, line) in ({meant: commands[meant]} if meant else commands).items():
        command = _imported(at) if meant else _named if _is_here(at) else None
        *group, last = name.split()
        if command is None or (group and group[0] in commands and not meant):
            continue  # the second is told of in the help of the command that it is a part of
        if group and group[0] not in groups:
            groups[group[0]] = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
            groups[group[0]].callback()(lambda: None)
            app.add_typer(groups[group[0]], name=group[0], help=GROUPS.get(group[0]))
        help_text = typed_here(getdoc(command) or "")
        place = groups[group[0]] if group else app
        place.command(last, short_help=line, help=help_text)(command)
    return app


def _imported(at: str) -> Callable[..., None] | None:
    module, function = at.split(":")
    if not _is_here(at):
        return None
    command: Callable[..., None] = getattr(import_module(module), function)
    return command


def _is_here(at: str) -> bool:
    try:
        return find_spec(at.partition(":")[0]) is not None
    except ModuleNotFoundError:
        return False


def _named() -> None:
    """Stands in a list of commands."""


def _meant(words: Sequence[str], commands: Commands) -> str | None:
    """The command whose whole name was typed: of `replay` and `replay compare` the longer."""
    typed = [name for name in commands if name.split() == list(words[: len(name.split())])]
    return max(typed, key=len, default=None)


def main() -> None:
    try:
        command_line(sys.argv[1:])(prog_name=program())
    except KeyboardInterrupt:  # while modules are imported; typer sees to it afterwards
        sys.exit(130)


if __name__ == "__main__":
    main()
