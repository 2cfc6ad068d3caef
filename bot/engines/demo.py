"""The demo engine: an OpenAI-compatible HTTP server that answers by rule, at a chosen pace.

`python -m bot.engines.demo --port 8001 --profile fixed-150 --seed 1` runs it on its own. A token
is a word with the blank before it and the punctuation after it. A stream is paced by deadlines
from the request's arrival, and stops when the client goes: `/stats` counts that.
"""

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

import typer
import uvicorn
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from bot.engines.demo_replies import answer
from bot.server.listening import CannotListenError, address, listen
from bot.settings.latency_profile import LatencyProfile, ProfileError, profile_named
from bot.settings.zone import zone_named
from bot.terminal.ending import give_up
from pipelines.services.llm.llm_wire import DONE, Completion, failure, models
from pipelines.services.protocols import Finished

MODEL = "halfsecond-demo"


class DemoTextPart(BaseModel):
    type: Literal["text"]
    text: str


class DemoImagePart(BaseModel):
    type: Literal["image_url"]


class DemoRequestMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    text: str | Annotated[list[DemoTextPart | DemoImagePart], Field(fail_fast=True)] | None = Field(
        None, alias="content"
    )

    @property
    def content(self) -> str:
        if isinstance(self.text, list):
            return "".join(part.text for part in self.text if isinstance(part, DemoTextPart))
        return self.text or ""

    @property
    def has_images(self) -> bool:
        return isinstance(self.text, list) and any(isinstance(p, DemoImagePart) for p in self.text)


class DemoStreamOptions(BaseModel):
    include_usage: bool = False


class DemoChatRequest(BaseModel):
    """The fields of the API's body that are used or checked, those of vLLM among them.

    The rest is allowed, and has no effect on a rule; nor has a temperature.
    """

    model: str
    messages: list[DemoRequestMessage] = Field(min_length=1, fail_fast=True)
    stream: bool = False
    stream_options: DemoStreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0)
    min_tokens: int | None = Field(None, ge=0)
    n: Literal[1] | None = 1


@dataclass(slots=True)
class Stats:
    """Requests since the start. `opened` is the sum of the next three."""

    opened: int = 0
    finished: int = 0
    cancelled: int = 0
    open: int = 0
    tokens: int = 0
    """Generated, whether or not anybody was left to hear them."""


Reply: TypeAlias = Callable[[Sequence[DemoRequestMessage]], str]
"""The reply, by the whole conversation."""


