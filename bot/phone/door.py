"""The telephone's door: `POST /twilio/voice` takes a call, `WS /twilio/media` carries its sound."""

import asyncio
import secrets
from typing import Any
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from starlette.types import Scope

from bot.calls.errors import PeerError
from bot.calls.sessions import Doors, RefusedError, Sessions, Visitor
from bot.calls.websocket import WebSocketSocket
from bot.phone import twiml
from bot.phone.line import Opening, TelephoneConfig, TelephoneLine, read_start
from bot.phone.signature import HEADER, Parameters, is_signed, may_be_signature
from bot.phone.waiting import Place, WaitingRoom
from bot.server.access import NO_TICKET, Tickets
from bot.server.body import read_body

VOICE, STATUS, MEDIA = "/twilio/voice", "/twilio/status", "/twilio/media"

BODY_LIMIT = 64 * 1024
FIELDS_LIMIT = 256
"""Fields of a webhook's form: Twilio sends some forty. They are parsed and sorted before it is
known whether they are signed."""
FORM = "application/x-www-form-urlencoded"

_TOLD = ("CallStatus", "StreamEvent", "StreamError", "ErrorCode", "SipResponseCode")
"""The fields of a callback that are worth a line in the log: no numbers of people."""

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is no form of a call's."},
    403: {"description": "It is not signed, or not by the account whose token is set."},
    413: {"description": "The request is too big."},
    415: {"description": f"The body is not {FORM}."},
    503: {"description": "The telephone is not set up."},
}
_TWIML: dict[int | str, dict[str, Any]] = {
    200: {"description": "What Twilio is to do.", "content": {twiml.CONTENT_TYPE: {}}}
}

_log = structlog.get_logger(__name__)


class Refused(Exception):  # noqa: N818
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        """For the metric: one of few."""

    def answer(self) -> JSONResponse:
        return JSONResponse({"error": str(self)}, self.status)


