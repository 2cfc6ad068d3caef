"""`./run bench stt`: how fast and how well each of the ears hears, alone and in calls."""

import asyncio
import json
from typing import Annotated, Literal

import typer
from rich.console import Console

from bench.output import Picture
from bot.server.telemetry import silence_pipecat
from bot.settings import SettingsError, load
from bot.terminal.output import JsonFile

FAILED = 2


def stt(  # noqa: PLR0913 - the options of a command are its arguments
    engine: Annotated[
        list[str] | None,
        typer.Option(help="moonshine, faster-whisper, ...; all that are here without it."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Of the engine named; as STT_MODEL.")] = None,
    calls: Annotated[
        list[int] | None, typer.Option(min=0, max=64, help="At once; 0 is none (1, 2, 4, 8).")
    ] = None,
    peer: Annotated[
        Literal["none", "stock"], typer.Option(help="Beside Pipecat's Moonshine service.")
    ] = "none",
    limit: Annotated[int, typer.Option(min=1, help="Recordings in each call.")] = 10,
    json_file: JsonFile = None,
    picture: Picture = None,
) -> None:
    """Measure the ears on the labelled recordings: each engine alone, then in calls at once.

    \b
    Examples:
      ./run bench stt
      ./run bench stt --engine moonshine --calls 4 --peer stock
      ./run bench stt --engine faster-whisper --model distil-small.en --calls 0
    """
    errors = Console(stderr=True)
    silence_pipecat()
    # Imported here, for they bring the frameworks, and Pipecat says so unless it is told not to.
    from bench.stt_corpus import recordings
    from bench.stt_measure import made_on, measure, wanted
    from bench.stt_table import as_document, print_tables
    from bot.wiring.ears import choose_ears
    from pipelines.services.protocols import ServiceError

    try:
        settings = load()
        choices = [choose_ears(one) for one in wanted(settings, engine or (), model)]
        items = recordings()
        found = asyncio.run(measure(choices, items, calls or [1, 2, 4, 8], peer, limit, errors))
    except (SettingsError, ServiceError, OSError) as error:
        errors.print(f"halfsecond: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from None
    console = Console() if Console().is_terminal else Console(width=150)
    made = made_on(limit)
    print_tables(console, found.alone, found.cells)
    console.print(f"{made['cpu']}, {made['cores']} cores, {made['at']}", highlight=False)
    if json_file is not None:
        document = as_document(made, found.alone, found.cells, found.heard)
        json_file.write_text(json.dumps(document, indent=1) + "\n")
    if picture is not None and found.cells:
        from bench.levels import draw

        picture.write_text(draw(found.cells, f"Ears on {made['cores']} cores, {made['at']}"))
