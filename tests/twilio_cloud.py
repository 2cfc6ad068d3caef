"""Twilio's REST API on loopback: what the phone commands and the hang-up ask, and how it answers.

Paths, basic authentication, forms, status codes and error bodies as the documentation and the
helper libraries have them: https://www.twilio.com/docs/usage/twilios-response.
"""

import base64
import contextlib
import hmac
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SID, SECRET = "AC" + "0123456789abcdef" * 2, "canary-twilio"
NUMBER = "+15005550001"
NUMBER_SID = "PN" + "0123456789abcdef" * 2
ANSWERED = ("ringing", "in-progress")
E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass
class Cloud:
    """One account. It keeps the requests; how they go is set before."""

    status: str = "active"
    kind: str = "Full"
    goes: tuple[str, ...] = ANSWERED
    """The states of a call that is placed, one each time that it is looked at."""
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and form of each request."""
    url: str = ""

    def own(self, number: str = NUMBER, sid: str = NUMBER_SID, voice_url: str = "") -> None:
        self.numbers[sid] = {"sid": sid, "phone_number": number, "voice_url": voice_url}

    def app(self) -> Starlette:
        base = "/2010-04-01/Accounts/{account}"
        routes = [
            Route(f"{base}.json", self._account),
            Route(f"{base}/Calls.json", self._new_call, methods=["POST"]),
            Route(f"{base}/Calls/{{sid}}.json", self._call, methods=["GET", "POST"]),
            Route(f"{base}/IncomingPhoneNumbers.json", self._list_numbers),
            Route(f"{base}/IncomingPhoneNumbers/{{sid}}.json", self._number, methods=["POST"]),
        ]
        handlers: Any = {404: _not_found, 405: _not_found}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _account(self, request: Request) -> Response:
        if (no := await self._no(request)) is not None:
            return no
        return JSONResponse({"sid": SID, "status": self.status, "type": self.kind})

    async def _new_call(self, request: Request) -> Response:
        if (no := await self._no(request)) is not None:
            return no
        form = self.asked[-1][2]
        if "Url" not in form and "Twiml" not in form:
            return _error(400, 21205, "Url parameter is required.")
        if not E164.fullmatch(form.get("To", "")):
            return _error(400, 21211, f"The 'To' number {form.get('To')} is not valid.")
        if form.get("From") not in [one["phone_number"] for one in self.numbers.values()]:
            return _error(400, 21210, "The source phone number provided is not yet verified.")
        sid = "CA" + secrets.token_hex(16)
        self.calls[sid] = {"sid": sid, "status": "queued", "to": form["To"], "from": form["From"]}
        return JSONResponse(self.calls[sid], 201)

    async def _call(self, request: Request) -> Response:
        if (no := await self._no(request)) is not None:
            return no
        call = self.calls.get(request.path_params["sid"])
        if call is None:
            return _not_found(request)
        form = self.asked[-1][2]
        if request.method == "GET" and self.goes:
            call["status"], self.goes = self.goes[0], self.goes[1:]
        elif "Status" in form:
            call["status"] = form["Status"]
        return JSONResponse(call)

    async def _list_numbers(self, request: Request) -> Response:
        if (no := await self._no(request)) is not None:
            return no
        wanted = request.query_params.get("PhoneNumber", "")
        found = [one for one in self.numbers.values() if wanted in one["phone_number"]]
        return JSONResponse({"incoming_phone_numbers": found, "page": 0, "page_size": 50})

    async def _number(self, request: Request) -> Response:
        if (no := await self._no(request)) is not None:
            return no
        found = self.numbers.get(request.path_params["sid"])
        if found is None:
            return _not_found(request)
        names = {"VoiceUrl": "voice_url", "VoiceMethod": "voice_method"}
        names |= {"StatusCallback": "status_callback", "TrunkSid": "trunk_sid"}
        names |= {"VoiceApplicationSid": "voice_application_sid"}
        found.update({names[key]: v for key, v in self.asked[-1][2].items() if key in names})
        return JSONResponse(found)

    async def _no(self, request: Request) -> Response | None:
        """Why the request is refused; what it asked is written down."""
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        self.asked.append((request.method, request.url.path, form))
        right = "Basic " + base64.b64encode(f"{SID}:{SECRET}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), right):
            return _error(401, 20003, "Authenticate")
        return None if request.path_params["account"] == SID else _not_found(request)


def _not_found(request: Request, _error_raised: Exception | None = None) -> Response:
    return _error(404, 20404, f"The requested resource {request.url.path} was not found")


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return JSONResponse(body, status)


@contextlib.contextmanager
def running(cloud: Cloud) -> Iterator[Cloud]:
    """Reachable from any thread and process of this machine, until the block ends."""
    config = uvicorn.Config(cloud.app(), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield cloud
        finally:
            server.should_exit = True
            thread.join()