class TelephoneDoor:
    """The routes' common ground. `close` it when the server goes."""

    def __init__(self, sessions: Sessions, phone: TelephoneConfig) -> None:
        self._sessions = sessions
        self._phone = phone
        self._limits = phone.limits(sessions.limits)
        self._tickets = Tickets()
        self._waiting = WaitingRoom()
        self._rest = phone.rest() if phone.account_sid and phone.auth_token else None

    async def close(self) -> None:
        if self._rest is not None:
            await self._rest.close()

    def routes(self) -> APIRouter:
        router = APIRouter(tags=["phone"])
        router.post(VOICE, response_class=Response, responses=_TWIML | _REFUSALS)(self.voice)
        router.post(STATUS, status_code=204, response_class=Response, responses=_REFUSALS)(
            self.status
        )
        router.websocket(MEDIA)(self.media)
        return router

    # ---- webhooks ----

    async def voice(self, request: Request) -> Response:
        """A call has come in, or one that we placed was answered: what Twilio is to do with it."""
        try:
            told = dict(await self._signed(request))
            if not told.get("CallSid"):
                raise Refused(400, "parameters", "there is no CallSid")
        except Refused as refused:
            return self._turn_away(refused)
        return Response(self._document(told), media_type=twiml.CONTENT_TYPE)

    async def status(self, request: Request) -> Response:
        """How a call or its stream fares, for the log."""
        try:
            told = dict(await self._signed(request))
        except Refused as refused:
            return self._turn_away(refused)
        news = {name.lower(): told[name][:200] for name in _TOLD if told.get(name)}
        _log.info("twilio reports", call=told.get("CallSid", "")[:64], **news)
        return Response(status_code=204)

    def _document(self, told: dict[str, str]) -> str:
        if told.get("AnsweredBy", "").startswith(("machine", "fax")):
            return twiml.hang_up()
        phrases = self._phone.phrases
        try:
            self._sessions.check()
        except RefusedError:
            is_busy = self._sessions.doors is Doors.OPEN
            words = phrases.busy if is_busy else phrases.away
            return twiml.say_and_hang_up(words, phrases.language)
        ticket = secrets.token_urlsafe(24)
        self._tickets.issue(ticket, _now(), call=told["CallSid"])
        return twiml.connect(
            self._phone.socket_base + MEDIA,
            self._phone.public + STATUS,
            {"token": ticket},
            phrases.broken,
            phrases.language,
        )

    async def _signed(self, request: Request) -> Parameters:
        """The posted form, if Twilio has signed it."""
        self._check_open()
        given = request.headers.get(HEADER, "")
        if not may_be_signature(given):
            lacks = "is no signature" if given else "is missing"
            raise Refused(403, "signature", f"the header {HEADER} {lacks}")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise Refused(415, "content type", f"the body should be {FORM}")
        if (body := await read_body(request, BODY_LIMIT)) is None:
            said = f"the request is too big: it has more than {BODY_LIMIT} bytes"
            raise Refused(413, "parameters", said)
        if body.count(b"&") >= FIELDS_LIMIT:
            raise Refused(413, "parameters", f"the form has more than {FIELDS_LIMIT} fields")
        try:
            posted = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise Refused(400, "parameters", "the body is not a form's") from None
        self._check_signature(f"{self._phone.public}{_path(request.scope)}", given, posted)
        return posted

    def _check_open(self) -> None:
        if not self._phone.is_open:
            raise Refused(
                503, "shut", f"the telephone is not set up: {self._phone.lacks} must be set"
            )

    def _check_signature(self, url: str, given: str, posted: Parameters = ()) -> None:
        if not is_signed(self._phone.auth_token, url, given, posted):
            raise Refused(
                403,
                "signature",
                "the signature is wrong: TWILIO_AUTH_TOKEN is another account's, "
                f"or the webhook's address does not begin with {self._phone.public}",
            )

    def _turn_away(self, refused: Refused) -> Response:
        self._sessions.refuse(refused.reason)
        _log.warning("a request to the telephone was refused", reason=str(refused))
        return refused.answer()

    # ---- the call's sound ----

    async def media(self, websocket: WebSocket) -> None:
        """Nothing is made for a call before its stream has shown the token of its webhook."""
        try:
            place = self._check_upgrade(websocket)
        except Refused as refused:
            await websocket.send_denial_response(self._turn_away(refused))
            return
        socket = WebSocketSocket(websocket)
        try:
            await websocket.accept()
            opening = await self._read_start(socket, place.start_s)
        finally:
            self._waiting.leave(place)
        if opening is None:
            return
        if not self._admits(opening):
            self._sessions.refuse(NO_TICKET.reason)
            _log.warning("a stream was refused", reason="its token is missing, used or too old")
            await socket.close(1008, "the token is missing, used or too old")
            return
        await self._carry(
            TelephoneLine(socket, opening, self._phone, self._rest), opening.start.call_sid
        )

    def _check_upgrade(self, websocket: WebSocket) -> Place:
        """A place to wait in: `leave` is owed. A signature is checked before one is given."""
        self._check_open()
        given = websocket.headers.get(HEADER)
        if given is not None:
            self._check_signature(f"{self._phone.socket_base}{_path(websocket.scope)}", given)
        address = websocket.client.host if websocket.client else ""
        place = self._waiting.enter(address, is_signed=given is not None)
        if place is None:
            raise Refused(503, "waiting", "too many streams have not started yet")
        return place

    async def _read_start(self, socket: WebSocketSocket, within_s: float) -> Opening | None:
        try:
            return await read_start(socket, within_s)
        except PeerError as error:
            self._sessions.refuse("protocol")
            _log.warning("a stream was refused", reason=str(error))
            await socket.close(error.close_code, str(error))
        except TimeoutError:
            self._sessions.refuse("protocol")
            await socket.close(1008, "the stream did not start")
        except ConnectionError:
            pass
        return None

    def _admits(self, opening: Opening) -> bool:
        token = opening.start.parameters.get("token", "")
        ticket = self._tickets.redeem(token, _now())
        return ticket is not None and ticket.call == opening.start.call_sid

    async def _carry(self, line: TelephoneLine, call_sid: str) -> None:
        visitor, codec = Visitor(door="phone", call_id=call_sid), line.codec
        async with asyncio.TaskGroup() as tasks:
            handing_on = tasks.create_task(line.hand_on())
            try:
                await self._sessions.carry(
                    visitor, line, codec, around=line.around, limits=self._limits
                )
            finally:
                handing_on.cancel()
        if codec.frames_sent > 0 and codec.marks_heard == 0:
            _log.warning("no mark came back: is the stream begun with <Start>, not <Connect>?")


def _now() -> float:
    """The loop's time: a ticket does not grow old while the server stands still."""
    return asyncio.get_running_loop().time()


def _path(scope: Scope) -> str:
    """As it was asked for, byte by byte: that is what is signed."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return b"?".join([raw.partition(b"?")[0], *([query] if query else [])]).decode("latin-1")
