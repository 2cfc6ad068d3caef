"""The LLM server of the benchmark: the demo engine, giving everyone the same answer.

`python -m bench.engine --profile fixed-150` prints its address. Its first sentence is short, as
an assistant's is that was told to begin with a short phrase: whoever speaks whole sentences
(Pipecat does) waits six tokens for it, not the twenty of an echoed question. Its questions are
kept, under `/asked`: an answer to half a question is as fast as one pleases. `/say` gives it other
words, as the other person in a dialogue had them.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.engines.demo import DemoEngine, DemoRequestMessage
from bot.server.listening import address, listen
from bot.settings.latency_profile import PROFILES, ProfileName

ANSWER = (
    "Sure, I can help with that. Let me tell you how it goes, one step after the other, "
    "and you can stop me whenever you like. First we look at what there is, then at what is "
    "missing, and after that we decide together what to do about the rest. It does not take long."
)


class Answering:
    """Says the same to everyone until told otherwise, and writes down what each had said."""

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._answer = ANSWER

    def __call__(self, messages: Sequence[DemoRequestMessage]) -> str:
        self._asked.append(" ".join(m.content.strip() for m in messages if m.role == "user"))
        return self._answer

    async def say(self, request: Request) -> Response:
        """The answer from now on, as plain text; `ANSWER` again if it is empty."""
        self._answer = (await request.body()).decode() or ANSWER
        return Response(status_code=204)

    async def take(self, request: Request) -> Response:
        """All that the person had said, for each request since this was last asked."""
        taken, self._asked = self._asked, []
        return JSONResponse(taken)


def create_app(profile: ProfileName, seed: int = 0) -> Starlette:
    answering = Answering()
    app = DemoEngine(PROFILES[profile], seed, reply=answering).app()
    app.router.routes.append(Route("/asked", answering.take, methods=["POST"]))
    app.router.routes.append(Route("/say", answering.say, methods=["POST"]))
    return app


async def serve(app: Starlette, port: int) -> None:
    with listen("127.0.0.1", port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        typer.echo(f"{address(listener)}/v1")
        await server.serve(sockets=[listener])


def main(
    profile: Annotated[ProfileName, typer.Option()] = "fixed-150",
    seed: Annotated[int, typer.Option()] = 0,
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0,
) -> None:
    """Run the benchmark's LLM server on 127.0.0.1."""
    asyncio.run(serve(create_app(profile, seed), port))


if __name__ == "__main__":
    typer.run(main)
