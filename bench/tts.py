"""`./run bench tts`: how soon and how fast each voice speaks, alone and in calls at once."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from bench.output import Picture
from bot.server.telemetry import silence_pipecat
from bot.settings import SettingsError, load
from bot.terminal.output import JsonFile

FAILED = 2


def tts(
    engine: Annotated[
        list[str] | None,
        typer.Option(help="espeak, piper, ...; all that are here without it."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Of the engine named; as TTS_MODEL.")] = None,
    calls: Annotated[
        list[int] | None, typer.Option(min=1, max=64, help="At once (1, 2, 4, 8).")
    ] = None,
    answers: Annotated[int, typer.Option(min=1, help="That each call is given.")] = 10,
    json_file: JsonFile = None,
    picture: Picture = None,
) -> None:
    """Measure the voices: first audio, real-time factor and memory; then with calls at once.

    An answer is a short first clause, that somebody waits for, and two sentences behind it.

    \b
    Examples:
      ./run bench tts
      ./run bench tts --engine piper --model voices/en_US-amy-medium.onnx --calls 4
      ./run bench tts --json tts.json --picture tts.svg
    """
    errors = Console(stderr=True)
    silence_pipecat()
    # Imported here, for they bring the frameworks, and Pipecat says so unless it is told not to.
    from bench.stt_measure import made_on
    from bench.tts_measure import measure, wanted
    from bench.tts_table import as_document, draw_first_audio, print_tables
    from bot.wiring.voice import choose_voice
    from pipelines.services.protocols import ServiceError

    try:
        settings = load()
        choices = [choose_voice(one) for one in wanted(settings, engine or (), model)]
        alone, cells = asyncio.run(measure(choices, calls or [1, 2, 4, 8], answers, errors))
    except (SettingsError, ServiceError, OSError) as error:
        errors.print(f"halfsecond: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from None
    console = Console() if Console().is_terminal else Console(width=150)
    made = made_on(answers)
    print_tables(console, alone, cells)
    console.print(f"{made['cpu']}, {made['cores']} cores, {made['at']}", highlight=False)
    if json_file is not None:
        json_file.write_text(json.dumps(as_document(made, alone, cells), indent=1) + "\n")
    if picture is not None:
        heading = f"Voices on {made['cores']} cores, {made['at']}"
        picture.write_text(draw_first_audio(cells, heading))
