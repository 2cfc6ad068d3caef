"""`./run models`: what can be downloaded, what is here, and whether it is whole."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from bot.engines.models.catalogue import CATALOGUE, UnknownModelError, find
from bot.engines.models.download import DownloadError, Downloads, Tell
from bot.engines.models.download import DownloadProgress as Came
from bot.engines.models.model import CatalogueModel
from bot.engines.models.store import Store
from bot.terminal.ending import give_up
from bot.terminal.loading import loaded
from bot.terminal.options import AsJson
from bot.terminal.program import program

STOPPED = 130
"""Exit code, as the shell has it for Ctrl-C."""

LINE_EVERY_S = 5.0
"""Between two lines on a download, where nobody watches a bar."""


def list_models(
    as_data: AsJson = False,
) -> None:
    """List the models that can be downloaded, and which of them are here.

    \b
    Examples:
      ./run models list
      ./run models list --json
    """
    store = Store(loaded().models_dir)
    rows = [
        {
            "name": model.name,
            "for": "ears" if model.is_ears else "voice",
            "mb": model.mb,
            "here": store.installed(model) is not None,
            "about": model.about,
            "origin": model.origin,
        }
        for model in CATALOGUE.values()
    ]
    if as_data:
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        size = f"{row['mb']} MB" if row["mb"] else ""
        here = "here" if row["here"] else ""
        name, use, about = row["name"], row["for"], row["about"]
        typer.echo(f"{name:{width}}  {use:5}  {size:>7}  {here:4}  {about}")
    typer.echo("Any repository with a faster-whisper model can be named too, as OWNER/NAME.")


def download(
    names: Annotated[list[str], typer.Argument(help="As `models list` has them, or OWNER/NAME.")],
) -> None:
    """Download models. A download that was stopped goes on where it was; a model that is here is
    only checked.

    \b
    Examples:
      ./run models download distil-small.en
      ./run models download Systran/faster-whisper-medium
    """
    settings = loaded()
    store = Store(settings.models_dir)
    for model in [_find(name) for name in names]:
        try:
            with progress_bar(model) as tell:
                manifest = Downloads(store, settings.models_hub).fetch(model, tell)
        except DownloadError as error:
            give_up(str(error), 1)
        except KeyboardInterrupt:
            give_up("stopped; the same command goes on from here", STOPPED)
        size = sum(file.size for file in manifest.files)
        typer.echo(f"{model.name}: {size / 1e6:.0f} MB in {store.folder(model)}")


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="As `models list` has them; all that are here.")
    ] = None,
) -> None:
    """Read the models that are here, and compare them with what was downloaded.

    \b
    Examples:
      ./run models verify
      ./run models verify distil-small.en
    """
    store = Store(loaded().models_dir)
    models = [_find(name) for name in names or ()]
    if not models:
        models = [model for model in CATALOGUE.values() if store.manifest(model) is not None]
    if not models:
        typer.echo(f"There are no models in {store.root}.")
    damaged = False
    for model in models:
        if store.manifest(model) is None:
            give_up(f"{model.name} is not here: {program()} models download {model.name}", 1)
        for path, wrong in store.problems(model):
            damaged = damaged or bool(wrong)
            typer.echo(f"{model.name}/{path}: {wrong or 'as downloaded'}")
    if damaged:
        give_up("the same download again mends that", 1)


def where(
    name: Annotated[str | None, typer.Argument(help="A model; all of them without one.")] = None,
) -> None:
    """Print the folder of a model, or the one in which all of them are.

    \b
    Examples:
      ./run models where
      ./run models where distil-small.en
    """
    store = Store(loaded().models_dir)
    if name is None:
        typer.echo(store.root)
        return
    model = _find(name)
    if store.installed(model) is None:
        give_up(f"{name} is not here: {program()} models download {name}", 1)
    typer.echo(store.folder(model))


@contextmanager
def progress_bar(model: CatalogueModel) -> Iterator[Tell]:
    """The progress of a download, on standard error."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    if not console.is_terminal:
        yield in_lines(model.name)
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(model.name, total=None)

        def tell(came: Came) -> None:
            bar.update(task, completed=came.done, total=came.total)

        yield tell


def in_lines(name: str, now: Callable[[], float] = time.monotonic) -> Tell:
    """For a log: `gemma-3-1b: 81 of 806 MB, 10 %`, at most once in LINE_EVERY_S."""
    told_s = now()

    def tell(came: Came) -> None:
        nonlocal told_s
        if now() - told_s < LINE_EVERY_S:
            return
        told_s = now()
        done = f"{name}: {came.done / 1e6:.0f}"
        if came.total:
            done += f" of {came.total / 1e6:.0f} MB, {100 * came.done // came.total} %"
        else:
            done += " MB"
        typer.echo(done, err=True)

    return tell


def _find(name: str) -> CatalogueModel:
    try:
        return find(name)
    except UnknownModelError as error:
        give_up(str(error), 2)
