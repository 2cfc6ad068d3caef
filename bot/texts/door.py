"""The text door, as OpenAI's clients know it: the calls' language model, for texts.

`POST /v1/chat/completions`, streaming and whole, and `GET /v1/models`. A request waits in the
shared queue, and is cancelled on the engine as soon as its client goes.
"""

import secrets
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from bot.calls.sessions import Doors, Sessions
from bot.server.body import read_body
from bot.texts.event_stream import EventStream, Writer, place_comment
from bot.texts.plain_text import Format, FormatError, TextEvents, format_of
from bot.texts.queueing import FullError
from bot.texts.request import (
    VALUES_LIMIT,
    BadRequestError,
    ChatRequest,
    has_too_many_values,
    read_chat,
    text_size,
)
from bot.texts.sharing import GaveWayError, Queued, SharedModel
from bot.texts.sharing import Request as Asked
from pipelines.services.llm.llm_wire import DONE, Completion, failure, failure_event, models
from pipelines.services.protocols import (
    IMAGES,
    FailureDetails,
    FailureKind,
    Finished,
    ServiceError,
    TextDelta,
)

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes: an image as a telephone takes it. Twice as much would keep the calls waiting for 100 ms
on a busy machine while it is read and written."""
TEXT_LIMIT = 1024 * 1024
"""Bytes beside the images: a context of 100,000 tokens and more."""

PLACE = "X-Queue-Place"
"""How many are served up to and with this request; 0 if it did not wait."""

CLIENT_HEADERS = (
    *("OpenAI-Organization", "OpenAI-Project", "X-Stainless-Arch", "X-Stainless-Async"),
    *("X-Stainless-Helper-Method", "X-Stainless-Lang", "X-Stainless-OS"),
    *("X-Stainless-Package-Version", "X-Stainless-Retry-Count", "X-Stainless-Runtime"),
    *("X-Stainless-Runtime-Version", "X-Stainless-Timeout"),
)
"""Headers that OpenAI's client sends along from a page of another origin."""

Failure: TypeAlias = dict[str, dict[str, str | None]]
"""An error's body."""

_log = structlog.get_logger(__name__)


def routes(sessions: Sessions, shared: SharedModel) -> APIRouter:
    router = APIRouter(tags=["chat"])

    @router.get("/v1/models", responses={200: _json("The one model that there is.")})
    async def list_models() -> JSONResponse:
        return JSONResponse(models([shared.model] if shared.is_open else []))

    @router.post(
        "/v1/chat/completions", responses=_ANSWERS, openapi_extra={**takes(ChatRequest), **FORMATS}
    )
    async def complete(request: Request) -> Response:
        """An answer of the model that the calls talk to, whole or as server-sent events."""
        try:
            form = form_of(request)
            wanted = read_chat(await read_request(request))
        except TooBigError as limit:
            return too_big(limit)
        except BadRequestError as wrong:
            return bad(wrong)
        if not is_open(sessions, shared):
            return closed()
        if wanted.model != shared.model:
            return _unknown(wanted.model)
        client = f"{address_of(request)}/{wanted.user or ''}"
        produce = _Produce(shared, wanted, client, form)
        return EventStream(produce.stream if wanted.stream else produce.whole)

    return router


class _Produce:
    """The answer to one request."""

    def __init__(self, shared: SharedModel, wanted: ChatRequest, client: str, form: Format) -> None:
        self._shared = shared
        self._wanted = wanted
        self._client = client
        self._completion = new_completion(shared.model)
        self._form: _Chunks | _Text = (
            _Text() if form == "text" else _Chunks(self._completion, counts=wanted.counts)
        )

    async def stream(self, writer: Writer) -> Response | None:
        try:
            asked = self._enter(writer)
            await self._write(writer, asked)
        except FullError as full:
            return too_many(full)
        except (ServiceError, GaveWayError) as error:
            if not writer.began:
                return failed(error)
            await writer.write(self._form.failed(failure_of(error)))
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
                        case TextDelta(text, anew=anew):
                            if anew:
                                pieces.clear()
                            pieces.append(text)
                        case Finished():
                            finished = one
        except FullError as full:
            return too_many(full)
        except (ServiceError, GaveWayError) as error:
            return failed(error)
        headers = {PLACE: writer.headers[PLACE]}
        if isinstance(self._form, _Text):
            return PlainTextResponse("".join(pieces), headers=headers)
        return JSONResponse(self._completion.whole(pieces, finished), headers=headers)

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
        async with aclosing(self._shared.answer(asked)) as answer:
            async for one in answer:
                match one:
                    case Queued(place):
                        told = place_comment(place)
                    case TextDelta(text):
                        told = self._form.piece(text)
                    case Finished():
                        told = self._form.end(one)
                if told:
                    await writer.write(told)


