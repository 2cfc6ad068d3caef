"""`./run llm up`, `status`, `logs`, `down`: an engine on this machine, started and supervised."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, TypeAlias, cast, get_args

import typer
from rich.console import Console

from bot.engines.recipe import EngineError
from bot.engines.register import Entry, Register, is_supervisor, stop
from bot.settings import Settings
from bot.settings.engine import ALIASES, EngineName
from bot.terminal.ending import give_up
from bot.terminal.loading import loaded
from bot.terminal.options import AsJson
from bot.terminal.program import program
from pipelines.child_environment import child_environment


def engine_named(name: str) -> EngineName:
    """Raises typer.BadParameter."""
    name = ALIASES.get(name, name)
    for known in get_args(EngineName):
        if name == known:
            return cast(EngineName, known)
    raise typer.BadParameter(f"{name!r} is not one of {', '.join(get_args(EngineName))}")


Engine = Annotated[
    EngineName,
    typer.Argument(parser=engine_named, metavar="ENGINE", help="vllm, llama.cpp or demo."),
]
Show: TypeAlias = Callable[[str], None]
LOOK_EVERY_S = 0.1
DOWN_LIMIT_S = 30.0
KEPT_LINES = 200


def up(  # noqa: PLR0913 - the options of a command are its arguments
    engine: Engine,
    model: Annotated[
        str | None,
        typer.Option(
            help="A GGUF file or a name of `llm fetch`; for vLLM a folder or a hub's name."
        ),
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Port on this machine; 0 takes any (LLM_ENGINE_PORT; 8000).")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Tokens of a conversation (LLM_ENGINE_CONTEXT; 8192).")
    ] = None,
    slots: Annotated[
        str | None, typer.Option(help="Conversations at once (LLM_ENGINE_SLOTS; 4).")
    ] = None,
    memory_gb: Annotated[
        str | None, typer.Option(help="Gigabytes it may allocate (LLM_ENGINE_MEMORY_GB; no limit).")
    ] = None,
    binary: Annotated[
        str | None, typer.Option("--bin", help="Its program, if not on the path (LLM_ENGINE_BIN).")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="The pace of the demo engine (PROFILE; none).")
    ] = None,
) -> None:
    """Start an engine, wait until it answers, and leave it running with somebody to mind it.

    It is started again when it dies. vLLM is installed the first time, in a Python environment
    of its own; llama.cpp is the llama-server on the path.

    \b
    Examples:
      ./run llm up llama.cpp --model gemma-3-1b
      ./run llm up llama.cpp --model ~/models/mine.gguf --port 8001 --slots 2
      HF_TOKEN=hf_... ./run llm up vllm --model google/gemma-3-27b-it
      ./run llm up demo --profile a100
    """
    settings = loaded(
        llm_engine_model=model,
        llm_engine_port=port,
        llm_engine_context=context,
        llm_engine_slots=slots,
        llm_engine_memory_gb=memory_gb,
        llm_engine_bin=binary,
        profile=profile,
    )
    register = Register(settings.llm_engine_home)
    if (running := register.own(engine)) is not None:
        give_up(f"{engine} is up already, with {running.shown} ({program()} llm down {engine})", 1)
    try:
        ready_s = _start(settings, engine)
    except EngineError as error:
        give_up(str(error), 1)
    except KeyboardInterrupt:
        give_up("stopped before it was ready; nothing is left running", 130)
    entry = register.own(engine)
    if entry is None:
        give_up(f"{engine} was ready, and is gone ({program()} llm logs {engine})", 1)
    typer.echo(
        f"{engine} is up after {ready_s:.1f} s: {entry.shown} at {entry.base_url}\n"
        f"  use it  LLM_BASE_URL={entry.base_url} LLM_MODEL={entry.model} {program()} serve\n"
        f"  see it  {program()} llm status; {program()} llm logs {engine}\n"
        f"  end it  {program()} llm down {engine}"
    )


def _start(settings: Settings, engine: EngineName) -> float:
    # Imported here, for it brings the HTTP client: help and a wrong setting answer at once.
    from bot.engines.supervised import start_and_leave
    from bot.engines.supervisor import StartProgress
    from bot.wiring.own_engine import install, recipe_for

    recipe = recipe_for(settings, engine)
    with _status(f"starting {engine}") as show:
        install(settings, recipe, show)

        def tell(progress: StartProgress) -> None:
            show(f"{engine}, {progress.waited_s:.0f} s: {progress.text}")

        home, variables = (
            settings.llm_engine_home,
            child_environment(recipe.variables, reaches_out=True),
        )
        _, ready = start_and_leave(recipe, home, variables, tell)
    if not ready.streams:
        typer.echo(f"halfsecond: {engine} does not stream: whole answers come late", err=True)
    return ready.took_s


@contextmanager
def _status(first: str) -> Iterator[Show]:
    """One line that changes on a terminal; elsewhere a line each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: typer.echo(line, err=True)
        return
    with console.status(first) as shown:
        yield lambda line: shown.update(line[: console.width - 4])


def status(
    as_data: AsJson = False,
) -> None:
    """Say which engines are up, where, with what, and how often they had to be started again."""
    entries = list(Register(loaded().llm_engine_home).all())
    if as_data:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
    if not entries:
        typer.echo(f"No engine is up ({program()} llm up --help)")
    for entry in entries:
        typer.echo(_in_words(entry))


def _in_words(entry: Entry) -> str:
    times = "" if entry.restarts == 0 else f", started again {entry.restarts} times"
    why = f", the last time because {entry.trouble}" if entry.trouble else ""
    supervisor = f"{entry.supervisor}, for a server" if entry.served else f"{entry.supervisor}"
    return (
        f"{entry.name}  {entry.state}  {entry.base_url}  {entry.shown}\n"
        f"  since {entry.since}, pid {entry.engine or '-'}, supervised by {supervisor}{times}{why}"
    )


def logs(
    engine: Engine,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print the end of what an engine has said since it was started with `up` or `serve`."""
    register = Register(loaded().llm_engine_home)
    log = register.latest_log(engine)
    if log is None:
        give_up(f"{engine} has never been up here, or not in {register.root}", 1)
    with log.open("rb") as file:
        lines = file.readlines()[-KEPT_LINES:]
        sys.stdout.write(b"".join(lines).decode(errors="replace"))
        sys.stdout.flush()
        try:
            while follow:
                if file.tell() > os.fstat(file.fileno()).st_size:  # its beginning was cut off
                    file.seek(0)
                sys.stdout.write(file.read().decode(errors="replace"))
                sys.stdout.flush()
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            raise typer.Exit from None


def down(engine: Engine) -> None:
    """End an engine that was started with `up`, and its supervisor."""
    register = Register(loaded().llm_engine_home)
    entry = register.own(engine)
    if entry is None and register.entries(engine):
        give_up(f"{engine} goes with the server that has started it: stop that one", 1)
    if entry is None:
        give_up(f"{engine} is not up", 1)
    try:
        stop(entry.supervisor)
    except PermissionError:
        give_up(f"{engine} is somebody else's: process {entry.supervisor}", 1)
    for _ in range(round(DOWN_LIMIT_S / LOOK_EVERY_S)):
        if not is_supervisor(entry.supervisor):
            break
        time.sleep(LOOK_EVERY_S)
    else:
        stop(entry.supervisor, signal.SIGKILL)  # the engine's leash takes it along
        register.remove(engine, entry.supervisor)
    typer.echo(f"{engine} is down")
