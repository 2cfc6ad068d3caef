"""Those who should not come in, each over a real socket; nothing is made for any of them."""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import httpx2
import loguru
import pytest
import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

import bot.server.access
import bot.server.transport
from bot.calls.limits import Limits
from bot.server.access import AccessPolicy
from bot.server.telemetry import configure_logs
from tests.bot.browser.test_door import closing, enter
from tests.bot.phone.calling import PHONE
from tests.echo import audio, kind, message, ready, typed
from tests.patience import until
from tests.serving import TOKEN, Served, serving

SHOWN = {"Authorization": f"Bearer {TOKEN}"}
EVIL = "http://evil.example"


def on_a_server(play: Callable[[Served], Awaitable[None]], **options: object) -> None:
    """Then no call was made, nor is one under way."""

    async def scenario() -> None:
        async with serving(**options) as served:  # type: ignore[arg-type]
            await play(served)
            await until(lambda: served.sessions.calls == 0)
            assert served.engine.calls == []

    asyncio.run(scenario())


async def refused(url: str, **options: object) -> tuple[int, bytes]:
    """With what the WebSocket's handshake is answered."""
    with pytest.raises(InvalidStatus) as error:
        async with connect(url, **options):  # type: ignore[arg-type]
            pass
    return error.value.response.status_code, bytes(error.value.response.body or b"")


# ---- the origin ----


@pytest.mark.parametrize("path", ["/start", "/metrics", "/anything"])
@pytest.mark.parametrize("origin", [EVIL, "null", "http://127.0.0.1", "http://localhost:1"])
def test_a_page_of_another_site_may_ask_nothing(path: str, origin: str) -> None:
    async def play(served: Served) -> None:
        method = "POST" if path == "/start" else "GET"
        answer = await served.http.request(method, path, headers={"Origin": origin, **SHOWN})
        assert answer.status_code == 403
        assert "origin" in answer.json()["error"]
        assert "access-control-allow-origin" not in answer.headers
        assert 'halfsecond_calls_refused_total{reason="origin"} 1.0' in served.figures()

    on_a_server(play)


def test_a_page_of_another_site_may_not_call_though_it_has_a_ticket() -> None:
    async def play(served: Served) -> None:
        url = await served.ws_url()
        status, body = await refused(url, origin=Origin(EVIL))
        assert status == 403
        assert b"origin" in body
        async with connect(url, origin=Origin(f"http://localhost:{served.port}")):
            pass  # the ticket was not used up by it

    on_a_server(play)


def test_a_page_that_was_allowed_can_ask_and_read_the_answer() -> None:
    shop = "https://shop.example"

    async def play(served: Served) -> None:
        asks = {"Origin": shop, "Access-Control-Request-Method": "POST"}
        asks["Access-Control-Request-Headers"] = "authorization,content-type"
        preflight = await served.http.options("/start", headers=asks)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == shop
        assert "Authorization" in preflight.headers["access-control-allow-headers"]

        answer = await served.http.post("/start", headers={"Origin": shop}, json={})
        assert answer.headers["access-control-allow-origin"] == shop
        async with connect(answer.json()["wsUrl"], origin=Origin(shop)):
            pass

        other = {**asks, "Origin": "https://shop.example.evil.example"}
        preflight = await served.http.options("/start", headers=other)
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers

    on_a_server(play, access=AccessPolicy(token=TOKEN, origins=frozenset({shop})))


