"""The text door, as OpenAI's clients know it: the calls' language model, for texts.

`POST /v1/chat/completions`, streaming and whole, and `GET /v1/models`. A request waits in the
shared queue, and is cancelled on the engine as soon as its client goes.
"""

import secrets
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from bot.endpoints.body import read_body
from bot.event_stream import EventStream, Writer
from bot.queueing import FullError
from bot.sessions import Doors, Sessions
from bot.sharing import GaveWayError, Queued, SharedModel
from bot.sharing import Request as Asked
from bot.wire.chat import (
    DONE,
    WAITING,
    BadRequestError,
    ChatRequest,
    Completion,
    failure,
    failure_event,
    models,
    place_comment,
    read_chat,
)
from pipelines.services.protocols import Finished, ServiceError, TextDelta

BODY_LIMIT = 1024 * 1024
"""Bytes: a context of 100,000 tokens and more."""

PLACE = "X-Queue-Place"
"""How many are served up to and with this request; 0 if it did not wait."""

CLIENT_HEADERS = (
    *("OpenAI-Organization", "OpenAI-Project", "X-Stainless-Arch", "X-Stainless-Async"),
    *("X-Stainless-Helper-Method", "X-Stainless-Lang", "X-Stainless-OS"),
    *("X-Stainless-Package-Version", "X-Stainless-Retry-Count", "X-Stainless-Runtime"),
    *("X-Stainless-Runtime-Version", "X-Stainless-Timeout"),
)
"""What OpenAI's client sends along from a page of another origin."""

_log = structlog.get_logger(__name__)


def routes(sessions: Sessions, shared: SharedModel) -> APIRouter:
    router = APIRouter(tags=["chat"])

    @router.get("/v1/models", responses={200: _json("The one model that there is.")})
    async def list_models() -> JSONResponse:
        return JSONResponse(models([shared.model] if shared.is_open else []))

    @router.post("/v1/chat/completions", responses=_ANSWERS, openapi_extra=takes(ChatRequest))
    async def complete(request: Request) -> Response:
        """An answer of the model that the calls talk to, whole or as server-sent events."""
        if (body := await read_body(request, BODY_LIMIT)) is None:
            return too_big()
        try:
            wanted = read_chat(body)
        except BadRequestError as wrong:
            return bad(wrong)
        if not is_open(sessions, shared):
            return closed()
        if wanted.model != shared.model:
            return _unknown(wanted.model)
        client = f"{address_of(request)}/{wanted.user or ''}"
        produce = _Produce(shared, wanted, client)
        return EventStream(produce.stream if wanted.stream else produce.whole, {}, quiet=WAITING)

    return router


class _Produce:
    """The answer to one request."""

    def __init__(self, shared: SharedModel, wanted: ChatRequest, client: str) -> None:
        self._shared = shared
        self._wanted = wanted
        self._client = client
        self._completion = new_completion(shared.model)

    async def stream(self, writer: Writer) -> Response | None:
        try:
            asked = self._enter(writer)
            await self._write(writer, asked)
        except FullError as full:
            return too_many(full)
        except (ServiceError, GaveWayError) as error:
            if not writer.began:
                return failed(error)
            await writer.write(failure_event(failure_of(error)))
        else:
            await writer.write(DONE)
        return None

    async def whole(self, writer: Writer) -> Response | None:
        pieces: list[str] = []
        finished = Finished("stop")
        try:
            asked = self._enter(writer)
            async with aclosing(self._shared.answer(asked)) as answer:
                async for one in answer:
                    match one:
                        case Queued():
                            pieces.clear()
                        case TextDelta(text):
                            pieces.append(text)
                        case Finished():
                            finished = one
        except FullError as full:
            return too_many(full)
        except (ServiceError, GaveWayError) as error:
            return failed(error)
        body = self._completion.whole(pieces, finished)
        return JSONResponse(body, headers={PLACE: writer.headers[PLACE]})

    def _enter(self, writer: Writer) -> Asked:
        asked = self._shared.enter(
            [message.plain() for message in self._wanted.messages],
            self._wanted.sampling,
            client=self._client,
            restartable=not self._wanted.stream,
        )
        writer.headers[PLACE] = str(self._shared.place(asked))
        return asked

    async def _write(self, writer: Writer, asked: Asked) -> None:
        completion, role = self._completion, self._completion.first()
        async with aclosing(self._shared.answer(asked)) as answer:
            async for one in answer:
                match one:
                    case Queued(place):
                        await writer.write(place_comment(place))
                    case TextDelta(text):
                        await writer.write(role + completion.piece(text))
                        role = b""
                    case Finished(reason):
                        counted = completion.count(one) if self._wanted.counts else b""
                        await writer.write(role + completion.last(reason) + counted)


# ---- what both forms of the text door say ----


def new_completion(model: str) -> Completion:
    return Completion(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), model)  # noqa: TID251


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def is_open(sessions: Sessions, shared: SharedModel) -> bool:
    return shared.is_open and sessions.doors is Doors.OPEN


def failure_of(error: ServiceError | GaveWayError) -> dict[str, object]:
    if isinstance(error, GaveWayError):
        return failure("a call needed the model", "server_error", code="gave_way")
    _log.warning("the language model failed", service=error.service, error=str(error))
    return failure("the language model failed", "server_error", code="engine_failed")


def failed(error: ServiceError | GaveWayError) -> Response:
    again = isinstance(error, GaveWayError) or error.retryable
    headers = {"X-Should-Retry": "true" if again else "false"}  # OpenAI's clients heed it
    return JSONResponse(failure_of(error), 502, headers)


def too_many(full: FullError) -> Response:
    body = failure(str(full), "rate_limit_error", code="queue_full")
    return JSONResponse(body, 429, {"Retry-After": "1"})


def closed() -> Response:
    body = failure("no text can be taken now", "server_error", code="not_ready")
    return JSONResponse(body, 503, {"Retry-After": "5"})


def too_big() -> Response:
    body = failure("the request is too big", "invalid_request_error", code="too_big")
    return JSONResponse(body, 413, {"Connection": "close"})


def bad(wrong: BadRequestError) -> Response:
    body = failure(str(wrong), "invalid_request_error", param=wrong.param)
    return JSONResponse(body, 400)


def _unknown(model: str) -> Response:
    message = f"The model `{model}` does not exist."
    body = failure(message, "invalid_request_error", param="model", code="model_not_found")
    return JSONResponse(body, 404)


# ---- what the API's description says of it ----


def _json(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {}}}


FAILURE: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def failures(*codes: int) -> dict[int | str, dict[str, Any]]:
    said = {
        400: "The body is not what it should be.",
        404: "There is no such model, or no such client.",
        413: "The body is too big.",
        429: "The queue is full.",
        502: "The language model failed.",
        503: "The models are still loading, or the server is leaving.",
    }
    content = {"application/json": {"schema": FAILURE}}
    return {code: {"description": said[code], "content": content} for code in codes}


def takes(body: type[BaseModel]) -> dict[str, Any]:
    """A body that is read by its own codec."""
    described = body.model_json_schema()
    schema = _inlined(described, described.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: Any, named: Mapping[str, Any]) -> Any:
    """References of a schema within another document would point nowhere."""
    match schema:
        case {"$ref": str(where)}:
            return _inlined(named[where.rpartition("/")[2]], named)
        case dict():
            return {name: _inlined(value, named) for name, value in schema.items()}
        case list():
            return [_inlined(value, named) for value in schema]
        case _:
            return schema


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, whole or as it is made.",
        "content": {"application/json": {}, "text/event-stream": {}},
    },
    **failures(400, 404, 413, 429, 502, 503),
}
