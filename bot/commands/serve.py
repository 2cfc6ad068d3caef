"""`halfsecond serve`: starts the server, and says what is in use once it is ready."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn, Protocol

import typer

from bot.listening import CannotListenError, address, listen
from bot.settings import Settings, SettingsError, load
from bot.telemetry import Metrics, configure_logs


class Chosen(Protocol):
    """What `bot.wiring.Wiring` chose, in words."""

    @property
    def ears(self) -> str: ...
    @property
    def llm(self) -> str: ...
    @property
    def voice(self) -> str: ...
    @property
    def is_demo(self) -> bool: ...


WEB = Path(__file__).parents[2] / "client" / "web"


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (HOST; 127.0.0.1).")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Port to listen on; 0 takes any (PORT; 7860).")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="The pace of the demo engine: none, a100, h100-fp8 or fixed-150 (PROFILE; none)."
        ),
    ] = None,
) -> None:
    """Start the server, and print its address once it is ready.

    Settings come from the environment and from .env; .env.example lists all.

    \b
    Examples:
      halfsecond serve
      halfsecond serve --port 8080 --profile fixed-150
      LLM_BASE_URL=http://localhost:8000/v1 LLM_MODEL=my-model halfsecond serve
    """
    try:
        settings = load(host=host, port=port, profile=profile)
    except SettingsError as error:
        _stop(str(error), 2)
    try:
        listener = listen(settings.host, settings.port)
    except CannotListenError as error:
        _stop(str(error), 1)
    with listener:
        typer.echo("halfsecond: loading the ears, the voice and the LLM ...", err=True)
        configure_logs(sys.stderr, log_format=settings.log_format, words=settings.log_words)
        if not asyncio.run(_serve(settings, listener)):
            raise typer.Exit(1)


async def _serve(settings: Settings, listener: socket.socket) -> bool:
    # Imported here, for they bring the frameworks: help and a wrong setting answer at once.
    from bot.server import run
    from bot.wiring import Wiring

    wiring = Wiring(settings)

    def on_ready() -> None:
        typer.echo(in_use(address(listener), wiring))

    return await run(
        wiring,
        Metrics(),
        listener,
        max_calls=settings.max_calls,
        drain_s=settings.drain_s,
        web=WEB,
        on_ready=on_ready,
    )


def in_use(url: str, chosen: Chosen) -> str:
    """What the operator reads once the server is ready."""
    lines = [
        f"Halfsecond is ready: {url}",
        f"  ears   {chosen.ears}",
        f"  LLM    {chosen.llm}",
        f"  voice  {chosen.voice}",
    ]
    if chosen.is_demo:
        lines += [
            "No language model is behind this: the demo answers by rule. To put one there, start",
            "vLLM, llama.cpp or any other OpenAI-compatible server, then this one again with",
            "  LLM_BASE_URL=http://localhost:8000/v1 LLM_MODEL=its-name ./run serve",
        ]
    return "\n".join(lines)


def _stop(line: str, code: int) -> NoReturn:
    typer.echo(f"halfsecond: {line}", err=True)
    raise typer.Exit(code)