@pytest.mark.parametrize(
    "path", ["/api/v1/chat/stream/ann", "/metrics", "/v1/models", "/start", "/nowhere"]
)
def test_a_page_of_another_site_may_not_link_to_what_is_ours(path: str) -> None:
    async def play(served: Served) -> None:
        for destination in ("image", "script", "iframe", "document"):
            says = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": destination}
            assert (await served.http.get(path, headers=says | SHOWN)).status_code == 403
            assert (await served.http.get("/healthz", headers=says)).status_code == 200

    on_a_server(play)


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("/start", "Content-Type: application/json"),
        ("/twilio/voice", "Content-Type: application/x-www-form-urlencoded"),
        ("/twilio/status", "Content-Type: application/x-www-form-urlencoded"),
        ("/start", "Transfer-Encoding: chunked"),
        ("/nowhere", "Content-Type: text/plain"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{", b"5\r\n{"])
def test_a_body_that_breaks_off_is_no_line_in_the_log(
    log: io.StringIO, path: str, head: str, body: bytes
) -> None:
    length = "" if "chunked" in head else "Content-Length: 1000\r\n"
    heads = f"Host: localhost\r\nX-Twilio-Signature: x\r\n{head}\r\n{length}\r\n"
    request = f"POST {path} HTTP/1.1\r\n{heads}"

    async def play(served: Served) -> None:
        for _ in range(3):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(request.encode() + body)
            await writer.drain()
            await asyncio.sleep(0)  # the door has begun to read it, or has not
            writer.transport.abort()
        await until(lambda: not served.server.server_state.connections)
        await until(lambda: not served.server.server_state.tasks)

    on_a_server(play, phone=PHONE)
    assert "Traceback" not in log.getvalue()
    assert len(log.getvalue()) < 6 * len(request)  # a refusal of each, and the end


def test_a_page_that_was_allowed_can_read_that_it_lacks_the_token() -> None:
    shop = "https://shop.example"

    async def play(served: Served) -> None:
        answer = await served.http.post("/start", headers={"Origin": shop})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == shop

    access = AccessPolicy(token=TOKEN, origins=frozenset({shop}), listens_beyond_loopback=True)
    on_a_server(play, access=access)


# ---- the token ----


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "voice.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
    ],
)
def test_what_comes_through_a_tunnel_must_show_the_token(headers: dict[str, str]) -> None:
    async def play(served: Served) -> None:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            for method, path in (("POST", "/start"), ("GET", "/metrics"), ("GET", "/v1/models")):
                answer = await served.http.request(method, path, headers={**headers, **wrong})
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
        right = await served.http.post("/start", headers={**headers, **SHOWN})
        assert right.json().keys() == {"wsUrl"}

    on_a_server(play)


@pytest.mark.parametrize(
    "access",
    [
        AccessPolicy(token=TOKEN, listens_beyond_loopback=True),
        AccessPolicy(token=TOKEN, public="https://voice.example"),
    ],
)
def test_an_open_server_asks_everyone_and_keeps_its_open_doors(
    access: AccessPolicy, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("the page")
    (tmp_path / "worklets").mkdir()
    (tmp_path / "worklets" / "playback.js").write_text("the code")

    async def play(served: Served) -> None:
        async def status(path: str) -> int:
            return (await served.http.get(path)).status_code

        for path in ("/healthz", "/readyz", "/", "/index.html", "/worklets/playback.js"):
            assert await status(path) == 200
        assert await status("/twilio/voice") == 405
        for path in ("/metrics", "/start", "/v1/chat/completions", "/docs", "/twilio", "/healthz/"):
            assert await status(path) == 401
        assert (await served.http.get("/metrics", headers=SHOWN)).status_code == 200

    on_a_server(play, access=access, web=tmp_path)


def test_behind_a_proxy_the_limit_counts_the_callers_and_not_the_proxy() -> None:
    async def play(served: Served) -> None:
        async def ask(caller: str) -> httpx2.Response:
            headers = {"X-Forwarded-For": caller, **SHOWN}
            return await served.http.post("/start", headers=headers)

        first = (await ask("192.0.2.1")).json()["wsUrl"]
        headers = {"X-Forwarded-For": "192.0.2.1"}
        async with connect(first, additional_headers=headers) as client:
            await until(lambda: served.sessions.calls == 1)
            assert (await ask("192.0.2.1")).status_code == 429
            assert (await ask("192.0.2.2")).status_code == 200
            await client.close()
        await until(lambda: served.sessions.calls == 0)

    on_a_server(play, limits=Limits(calls=5, calls_per_address=1))


# ---- the ticket ----


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=made-up", "?resume=x", "?ticket=%00"])
def test_without_a_ticket_there_is_no_socket(query: str) -> None:
    async def play(served: Served) -> None:
        for headers in ({}, SHOWN):
            url = f"ws://127.0.0.1:{served.port}/ws{query}"
            status, body = await refused(url, additional_headers=headers)
            assert status == 403
            assert b"ticket" in body
        assert 'halfsecond_calls_refused_total{reason="ticket"} 2.0' in served.figures()

    on_a_server(play)


def test_a_ticket_is_good_for_one_socket() -> None:
    async def play(served: Served) -> None:
        url = await served.ws_url()
        async with connect(url):
            assert (await refused(url))[0] == 403
        assert (await refused(url))[0] == 403

    on_a_server(play)


def test_a_stale_ticket_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.server.access, "TICKET_S", 0.0)

    async def play(served: Served) -> None:
        assert (await refused(await served.ws_url()))[0] == 403

    on_a_server(play)


def test_of_many_that_use_one_ticket_at_once_one_comes_in() -> None:
    async def play(served: Served) -> None:
        url = await served.ws_url()

        async def attempt() -> bool:
            try:
                async with connect(url):
                    return True
            except InvalidStatus:
                return False

        came_in = await asyncio.gather(*(attempt() for _ in range(8)))
        assert sum(came_in) == 1

    on_a_server(play)


# ---- those who come in and break the rules before they are ready ----


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (["text where binary is due"], 1003),
        ([bytes(65_537)], 1009),
        ([b"\x0a\xff"], 1002),
        ([audio(bytes(640))] * 400, 1008),
        ([message("client-message", {"t": "stop-speaking"})] * 400, 1008),
    ],
)
def test_nothing_is_made_for_a_client_that_breaks_the_rules(
    sent: Sequence[str | bytes], code: int
) -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            for one in sent:
                if client.close_code is not None:
                    break
                await client.send(one)
            assert (await closing(client))[0] == code
        await until(lambda: served.sessions.calls == 0)

    on_a_server(play)


