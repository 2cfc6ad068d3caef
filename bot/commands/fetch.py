"""`./run llm fetch`: a language model for llama.cpp, as one GGUF file."""

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.models import STOPPED, progress_bar
from bot.engines.models.download import DownloadError, Downloads
from bot.engines.models.gguf import GGUF, file_of, lies_at, model_named, place_of
from bot.engines.models.store import Store
from bot.engines.recipe import EngineError
from bot.terminal.ending import give_up
from bot.terminal.loading import loaded
from bot.terminal.program import program


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A name of the list, OWNER/REPO/FILE.gguf, an address of a file, or where it is "
            "to lie: NAME/FILE.gguf."
        ),
    ] = None,
) -> None:
    """Fetch a GGUF for `llm up llama.cpp`; without a name, list those that have one.

    What was stopped goes on where it was, and the hub's checksum is checked. NAME/FILE.gguf is
    where a file of the list lies below MODELS_DIR: one that lies there already is left alone.

    \b
    Examples:
      ./run llm fetch
      ./run llm fetch gemma-3-4b
      ./run llm fetch ggml-org/gemma-3-1b-it-GGUF/gemma-3-1b-it-Q8_0.gguf
    """
    settings = loaded()
    store = Store(settings.models_dir)
    if name is None:
        for model in GGUF.values():
            here = "here" if file_of(store, model) else ""
            typer.echo(
                f"{model.name:14}{model.mb:>6} MB  {here:4}  {model.about:20} {place_of(model)}"
            )
        return
    if (file := lies_at(store, name)) is None:
        file = _fetched(store, settings.models_hub, name)
    typer.echo(f"{file}\n  start it  {program()} llm up llama.cpp --model {file}")


def _fetched(store: Store, hub: str, name: str) -> Path:
    """One that is here is kept where the hub cannot be asked about it."""
    try:
        model = model_named(name)
    except EngineError as error:
        give_up(str(error), 2)
    try:
        with progress_bar(model) as tell:
            manifest = Downloads(store, hub).fetch(model, tell)
    except DownloadError as error:
        if (file := file_of(store, model)) is None:
            give_up(str(error), 1)
        typer.echo(f"it is here, and was not compared with the hub's: {error}", err=True)
        return file
    except KeyboardInterrupt:
        give_up("stopped; the same command goes on from here", STOPPED)
    [came] = manifest.files
    checked = "as the hub has it" if came.hub_says == "sha256" else "nobody says what it should be"
    typer.echo(f"{came.size / 1e6:.0f} MB, SHA-256 {came.sha256}: {checked}", err=True)
    return store.folder(model) / came.path