class DemoEngine:
    """Answers are a function of the seed, the conversation and the wall clock; so is the pace."""

    def __init__(
        self,
        profile: LatencyProfile,
        seed: int = 0,
        model: str = MODEL,
        *,
        reply: Reply | None = None,
        zone: ZoneInfo | None = None,
    ) -> None:
        """`reply` speaks in place of the rules; `zone` is where it tells the time; None: here."""
        self.stats = Stats()
        self._reply = reply
        self._zone = zone
        self._profile = profile
        self._seed = seed
        self._model = model
        self._ids = count(1)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/stats", self._stats),
            ],
            exception_handlers={HTTPException: _http_error},
        )

    async def _models(self, request: Request) -> Response:
        return JSONResponse(models([self._model]))

    async def _stats(self, request: Request) -> Response:
        return JSONResponse(asdict(self.stats))

    async def _chat(self, request: Request) -> Response:
        arrived_s = asyncio.get_running_loop().time()
        try:
            wanted = DemoChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(str(part) for part in wrong["loc"]) or None
            return _error(400, f"{where or 'body'}: {wrong['msg']}", param=where)
        if wanted.model != self._model:
            message = f"The model `{wanted.model}` does not exist."
            return _error(404, message, param="model", code="model_not_found")
        if any(message.has_images for message in wanted.messages):
            return _error(400, f"The model `{self._model}` takes no images.", param="messages")
        return _Reply(self, wanted, arrived_s)

    def generation(self, wanted: DemoChatRequest, arrived_s: float) -> "Generation":
        said = "\0".join(m.content for m in wanted.messages if m.role == "user")
        now = datetime.now(self._zone).astimezone(self._zone)
        if self._reply is not None:
            text = self._reply(wanted.messages)
        else:
            text = answer(wanted.messages, now=now, rng=random.Random(f"{self._seed}/words/{said}"))
        limit = wanted.max_completion_tokens or wanted.max_tokens
        tokens = tokenise(text)
        return Generation(
            tokens=tokens[:limit],
            finished=Finished(
                "length" if limit and limit < len(tokens) else "stop",
                prompt_tokens=sum(len(tokenise(m.content)) for m in wanted.messages),
                completion_tokens=len(tokens[:limit]),
            ),
            first_s=arrived_s
            + self._profile.first_token_s(random.Random(f"{self._seed}/pace/{said}")),
            between_s=self._profile.between_s,
            completion=Completion(
                f"chatcmpl-demo-{next(self._ids)}", int(now.timestamp()), self._model
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One answer, and when each of its tokens is due."""

    tokens: list[str]
    finished: Finished
    first_s: float
    between_s: float
    completion: Completion

    async def paced(self, stats: Stats) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        for i, token in enumerate(self.tokens):
            await asyncio.sleep(self.first_s + i * self.between_s - loop.time())
            stats.tokens += 1
            yield token


class _Reply(StreamingResponse):
    """Sends while it generates, and stops generating when the client goes."""

    def __init__(self, engine: DemoEngine, wanted: DemoChatRequest, arrived_s: float) -> None:
        super().__init__((), headers={"Cache-Control": "no-cache"}, media_type="text/event-stream")
        self._stats = engine.stats
        self._wanted = wanted
        self._generation = engine.generation(wanted, arrived_s)
        self.body_iterator = self._events()

    async def stream_response(self, send: Send) -> None:
        self._stats.opened += 1
        self._stats.open += 1
        done = False
        try:
            if self._wanted.stream:
                await super().stream_response(send)
            else:
                await self._whole(send)
            done = True
        finally:
            self._stats.open -= 1
            self._stats.finished += done
            self._stats.cancelled += not done

    async def _whole(self, send: Send) -> None:
        made = self._generation
        tokens = [token async for token in made.paced(self._stats)]
        answer = JSONResponse(made.completion.whole(tokens, made.finished))
        for name, body in (("start", {"status": 200, "headers": answer.raw_headers}),
                           ("body", {"body": answer.body})):  # fmt: skip
            await send({"type": f"http.response.{name}", **body})

    async def _events(self) -> AsyncIterator[bytes]:
        completion, finished = self._generation.completion, self._generation.finished
        role = completion.first()
        async for token in self._generation.paced(self._stats):
            yield role + completion.piece(token)
            role = b""
        yield completion.last(finished.reason)
        if self._wanted.stream_options and self._wanted.stream_options.include_usage:
            yield completion.count(finished)
        yield DONE


def tokenise(text: str) -> list[str]:
    """Words, each with the blank before it and the punctuation after it; joined, the text."""
    words = text.split(" ")
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)] if text else []


def _error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Response:
    body = failure(message, "invalid_request_error", param=param, code=code)
    return JSONResponse(body, status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, f"{request.method} {request.url.path}: {error.detail}")


async def _serve(engine: DemoEngine, sock: socket.socket, *, leashed: bool) -> None:
    config = uvicorn.Config(
        engine.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    if leashed:  # whoever started us holds the other end, and never writes: readable means gone

        def leave() -> None:
            server.should_exit = True

        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), leave)
    typer.echo(f"{address(sock)}/v1")
    await server.serve(sockets=[sock])


def demo(  # noqa: PLR0913 - the options of a command are its arguments
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    profile: Annotated[
        str,
        typer.Option(help="Whose pace to play: none, a100, h100-fp8, fixed-150, or a FILE."),
    ] = "none",
    seed: Annotated[int, typer.Option(help="For whatever is drawn by chance.")] = 0,
    model: Annotated[str, typer.Option(help="The name to answer to.")] = MODEL,
    time_zone: Annotated[
        str | None, typer.Option(help="Where it tells the time: an IANA name, Europe/Berlin.")
    ] = None,
    leashed: Annotated[bool, typer.Option(hidden=True)] = False,
    inherited: Annotated[int | None, typer.Option("--socket", hidden=True)] = None,
) -> None:
    """Run the demo engine: OpenAI-compatible, answers by rule, prints its address.

    A profile's FILE is what `llm bench --json` wrote, or as docs/guide/language-model.md has it.

    \b
    Examples:
      ./run llm demo --port 8001 --profile fixed-150 --seed 1
      ./run llm demo --profile measured.json
    """
    try:
        zone = None if time_zone is None else ZoneInfo(zone_named(time_zone))
    except ValueError as error:
        give_up(f"--time-zone {time_zone} {error}", 2)
    try:
        engine = DemoEngine(profile_named(profile), seed, model, zone=zone)
    except ProfileError as error:
        give_up(f"--profile {profile} {error}", 2)
    try:
        sock = listen(host, port) if inherited is None else socket.socket(fileno=inherited)
        asyncio.run(_serve(engine, sock, leashed=leashed))
    except CannotListenError as error:
        give_up(str(error), 1)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(demo)