class _Chunks:
    """An answer in OpenAI's chunks."""

    def __init__(self, completion: Completion, *, counts: bool) -> None:
        self._completion = completion
        self._counts = counts
        self._role = completion.first()
        """Goes before the first words."""

    def piece(self, text: str) -> bytes:
        role, self._role = self._role, b""
        return role + self._completion.piece(text)

    def end(self, finished: Finished) -> bytes:
        role, self._role = self._role, b""
        counted = self._completion.count(finished) if self._counts else b""
        return role + self._completion.last(finished.reason) + counted + DONE

    def failed(self, failure: Failure) -> bytes:
        return failure_event(failure)


class _Text:
    """An answer as plain text."""

    def __init__(self) -> None:
        self._events = TextEvents()

    def piece(self, text: str) -> bytes:
        return self._events.piece("", text)

    def end(self, finished: Finished) -> bytes:
        return self._events.end("", finished.reason)

    def failed(self, failure: Failure) -> bytes:
        return self._events.error("", message_of(failure))


# ---- what both forms of the text door say ----


def new_completion(model: str) -> Completion:
    return Completion(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), model)  # noqa: TID251


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def is_open(sessions: Sessions, shared: SharedModel) -> bool:
    return shared.is_open and sessions.doors is Doors.OPEN


class TooBigError(Exception):
    """The body is over a limit, which the message names for the client."""


async def read_request(request: Request) -> bytes:
    """Raises TooBigError, and starlette's ClientDisconnect."""
    body = await read_body(request, BODY_LIMIT)
    if body is None:
        raise TooBigError(f"its body has more than {BODY_LIMIT} bytes")
    if len(body) > TEXT_LIMIT and text_size(body) > TEXT_LIMIT:
        raise TooBigError(f"its text has more than {TEXT_LIMIT} bytes")
    if has_too_many_values(body):
        raise TooBigError(f"its JSON has more than {VALUES_LIMIT} values")
    return body


def form_of(request: Request) -> Format:
    """The form of the answer that a client wants. Raises BadRequestError."""
    try:
        return format_of(request.query_params.get("format"), request.headers.get("accept", ""))
    except FormatError as wrong:
        raise BadRequestError(str(wrong), "format") from None


def failure_of(error: ServiceError | GaveWayError) -> Failure:
    if isinstance(error, GaveWayError):
        return failure("a call needed the model", "server_error", code="gave_way")
    if error.trouble.refused:
        return _refusal(error.trouble)
    _log.warning("the language model failed", service=error.service, error=str(error))
    return failure("the language model failed", "server_error", code="engine_failed")


def message_of(failure: Failure) -> str:
    return str(failure["error"]["message"])


def _refusal(trouble: FailureDetails) -> Failure:
    """The model's server found the request at fault."""
    kind, param = "invalid_request_error", trouble.param
    if trouble.too_long:
        message = "the messages are too long for the model's context"
        return failure(message, kind, code="context_length_exceeded", param="messages")
    if param == IMAGES:
        lacks = (
            "the model does not see images: leave them out, or have a multimodal model served "
            "(with llama.cpp: and its --mmproj)"
        )
        unread = "the model's server does not take these images: too many, too large, or damaged"
        message, code = (
            (lacks, "images_not_supported")
            if trouble.kind is FailureKind.UNSUPPORTED
            else (unread, None)
        )
        return failure(message, kind, code=code, param="messages")
    if trouble.kind is FailureKind.UNSUPPORTED:
        message = f"{param}: the model's server is not known to take this field: leave it out"
        return failure(message, kind, code="unsupported_parameter", param=param)
    if param:
        return failure(f"{param}: the model's server refuses this value", kind, param=param)
    return failure("the model's server refuses the request", kind, code="refused")


def failed(error: ServiceError | GaveWayError) -> Response:
    if isinstance(error, ServiceError) and error.trouble.refused:
        return JSONResponse(failure_of(error), 400)
    again = isinstance(error, GaveWayError) or error.retryable
    headers = {"X-Should-Retry": "true" if again else "false"}  # OpenAI's clients heed it
    return JSONResponse(failure_of(error), 502, headers)


def too_many(full: FullError) -> Response:
    body = failure(str(full), "rate_limit_error", code="queue_full")
    return JSONResponse(body, 429, {"Retry-After": "1"})


def closed() -> Response:
    body = failure("no text can be taken now", "server_error", code="not_ready")
    return JSONResponse(body, 503, {"Retry-After": "5"})


def too_big(limit: TooBigError) -> Response:
    said = f"the request is too big: {limit}"
    body = failure(said, "invalid_request_error", code="too_big")
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


FORMATS: Mapping[str, Any] = {
    "parameters": [
        {
            "name": "format",
            "in": "query",
            "description": "OpenAI's chunks, or the text alone. Without it, `Accept` decides.",
            "schema": {"type": "string", "enum": ["chunks", "text"]},
        }
    ]
}

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, whole or as it is made.",
        "content": {"application/json": {}, "text/event-stream": {}, "text/plain": {}},
    },
    **failures(400, 404, 413, 429, 502, 503),
}