def test_a_client_that_is_never_ready_is_let_go() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            assert await closing(client) == (1008, "the client was never ready")

    on_a_server(play, limits=Limits(opening_s=0.05))


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webs",
        b"POST /start HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /he",
    ],
)
def test_a_request_that_is_never_finished_is_cut_off(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.server.transport, "REQUEST_S", 0.05)

    async def play(served: Served) -> None:
        await answered(served.port, begun)
        assert (await served.http.get("/healthz")).status_code == 200

    on_a_server(play)


async def answered(port: int, sent: bytes) -> bytes:
    """The server's answer to these bytes before it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


def test_a_deadline_ends_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.server.transport, "REQUEST_S", 0.05)

    async def scenario() -> None:
        async with serving() as served, connect(await served.ws_url()) as client:
            await enter(client)
            await asyncio.sleep(0.1)  # past what would have been its deadline
            await client.send(audio(bytes(640)))
            assert kind(await client.recv(decode=False)) == "audio"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "head",
    [
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_a_head_that_cannot_be_meant_lets_nobody_in(head: bytes) -> None:
    async def play(served: Served) -> None:
        answer = await answered(served.port, head)
        assert not answer or answer[9:12] in (b"400", b"401")

    on_a_server(play)


def test_a_request_of_before_hosts_were_named_must_show_the_token() -> None:
    async def play(served: Served) -> None:
        answer = await answered(served.port, b"GET /metrics HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401")

    on_a_server(play)


# ---- what is said to browsers ----


def test_the_page_may_do_little_and_is_not_kept_beyond_its_time(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the page")

    async def play(served: Served) -> None:
        page = await served.http.get("/")
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["permissions-policy"].startswith("microphone=(self),")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-cache"
        tagged = {"If-None-Match": page.headers["etag"]}
        assert (await served.http.get("/", headers=tagged)).status_code == 304

    on_a_server(play, web=tmp_path)


# ---- the log ----


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before
    loguru.logger.remove()


def test_no_token_no_ticket_and_no_word_is_in_the_log(log: io.StringIO) -> None:
    words = "canary-words-19"
    secrets = [TOKEN, words, "canary-wrong", "canary-ticket", "canary-resume", "canary-host"]

    async def scenario() -> None:
        async with serving(limits=Limits(calls=2, return_s=0.01)) as served:
            url, other = await served.ws_url(), await served.ws_url("canary-resume")
            secrets.extend(one.partition("ticket=")[2] for one in (url, other))
            root = f"ws://127.0.0.1:{served.port}"
            await refused(f"{root}/ws?ticket=canary-ticket")
            await refused(f"{root}/ws?ticket=canary-ticket", origin="http://canary-host.example")
            await refused(f"{root}/nowhere?ticket=canary-ticket")
            for shown in (TOKEN, "canary-wrong"):
                headers = {"Host": "canary-host", "Authorization": f"Bearer {shown}"}
                await served.http.post("/start?token=canary-wrong", headers=headers)
            async with connect(url) as client:
                await client.send(ready("halfsecond-web"))
                await client.recv()
                session = await client.recv(decode=False)
                secrets.append(str(session).partition('"resume":"')[2][:32])
                await client.send(typed(words))
                await client.send(words)
                await closing(client)
            async with connect(other) as client:
                await client.send(ready())
                await client.send(typed(words))
                await client.send(typed("fail"))
                await closing(client)
            await until(lambda: served.sessions.calls == 0)

    asyncio.run(scenario())

    written = log.getvalue()
    assert "call ended" in written
    assert "ASGI callable" not in written, "to turn somebody away is no error"
    assert all(len(secret) > 5 for secret in secrets)
    assert [secret for secret in secrets if secret in written] == []
