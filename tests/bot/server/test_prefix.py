"""A path before everything (PUBLIC_BASE_URL=https://shop.example/voice), behind any proxy."""

import asyncio
import ssl
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from starlette.types import Message, Scope
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect

from bot.phone.line import TelephoneConfig
from bot.server.access import AccessPolicy
from bot.server.prefix import Prefix, without
from bot.texts.sharing import SharedModel
from client.caller.call import CallOptions, place_call
from client.caller.conductor import Pacing, keyed
from client.caller.telephone import TelephoneCaller
from tests.bot.browser.test_door import closing, enter
from tests.bot.phone.calling import FACTS
from tests.bot.phone.calling import TOKEN as AUTH_TOKEN
from tests.bot.phone.speaking_twilio import CONNECTED, said, start, stop
from tests.bot.wiring.test_serving import PCM, nginx
from tests.certificates import make_certificate, trusting
from tests.echo import audio, pcm
from tests.serving import TOKEN, Served, serving

SHOWN = {"Authorization": f"Bearer {TOKEN}"}
WEB = Path(__file__).parents[3] / "client" / "web"


# ---- the rule ----


@pytest.mark.parametrize(
    ("prefix", "path", "rest"),
    [
        ("/voice", "/voice/start", "/start"),
        ("/voice", "/voice/", "/"),
        ("/voice", "/voice", ""),
        ("/voice", "/start", None),
        ("/voice", "/voices/start", None),
        ("/voice", "/Voice/start", None),
        ("/voice", "/voice/voice/start", "/voice/start"),
        ("/a/b", "/a/b/ws", "/ws"),
        ("/a/b", "/a/ws", None),
        ("/my%20voice", "/my voice/ws", "/ws"),
    ],
)
def test_what_follows_the_prefix(prefix: str, path: str, rest: str | None) -> None:
    assert without(prefix, path) == rest


