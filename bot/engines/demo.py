"""The demo engine: an OpenAI-compatible HTTP server that answers by rule, at a chosen pace.

`python -m bot.engines.demo --port 8001 --profile fixed-150 --seed 1` runs it on its own. A token
is a word with the blank before it and the punctuation after it. A stream is paced by deadlines
from the request's arrival, and stops when the client goes: `/stats` counts that.
"""

import asyncio
import json
import random
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
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.engines.demo_replies import answer
from bot.server.listening import CannotListenError, address, listen
from bot.settings.latency_profile import LatencyProfile, ProfileError, profile_named
from bot.settings.zone import zone_named

MODEL = "halfsecond-demo"


class DemoTextPart(BaseModel):
    type: Literal["text"]
    text: str


class DemoImagePart(BaseModel):
    type: Literal["image_url"]


class DemoRequestMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    text: str | list[DemoTextPart | DemoImagePart] | None = Field(None, alias="content")

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
    messages: list[DemoRequestMessage] = Field(min_length=1)
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
        model = {"id": self._model, "object": "model", "created": 0, "owned_by": "halfsecond"}
        return JSONResponse({"object": "list", "data": [model]})

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
            finish_reason="length" if limit and limit < len(tokens) else "stop",
            prompt_tokens=sum(len(tokenise(m.content)) for m in wanted.messages),
            first_s=arrived_s
            + self._profile.first_token_s(random.Random(f"{self._seed}/pace/{said}")),
            between_s=self._profile.between_s,
            header={
                "id": f"chatcmpl-demo-{next(self._ids)}",
                "created": int(now.timestamp()),
                "model": self._model,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One answer, and when each of its tokens is due."""

    tokens: list[str]
    finish_reason: str
    prompt_tokens: int
    first_s: float
    between_s: float
    header: dict[str, object]

    async def paced(self, stats: Stats) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        for i, token in enumerate(self.tokens):
            await asyncio.sleep(self.first_s + i * self.between_s - loop.time())
            stats.tokens += 1
            yield token

    def usage(self) -> dict[str, int]:
        said = len(self.tokens)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": said,
            "total_tokens": self.prompt_tokens + said,
        }

    def whole(self) -> dict[str, object]:
        message = {"role": "assistant", "content": "".join(self.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return self.header | {
            "object": "chat.completion",
            "choices": [choice],
            "usage": self.usage(),
        }

    def chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._event({"choices": [choice]})

    def usage_chunk(self) -> bytes:
        return self._event({"choices": [], "usage": self.usage()})

    def _event(self, fields: dict[str, object]) -> bytes:
        body = self.header | {"object": "chat.completion.chunk"} | fields
        return b"data: " + json.dumps(body).encode() + b"\n\n"


class _Reply(Response):
    """Sends while it generates, and stops generating when the client goes."""

    def __init__(self, engine: DemoEngine, wanted: DemoChatRequest, arrived_s: float) -> None:
        super().__init__()
        self._stats = engine.stats
        self._wanted = wanted
        self._generation = engine.generation(wanted, arrived_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            generating = tasks.create_task(self._counted(scope, receive, send))
            watching = tasks.create_task(_cancel_once_gone(receive, generating))
            generating.add_done_callback(lambda _: watching.cancel())

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._stats.opened += 1
        self._stats.open += 1
        done = False
        try:
            if self._wanted.stream:
                await self._stream(send)
            else:
                await self._whole(scope, receive, send)
            done = True
        finally:
            self._stats.open -= 1
            self._stats.finished += done
            self._stats.cancelled += not done

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in self._generation.paced(self._stats):
            pass
        await JSONResponse(self._generation.whole())(scope, receive, send)

    async def _stream(self, send: Send) -> None:
        async def write(event: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": event, "more_body": more})

        generation = self._generation
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        role = generation.chunk({"role": "assistant", "content": ""})
        async for token in generation.paced(self._stats):
            await write(role + generation.chunk({"content": token}))
            role = b""
        await write(generation.chunk({}, generation.finish_reason))
        if self._wanted.stream_options and self._wanted.stream_options.include_usage:
            await write(generation.usage_chunk())
        await write(b"data: [DONE]\n\n", more=False)


async def _cancel_once_gone(receive: Receive, task: "asyncio.Task[None]") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()


def tokenise(text: str) -> list[str]:
    """Words, each with the blank before it and the punctuation after it; joined, the text."""
    words = text.split(" ")
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)] if text else []


def _error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, f"{request.method} {request.url.path}: {error.detail}")


async def _serve(engine: DemoEngine, host: str, port: int, *, leashed: bool) -> None:
    sock = listen(host, port)
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
        typer.echo(f"halfsecond: --time-zone {time_zone} {error}", err=True)
        raise typer.Exit(2) from None
    try:
        engine = DemoEngine(profile_named(profile), seed, model, zone=zone)
    except ProfileError as error:
        typer.echo(f"halfsecond: --profile {profile} {error}", err=True)
        raise typer.Exit(2) from None
    try:
        asyncio.run(_serve(engine, host, port, leashed=leashed))
    except CannotListenError as error:
        typer.echo(f"halfsecond: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(demo)
