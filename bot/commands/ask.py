"""`./run llm run`: one answer in the terminal, by the client that calls have."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated

import typer

from bot.server.telemetry import configure_logs
from bot.settings import Settings
from bot.terminal.ending import give_up
from bot.terminal.loading import loaded
from bot.terminal.program import program
from pipelines.addresses import printable


def _share(value: float | None) -> float | None:
    if value is not None and not 0 < value <= 1:
        raise typer.BadParameter("should be over 0, and 1 at most")
    return value


def run(  # noqa: PLR0913 - the options of a command are its arguments
    prompt: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    url: Annotated[str | None, typer.Option(help="The endpoint, up to /v1 (LLM_BASE_URL).")] = None,
    model: Annotated[str | None, typer.Option(help="The model to ask for (LLM_MODEL).")] = None,
    system: Annotated[
        str | None, typer.Option(help="The system prompt (LLM_SYSTEM_PROMPT).")
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option(help="Tokens of the answer, at most (LLM_MAX_TOKENS).")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="0: the likeliest answer each time (LLM_TEMPERATURE)."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            callback=_share,
            help="Draw from the likeliest tokens that have this share of the probability.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="With the same one the same is drawn, if the engine can.")
    ] = None,
) -> None:
    """Ask the language model once, and print its answer as it comes.

    Without an endpoint it is the demo engine that answers. How fast it was is said on standard
    error.

    \b
    Examples:
      ./run llm run "How are you?"
      ./run llm run "Say hello." --url http://localhost:8000/v1 --model my-model
      ./run llm run "Name a colour." --temperature 1.2 --top-p 0.9 --seed 7
      git diff | ./run llm run - --system "Sum it up in one sentence." --max-tokens 1000
    """
    settings = loaded(
        llm_base_url=url,
        llm_model=model,
        llm_system_prompt=system,
        llm_max_tokens=max_tokens,
        llm_temperature=temperature,
    )
    asked = sys.stdin.read().strip() if prompt == "-" else prompt
    if not asked:
        give_up("there is nothing to ask", 2)
    configure_logs(sys.stderr)
    drawn = {"temperature": temperature, "top_p": top_p, "seed": seed}
    try:
        told = asyncio.run(_run(settings, asked, drawn))
    except KeyboardInterrupt:
        give_up("stopped", 130)
    if told is not None:
        give_up(told, 1)


async def _run(settings: Settings, asked: str, drawn: Mapping[str, float | None]) -> str | None:
    """Returns the failure, in one line."""
    # Imported here, for they bring the vendor's client: help and a wrong setting answer at once.
    from bot.engines.demo_process import DemoProcess
    from bot.wiring.model import language_model_for
    from pipelines.services.protocols import (
        ChatMessage,
        Finished,
        ServiceError,
        TextDelta,
        sampling_of,
    )

    demo = (
        None
        if settings.llm_base_url
        else DemoProcess(settings.profile, time_zone=settings.time_zone)
    )
    now, llm = asyncio.get_running_loop().time, None
    try:
        base_url = settings.llm_base_url or (await demo.open() if demo else "")
        llm = language_model_for(settings, base_url)
        await llm.open()
        messages = [ChatMessage("system", settings.system_prompt), ChatMessage("user", asked)]
        asked_s, came_s = now(), list[float]()
        others = {name: value for name, value in drawn.items() if name != "temperature"}
        sampling = sampling_of(None, drawn["temperature"], others)
        async with aclosing(llm.stream(messages, sampling)) as answer:
            async for delta in answer:
                if isinstance(delta, TextDelta):
                    came_s.append(now())
                    typer.echo(delta.text, nl=False)
                elif isinstance(delta, Finished):
                    pieces = delta.completion_tokens or len(came_s)
                    typer.echo()
                    typer.echo(_pace(llm.name, asked_s, came_s, pieces), err=True)
    except ServiceError as error:
        where = printable(settings.llm_base_url or "")
        return f"{settings.llm_model} at {where}: {error} ({program()} doctor)"
    finally:
        if llm is not None:
            await llm.close()
        if demo is not None:
            await demo.close()
    return None


def _pace(name: str, asked_s: float, came_s: list[float], tokens: int) -> str:
    first_ms, took_s = 1000 * (came_s[0] - asked_s), came_s[-1] - came_s[0]
    rate = f", then {(tokens - 1) / took_s:.0f} a second" if took_s > 0 else ""
    return f"{name}: first token after {first_ms:.0f} ms{rate}, {tokens} tokens"