def passed_on(prefix: str, raw: bytes, path: str, is_route: bool = False) -> tuple[str, bytes]:
    """Path and raw path as the application has them."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: object, send: object) -> None:
        seen.append(scope)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def unsaid(message: Message) -> None:
        raise AssertionError(message)

    scope: Scope = {"type": "http", "method": "POST", "path": path, "raw_path": raw}
    asyncio.run(
        Prefix(app, prefix, lambda _: is_route)({**scope, "query_string": b""}, nothing, unsaid)
    )
    [given] = seen
    return given["path"], given["raw_path"]


def test_the_rest_is_handed_on_byte_by_byte() -> None:
    """For that is what Twilio signs."""
    given = passed_on("/my%20voice", b"/my%20voice/twilio/a%2Fb", "/my voice/twilio/a/b")
    assert given == ("/twilio/a/b", b"/twilio/a%2Fb")
    assert passed_on("/s%c3%bc", b"/s%C3%BC/ws", "/sü/ws") == ("/ws", b"/ws")
    assert passed_on("/a/b", b"/a/b", "/a/b") == ("/", b"/")


def test_a_route_of_ours_that_begins_like_the_prefix_is_left_alone() -> None:
    path = "/api/v1/chat/submit"
    assert passed_on("/api", path.encode(), path, is_route=True) == (path, path.encode())


# ---- on a server ----


def on_a_server(
    play: Callable[[Served], Awaitable[None]], public: str = "https://shop.example/voice"
) -> None:
    async def scenario() -> None:
        access = AccessPolicy(token=TOKEN, public=public)
        phone = TelephoneConfig(auth_token=AUTH_TOKEN, public=public)
        async with serving(access=access, web=WEB, phone=phone, shared=SharedModel(1, 1)) as served:
            await play(served)

    asyncio.run(scenario())


@pytest.mark.parametrize("prefix", ["", "/voice"], ids=["stripped", "kept"])
def test_everything_is_where_it_belongs_whether_the_proxy_keeps_the_prefix(prefix: str) -> None:
    async def play(served: Served) -> None:
        async def get(path: str, **headers: str) -> httpx2.Response:
            return await served.http.get(prefix + path, headers=headers)

        assert (await get("/healthz")).json() == {"status": "alive"}
        assert (await get("/readyz")).status_code == 200
        assert "<title>Halfsecond" in (await get("/")).text
        for file in ("/main.js", "/style.css", "/worklets/capture.js"):
            answer = await get(file)
            assert answer.status_code == 200, file
            assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert (await get("/metrics")).status_code == 401
        assert (await get("/v1/models")).status_code == 401
        assert (await get("/metrics", **SHOWN)).status_code == 200
        assert (await get("/v1/models", **SHOWN)).status_code == 200
        described = (await get("/openapi.json", **SHOWN)).json()
        assert described["servers"] == [{"url": "/voice"}]
        assert "/start" in described["paths"]
        assert (await served.http.post(f"{prefix}/start")).status_code == 401

    on_a_server(play)


def test_the_pages_folder_is_where_a_visitor_without_the_last_slash_is_sent() -> None:
    async def play(served: Served) -> None:
        answer = await served.http.get("/voice?x=1")
        assert answer.is_redirect
        assert answer.headers["location"] == "/voice/?x=1"
        page = await served.http.get("/voice", follow_redirects=True)
        assert "<title>Halfsecond" in page.text

    on_a_server(play)


def test_another_path_is_not_ours() -> None:
    async def play(served: Served) -> None:
        assert (await served.http.get("/voices/healthz", headers=SHOWN)).status_code == 404
        assert (await served.http.get("/voice/voice/healthz", headers=SHOWN)).status_code == 404

    on_a_server(play)


@pytest.mark.parametrize("prefix", ["/api", "/v1", "/twilio", "/worklets", "/ws", "/start"])
def test_a_prefix_that_is_also_a_route_of_ours_works_stripped_and_kept(prefix: str) -> None:
    async def play(served: Served) -> None:
        for before in ("", prefix):
            models = await served.http.get(f"{before}/v1/models", headers=SHOWN)
            assert models.status_code == 200
            script = await served.http.get(f"{before}/worklets/capture.js")
            assert script.status_code == 200
            submitted = await served.http.post(f"{before}/api/v1/chat/submit", headers=SHOWN)
            assert submitted.status_code in (400, 422), "it was read"
            url = (await served.http.post(f"{before}/start", headers=SHOWN)).json()["wsUrl"]
            ticket = url.partition("?")[2]
            there = f"ws://127.0.0.1:{served.port}{before}/ws?{ticket}"
            async with connect(there) as client:
                await enter(client)
            rung = await served.http.post(f"{before}/twilio/voice", data=FACTS)
            assert rung.status_code == 403, "it is not signed"

    on_a_server(play, f"https://shop.example{prefix}")


@pytest.mark.parametrize("at", ["", "/voice"], ids=["past the proxy", "kept"])
def test_our_caller_telephones_under_a_prefix(at: str) -> None:
    async def play(served: Served) -> None:
        phone = TelephoneCaller(auth_token=AUTH_TOKEN, public_url="https://shop.example/voice")
        options = CallOptions(door=phone, pacing=Pacing(lead_in_s=0.02, until_quiet_s=0.2))
        url = f"http://127.0.0.1:{served.port}{at}"
        result = await place_call(url, [keyed("1#")], options)
        assert result.tally is not None
        assert result.tally.ended == ""
        assert served.ended("hung up", "phone") + served.ended("left", "phone") == 1

    on_a_server(play)


# ---- behind a real proxy ----


def kept(prefix: str) -> list[tuple[str, str]]:
    return [("\n    location / {", f"\n    location {prefix}/ {{")]


def stripped(prefix: str) -> list[tuple[str, str]]:
    theirs = "        proxy_pass http://127.0.0.1:7860/;"
    return [*kept(prefix), ("        proxy_pass http://127.0.0.1:7860;", theirs)]


@dataclass(frozen=True)
class Proxied:
    """A server behind nginx, as the world sees it."""

    public: str
    port: int
    trusted: ssl.SSLContext
    http: httpx2.AsyncClient

    def reached(self, url: str) -> str:
        """The address as it is from here: nginx listens on a port of its own."""
        return url.replace("localhost", f"localhost:{self.port}", 1)

    @property
    def socket_base(self) -> str:
        return self.public.replace("https", "wss", 1)

    def signed(self, path: str, facts: dict[str, str]) -> dict[str, str]:
        url = path if "://" in path else self.public + path
        return {"X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(url, facts)}


@pytest.mark.needs("nginx")
@pytest.mark.needs("openssl")
@pytest.mark.parametrize("prefix", ["/voice", "/a/b"])
@pytest.mark.parametrize("way", [kept, stripped])
@pytest.mark.parametrize("visit", ["page", "talk", "telephone"])
def test_a_visit_through_nginx(
    tmp_path: Path, way: Callable[[str], list[tuple[str, str]]], prefix: str, visit: str
) -> None:
    certificate = make_certificate(tmp_path)
    trusted = trusting(certificate)
    public = f"https://localhost{prefix}"
    access = AccessPolicy(token=TOKEN, public=public)
    phone = TelephoneConfig(auth_token=AUTH_TOKEN, public=public)

    async def scenario() -> None:
        async with serving(access=access, web=WEB, phone=phone) as served:
            with nginx(tmp_path, certificate, served.port, way(prefix)) as port:
                base = f"https://localhost:{port}{prefix}"
                async with httpx2.AsyncClient(base_url=base, verify=trusted) as http:
                    await VISITS[visit](Proxied(public, port, trusted, http))

    asyncio.run(scenario())


async def look(proxied: Proxied) -> None:
    http = proxied.http
    assert "<title>Halfsecond" in (await http.get("/")).text
    assert (await http.get("/worklets/playback.js")).status_code == 200
    assert (await http.get("/readyz")).status_code == 200
    sent_on = await http.get(str(http.base_url).rstrip("/"))
    assert sent_on.is_redirect
    assert sent_on.headers["location"].endswith(f"{http.base_url.path.rstrip('/')}/")
    outside = await http.get(str(http.base_url.join("/healthz")))
    assert outside.status_code == 404, "the rest of the host is somebody else's"


async def talk(proxied: Proxied) -> None:
    assert (await proxied.http.post("/start")).status_code == 401
    shown = {**SHOWN, "Origin": "https://localhost"}
    url = (await proxied.http.post("/start", headers=shown)).json()["wsUrl"]
    assert url.startswith(f"{proxied.socket_base}/ws?ticket=")
    async with connect(proxied.reached(url), ssl=proxied.trusted) as client:
        await enter(client)
        await client.send(audio(PCM))
        assert pcm(await client.recv(decode=False)) == PCM


async def telephone(proxied: Proxied) -> None:
    async def post(path: str, signed: dict[str, str]) -> httpx2.Response:
        return await proxied.http.post(path, data=FACTS, headers=signed)

    elsewhere = proxied.signed("https://localhost/twilio/voice", FACTS)
    assert (await post("/twilio/voice", elsewhere)).status_code == 403
    told = await post("/twilio/status", proxied.signed("/twilio/status", FACTS))
    assert told.status_code == 204
    answer = await post("/twilio/voice", proxied.signed("/twilio/voice", FACTS))
    stream = ET.fromstring(answer.text).find("./Connect/Stream")
    assert stream is not None
    url = stream.get("url") or ""
    assert url == f"{proxied.socket_base}/twilio/media"
    assert stream.get("statusCallback") == f"{proxied.public}/twilio/status"
    parameter = stream.find("Parameter")
    assert parameter is not None
    async with connect(
        proxied.reached(url), ssl=proxied.trusted, additional_headers=proxied.signed(url, {})
    ) as client:
        await client.send(said(CONNECTED))
        await client.send(said(start(token=parameter.get("value") or "")))
        await client.send(said(stop()))
        assert (await closing(client))[0] == 1000


VISITS = {"page": look, "talk": talk, "telephone": telephone}
