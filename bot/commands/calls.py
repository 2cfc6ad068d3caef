"""`./run calls`: what was recorded, and what becomes of it."""

import shutil
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.recordings.folder import UNFINISHED, Kept, State, delete, kept, privately
from bot.terminal.ending import give_up
from bot.terminal.loading import loaded
from bot.terminal.program import program
from pipelines.core.recording import SOUND_NAME
from replay.call_folder import UnreadableError, load
from replay.printed import print_run
from replay.run import as_it_went
from replay.spoken import Exchange, exchanges_of

PRINTED_CELLS = 110
Folder = Annotated[
    Path | None, typer.Option(help="Where the recordings are (RECORD_FOLDER; recordings).")
]
_ENDED: Mapping[State, str] = {
    "ended": "yes",
    "running": "not yet: it is running",
    "cut off": "no: it was cut off",
}
Name = Annotated[str, typer.Argument(help="A recording's name, or how it begins.")]


def list_calls(folder: Folder = None) -> None:
    """All recorded calls, the oldest first.

    \b
    Example:
      ./run calls list
    """
    where = _folder(folder)
    found = kept(where)
    if not found:
        typer.echo(f"No call is recorded in {where}. RECORD_CALLS=full or timing records them.")
        return
    table = Table("name", "door", "kept", "seconds", "megabytes", "ended")
    for one in found:
        lasts_s = one.lasts_s
        table.add_row(
            one.name,
            str(one.about.get("door", "")),
            str(one.about.get("level", "")),
            "" if lasts_s is None else f"{lasts_s:.0f}",
            f"{one.size / 1e6:.1f}",
            _ENDED[one.state],
        )
    _console().print(table)


def show(name: Name, folder: Folder = None) -> None:
    """One call: its turns, and where the time went.

    \b
    Example:
      ./run calls show 20261120T121355Z
    """
    one = _one(name, _folder(folder))
    try:
        call = load(one.folder)
        run = as_it_went(call)
    except UnreadableError as error:
        give_up(str(error), 2)
    console = _console()
    if one.state == "running":
        console.print(f"This call is running; until now, after {one.lasts_s or 0:.0f} s:")
    for exchange in exchanges_of(call.events, run.turns):
        _show(console, exchange)
    print_run(console, run)


def _show(console: Console, one: Exchange) -> None:
    if one.turn is not None:
        wait, told = f"{one.turn.v2v_s * 1000:5.0f} ms", one.turn.verdict
    else:
        wait, told = " " * 8, "typed" if one.typed else "not measured"
        told = told if one.asks else "said by itself"
    console.print(Text.assemble((f"{one.number:3}  {wait}", "bold"), f"  {told}"))
    for who, words in (("caller", one.asked), ("bot", one.said)):
        if words:
            console.print(Text.assemble((f"     {who:7}", "dim"), words))
    if one.heard is not None:
        console.print(Text.assemble(("     heard  ", "dim"), one.heard or "-"))


def export(
    name: Name,
    to: Annotated[Path, typer.Option(help="A file to write: NAME.tar.gz, or NAME.flac.")],
    folder: Folder = None,
) -> None:
    """One call as an archive, or its sound alone: the caller left, the bot right.

    \b
    Examples:
      ./run calls export 20261120T121355Z --to call.tar.gz
      ./run calls export 20261120T121355Z --to call.flac
    """
    one = _one(name, _folder(folder))
    try:
        with _whole_or_not_at_all(to) as half:
            if to.suffix == ".flac":
                sound = one.folder / SOUND_NAME
                if not sound.is_file():
                    give_up(f"{one.name}: has no sound", 2)
                shutil.copyfile(sound, half)
            else:
                with tarfile.open(half, "w:gz") as archive:
                    archive.add(one.folder, one.name)
        size = to.stat().st_size
    except OSError as error:
        give_up(f"{to}: {error.strerror or error}", 2)
    typer.echo(f"{to}: {size / 1e6:.1f} MB")


@contextmanager
def _whole_or_not_at_all(to: Path) -> Iterator[Path]:
    """A file beside `to` that its owner alone can read, and that takes its place at the end."""
    if not to.name or (to.exists() and not to.is_file()):
        raise OSError(f"{str(to)!r} is not the name of a file")
    half = to.with_name(f".{to.name}{UNFINISHED}")
    with open(half, "xb", opener=privately):
        pass
    try:
        yield half
        half.replace(to)
    finally:
        half.unlink(missing_ok=True)


def delete_call(
    name: Name,
    folder: Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """One call, for good.

    \b
    Example:
      ./run calls delete 20261120T121355Z --yes
    """
    one = _one(name, _folder(folder))
    if one.state == "running":
        give_up(f"{one.name}: is being recorded now; it can be deleted once the call is over", 1)
    if not yes:
        typer.confirm(f"Delete {one.name}?", abort=True)
    try:
        delete(one)
    except OSError as error:
        why = error.strerror or error
        give_up(f"{one.name}: not all of it could be deleted: {error.filename}: {why}", 1)
    typer.echo(f"{one.name} is deleted.")


def _folder(given: Path | None) -> Path:
    return loaded().record_folder if given is None else given


def _one(name: str, folder: Path) -> Kept:
    if not name:
        give_up(f"give a recording's name, or how it begins; `{program()} calls list` lists all", 2)
    found = [one for one in kept(folder) if one.name.startswith(name)]
    if not found:
        give_up(f"{name}: no such recording in {folder}; `{program()} calls list` lists all", 2)
    if len(found) > 1:
        give_up(f"{name}: could be {', '.join(one.name for one in found[:3])}", 2)
    return found[0]


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
