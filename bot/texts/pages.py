"""The text door in two steps, for pages: listen first, then ask as often as you like.

`GET /api/v1/chat/stream/{client_id}` registers the client and carries every answer to it;
`POST /api/v1/chat/submit` asks. When the stream ends, so does all that was asked for it.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from bot.calls.sessions import Doors, Sessions
from bot.texts.door import (
    FORMATS,
    TooBigError,
    address_of,
    bad,
    closed,
    failure_of,
    failures,
    form_of,
    is_open,
    message_of,
    new_completion,
    read_request,
    takes,
    too_big,
    too_many,
)
from bot.texts.event_stream import EventStream, Writer, place_comment
from bot.texts.plain_text import READY, TextEvents
from bot.texts.queueing import FullError
from bot.texts.request import CLIENT_ID, BadRequestError, Submission, read_submission
from bot.texts.sharing import GaveWayError, Progress, Queued, SharedModel
from bot.texts.sharing import Request as Asked
from pipelines.services.llm.llm_wire import Completion, event, failure, failure_event
from pipelines.services.protocols import Finished, ServiceError, TextDelta

PAGES_LIMIT = 256
"""Streams at once."""


class _Chunks:
    """Answers in OpenAI's chunks, between events of our own."""

    def ready(self, client_id: str, model: str) -> bytes:
        return event({"client_id": client_id, "model": model}, "ready")

    def told(self, completion: Completion, progress: Progress) -> bytes:
        match progress:
            case Queued(place):
                return event({"request_id": completion.id, "place": place}, "queued")
            case TextDelta(text=text):
                return completion.piece(text)
            case Finished(reason=reason):
                return completion.last(reason) + completion.count(progress)

    def failed(self, completion: Completion, error: ServiceError | GaveWayError) -> bytes:
        return failure_event({**failure_of(error), "request_id": completion.id})


class _Text:
    """Answers as plain text."""

    def __init__(self) -> None:
        self._events = TextEvents()

    def ready(self, client_id: str, model: str) -> bytes:
        return READY

    def told(self, completion: Completion, progress: Progress) -> bytes:
        match progress:
            case Queued(place):
                return place_comment(place)
            case TextDelta(text=text):
                return self._events.piece(completion.id, text)
            case Finished(reason=reason):
                return self._events.end(completion.id, reason)

    def failed(self, completion: Completion, error: ServiceError | GaveWayError) -> bytes:
        return self._events.error(completion.id, message_of(failure_of(error)))


@dataclass(slots=True, eq=False)
class _Page:
    """One client that listens."""

    client: str
    form: _Chunks | _Text
    asked: "asyncio.Queue[tuple[Completion, Asked] | None]" = field(default_factory=asyncio.Queue)
    """Holds no more than the model's queue does; None is the last."""
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    """Another stream has its name now."""


def routes(sessions: Sessions, shared: SharedModel) -> APIRouter:
    router = APIRouter(tags=["chat"], prefix="/api/v1/chat")
    pages = _Pages(sessions, shared)

    @router.get(
        "/stream/{client_id}", response_model=None, responses=_STREAM, openapi_extra=dict(FORMATS)
    )
    async def stream(request: Request, client_id: str = InPath(pattern=CLIENT_ID)) -> Response:
        """Server-sent events: `ready`; then for each prompt `queued`, its answer in OpenAI's
        chunks, or `error`. A second stream of the same name ends the first.

        With `format=text`: `ready`, the answer's text as events without a name, and `end` or
        `error`, each with the request's id.
        """
        try:
            form = _Text() if form_of(request) == "text" else _Chunks()
        except BadRequestError as wrong:
            return bad(wrong)
        return pages.listen(client_id, _Page(f"{address_of(request)}/page/{client_id}", form))

    @router.post("/submit", status_code=202, responses=_SUBMIT, openapi_extra=takes(Submission))
    async def submit(request: Request) -> Response:
        """Ask the model; the answer comes over the client's stream, under `request_id`."""
        try:
            return pages.ask(read_submission(await read_request(request)))
        except TooBigError as limit:
            return too_big(limit)
        except BadRequestError as wrong:
            return bad(wrong)
        except FullError as full:
            return too_many(full)

    return router


