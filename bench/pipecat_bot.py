"""Our processor in a stock Pipecat bot (`examples/pipecat_bot.py`), as a peer of our own server.

`python -m bench.pipecat_bot --llm-url http://127.0.0.1:8001/v1` prints its address and serves calls
on `/ws`. It is the example itself but for the endpoint and the greeting: nobody is greeted.
"""

import asyncio
import sys
from typing import Annotated

import typer
import uvicorn
from loguru import logger

from bot.server.listening import CannotListenError, address, listen
from examples import pipecat_bot
from halfsecond import Policies


async def _serve(port: int) -> None:
    with listen("127.0.0.1", port) as listener:
        typer.echo(f"{address(listener).replace('http', 'ws', 1)}/ws")
        await uvicorn.Server(uvicorn.Config(pipecat_bot.app, log_config=None)).serve([listener])


def main(
    llm_url: Annotated[str, typer.Option(help="OpenAI-compatible, up to and including /v1.")],
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0,
    model: Annotated[str, typer.Option()] = "halfsecond-demo",
) -> None:
    """Serve the example on 127.0.0.1, for comparison."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    pipecat_bot.LLM_URL, pipecat_bot.LLM_MODEL = llm_url, model
    pipecat_bot.POLICIES = Policies(system_prompt=pipecat_bot.POLICIES.system_prompt)
    try:
        asyncio.run(_serve(port))
    except CannotListenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
