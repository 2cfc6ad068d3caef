"""`./run llm fetch`: a language model for llama.cpp, as one GGUF file."""

from typing import Annotated

import typer

from bot.commands.ending import give_up
from bot.commands.models import STOPPED, progress_bar
from bot.engines.recipe import EngineError
from bot.models.download import DownloadError, Downloads
from bot.models.gguf import GGUF, file_of, model_named
from bot.models.store import Store
from bot.settings import SettingsError, load


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(help="A name of the list, OWNER/REPO/FILE.gguf, or an address of a file."),
    ] = None,
) -> None:
    """Fetch a GGUF for `llm up llama.cpp`; without a name, list those that have one.

    What was stopped goes on where it was, and the hub's checksum is checked.

    \b
    Examples:
      ./run llm fetch
      ./run llm fetch gemma-3-4b
      ./run llm fetch ggml-org/gemma-3-1b-it-GGUF/gemma-3-1b-it-Q8_0.gguf
    """
    try:
        settings = load()
    except SettingsError as error:
        give_up(str(error), 2)
    store = Store(settings.models_dir)
    if name is None:
        for model in GGUF.values():
            here = "here" if file_of(store, model) else ""
            typer.echo(
                f"{model.name:14}{model.mb:>6} MB  {here:4}  {model.about:20} {model.origin}"
            )
        return
    try:
        model = model_named(name)
        with progress_bar(model) as tell:
            Downloads(store, settings.models_hub).fetch(model, tell)
    except EngineError as error:
        give_up(str(error), 2)
    except DownloadError as error:
        give_up(str(error), 1)
    except KeyboardInterrupt:
        give_up("stopped; the same command goes on from here", STOPPED)
    file = file_of(store, model)
    typer.echo(f"{file}\n  start it  ./run llm up llama.cpp --model {file}")