class _Pages:
    """Those that listen."""

    def __init__(self, sessions: Sessions, shared: SharedModel) -> None:
        self._sessions = sessions
        self._shared = shared
        self._there: dict[str, _Page] = {}

    def listen(self, client_id: str, page: _Page) -> Response:
        if not is_open(self._sessions, self._shared):
            return closed()

        async def produce(writer: Writer) -> Response | None:
            # Looked at here, where it is entered: many who ask at once are counted one by one.
            old = self._there.get(client_id)
            if old is None and len(self._there) >= PAGES_LIMIT:
                return _no_room()
            if old is not None:
                old.taken.set()
            self._there[client_id] = page
            try:
                await writer.write(page.form.ready(client_id, self._shared.model))
                await self._attend(page, writer)
            finally:
                if self._there.get(client_id) is page:
                    del self._there[client_id]
                while not page.asked.empty():
                    if (left := page.asked.get_nowait()) is not None:
                        self._shared.drop(left[1])
            return None

        return EventStream(produce)

    def ask(self, wanted: Submission) -> Response:
        """Raises FullError."""
        if not is_open(self._sessions, self._shared):
            return closed()
        page = self._there.get(wanted.client_id)
        if page is None:
            return _nobody(wanted.client_id)
        asked = self._shared.enter(wanted.messages(), wanted.sampling, client=page.client)
        completion = new_completion(self._shared.model)
        page.asked.put_nowait((completion, asked))
        told = {"request_id": completion.id, "place": self._shared.place(asked)}
        return JSONResponse(told, 202)

    async def _attend(self, page: _Page, writer: Writer) -> None:
        """Until another takes the page's name; once the server leaves, what was asked is the last.

        That is what its `asked` is for: nothing is asked any more when the doors are closed.
        """

        async def leave() -> None:
            await self._sessions.until(Doors.DRAINING, Doors.BROKEN)
            page.asked.put_nowait(None)

        async def give_up(answering: "asyncio.Task[None]") -> None:
            await page.taken.wait()
            answering.cancel()

        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(_answer_all(page, self._shared, writer))
            watching = [tasks.create_task(leave()), tasks.create_task(give_up(answering))]
            answering.add_done_callback(lambda _: [task.cancel() for task in watching])


async def _answer_all(page: _Page, shared: SharedModel, writer: Writer) -> None:
    async with asyncio.TaskGroup() as tasks:
        while (one := await page.asked.get()) is not None:
            completion, asked = one
            answering = _Answering(completion, asked, shared, writer, page.form)
            tasks.create_task(answering.run()).add_done_callback(answering.over)


@dataclass(slots=True)
class _Answering:
    completion: Completion
    asked: Asked
    shared: SharedModel
    writer: Writer
    form: _Chunks | _Text
    begun: bool = False

    def over(self, _task: "asyncio.Task[None]") -> None:
        if not self.begun:  # it was cancelled before its first step
            self.shared.drop(self.asked)

    async def run(self) -> None:
        self.begun = True
        try:
            async with aclosing(self.shared.answer(self.asked)) as answer:
                async for one in answer:
                    if told := self.form.told(self.completion, one):
                        await self.writer.write(told)
        except (ServiceError, GaveWayError) as error:
            await self.writer.write(self.form.failed(self.completion, error))


def _no_room() -> Response:
    body = failure("too many clients listen", "rate_limit_error", code="full")
    return JSONResponse(body, 429, {"Retry-After": "5"})


def _nobody(client_id: str) -> Response:
    message = f"no stream of the client {client_id} is open: open it first"
    body = failure(message, "invalid_request_error", param="client_id", code="no_such_client")
    return JSONResponse(body, 404)


# ---- what the API's description says of it ----

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, until the client goes.",
        "content": {"text/event-stream": {}},
    },
    **failures(400, 429, 503),
}

_SUBMIT: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "It is asked, or waits.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["request_id", "place"],
                    "properties": {
                        "request_id": {"type": "string"},
                        "place": {"type": "integer", "minimum": 0},
                    },
                }
            }
        },
    },
    **failures(400, 404, 413, 429, 503),
}
