"""The resources of a connection, below the call."""

import asyncio
import io
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

import bot.server.flow
import bot.server.transport
import bot.wiring.serving
from bot.server.transport import UNSENT_BYTES, WEBSOCKET_PIECE_BYTES, WebSocketProtocol
from bot.wiring.serving import Certificate
from tests.bot.server.test_guard import log as log
from tests.certificates import make_certificate
from tests.echo import audio, kind, message, ready
from tests.patience import until
from tests.serving import RawClient, Served, serving

TEXT, BINARY, CLOSE = 0x1, 0x2, 0x8
PING = 9


def on_a_server(play: Callable[[Served], Awaitable[None]], **options: object) -> None:
    async def scenario() -> None:
        async with serving(**options) as served:  # type: ignore[arg-type]
            await play(served)

    asyncio.run(scenario())


def the_socket(served: Served) -> WebSocketProtocol:
    [protocol] = [
        one
        for one in served.server.server_state.connections
        if isinstance(one, WebSocketsSansIOProtocol)
    ]
    assert isinstance(protocol, WebSocketProtocol)
    return protocol


def test_a_call_outlives_the_deadline_of_the_request_that_it_began_as(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.server.transport, "REQUEST_S", 1.0)

    async def scenario() -> None:
        async with serving() as served, connect(await served.ws_url()) as client:
            await client.send(ready())
            assert kind(await client.recv(decode=False)) == "bot-ready"
            passed = asyncio.Event()
            asyncio.get_running_loop().call_later(1.5, passed.set)
            await passed.wait()
            await client.send(audio(b"\1\2" * 160))
            assert kind(await client.recv(decode=False)) == "audio"

    asyncio.run(scenario())


# ---- frames that are no messages ----


def test_pings_whose_answers_are_not_read_are_not_read_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_FRAMES_BURST", 1e9)
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_BYTES_BURST", 1e9)

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        protocol = the_socket(served)

        async def flood() -> None:
            while True:
                client.send(PING, b"p" * 125)
                await client.writer.drain()

        async with asyncio.TaskGroup() as tasks:
            flooding = tasks.create_task(flood())
            await until(lambda: not protocol.writable.is_set())
            for _ in range(1000):
                await asyncio.sleep(0)
            assert not protocol.transport.is_reading()
            most = UNSENT_BYTES + WEBSOCKET_PIECE_BYTES
            assert protocol.transport.get_write_buffer_size() <= most
            flooding.cancel()
        client.vanish()
        await until(lambda: not served.server.server_state.connections)

    on_a_server(play)


@pytest.mark.parametrize("payload", [b"", b"p" * 125])
@pytest.mark.parametrize("opcode", [PING, 10])
def test_frames_of_any_kind_are_paced(
    monkeypatch: pytest.MonkeyPatch, opcode: int, payload: bytes
) -> None:
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_FRAMES_BURST", 20)
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_FRAMES_PER_S", 1.0)

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        protocol = the_socket(served)
        assert protocol.transport.is_reading()
        for _ in range(20 + WEBSOCKET_PIECE_BYTES // 6):
            client.send(opcode, payload)
        await until(lambda: not protocol.transport.is_reading())
        client.vanish()

    on_a_server(play)


def test_bytes_are_paced_however_few_their_frames_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_BYTES_BURST", 10_000)
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_BYTES_PER_S", 1000)

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        protocol = the_socket(served)
        client.send(2, bytes(60_000))
        await until(lambda: not protocol.transport.is_reading())
        assert not protocol.read_paused, "the message has not come yet"
        client.vanish()

    on_a_server(play)


def test_what_was_paid_for_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_FRAMES_BURST", 20)
    monkeypatch.setattr(bot.server.transport, "WEBSOCKET_FRAMES_PER_S", 1000.0)

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        for _ in range(200):
            client.send(PING, b"p")
        answers = [await client.read_frame() for _ in range(200)]
        assert answers == [(10, b"p")] * 200
        client.vanish()

    on_a_server(play)


def test_text_that_is_no_utf8_leaves_no_traceback(log: io.StringIO) -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await client.send(b"\xc3\x28", text=True)
            with pytest.raises(ConnectionClosedError) as error:
                await client.recv()
            assert error.value.rcvd is not None
            assert error.value.rcvd.code == 1007
        await until(lambda: served.sessions.calls == 0)

    on_a_server(play)
    assert "Traceback" not in log.getvalue()


@pytest.mark.parametrize("late", [b"\xc3\x28", b"{}"], ids=["no UTF-8", "text"])
def test_what_comes_while_a_connection_is_being_closed_is_dropped(
    log: io.StringIO, late: bytes
) -> None:
    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        await until(lambda: served.sessions.calls == 1)
        await served.sessions.drain(0.0)
        assert (await client.read_frame())[0] == CLOSE
        client.send(TEXT, late)
        client.send(CLOSE, b"\x03\xe9")
        with pytest.raises(asyncio.IncompleteReadError):  # it is over
            await client.read_frame()
        client.vanish()

    on_a_server(play)
    assert "Traceback" not in log.getvalue()


def test_what_a_client_says_right_before_it_closes_counts() -> None:
    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        await until(lambda: served.sessions.calls == 1)
        client.send(BINARY, ready())
        await until(lambda: len(served.engine.calls) == 1)
        client.send(BINARY, message("disconnect-bot"))
        client.send(CLOSE, b"")  # as browsers close; both are read at once
        await until(lambda: served.sessions.calls == 0)
        assert served.ended("left") == 1
        client.vanish()

    on_a_server(play)


# ---- answers that nobody reads ----


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere", "/metrics"])
def test_answers_that_nobody_reads_have_an_end(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(bot.server.flow, "UNREAD_STUCK_S", 0.3)
    monkeypatch.setattr(bot.wiring.serving, "LOOK_EVERY_S", 0.1)

    async def play(served: Served) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", served.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
        reader._transport.pause_reading()  # type: ignore[attr-defined]

        async def ask() -> None:
            with suppress(ConnectionError):
                while True:
                    await ask_more()

        async def ask_more() -> None:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 100)
            await writer.drain()

        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask())
            await until(lambda: served.server.server_state.connections)
            await until(lambda: not served.server.server_state.connections)
            asking.cancel()
        writer.transport.abort()

    on_a_server(play)


# ---- a crowd ----


async def idle(served: Served, count: int, source: str = "127.0.0.1") -> list[socket.socket]:
    """So many connections on which nothing is asked."""
    found = []
    for _ in range(count):
        one = socket.socket()
        one.bind((source, 0))
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", served.port))
        found.append(one)
    return found


def open_at_the_server(served: Served) -> int:
    return len(served.server.server_state.connections)


@pytest.mark.parametrize("tls", [False, True])
def test_a_crowd_of_idle_connections_costs_no_call_and_keeps_out_no_caller(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tls: bool
) -> None:
    monkeypatch.setattr(bot.wiring.serving, "most_connections", lambda calls, files: 10)
    certificate: Certificate | None = None
    if tls:
        certificate = make_certificate(tmp_path_factory.mktemp("tls"))

    async def play(served: Served) -> None:
        if tls:
            crowd = await idle(served, 60)
            assert (await served.http.get("/healthz")).status_code == 200
        else:
            async with connect(await served.ws_url()) as client:
                await client.send(ready())
                assert kind(await client.recv(decode=False)) == "bot-ready"
                crowd = await idle(served, 60)
                assert (await served.http.get("/healthz")).status_code == 200
                async with connect(await served.ws_url()) as other:
                    await other.send(ready())
                    assert kind(await other.recv(decode=False)) == "bot-ready"
                await client.send(audio(b"\1\2" * 160))
                assert kind(await client.recv(decode=False)) == "audio"
        await until(lambda: open_at_the_server(served) <= 10)
        for one in crowd:
            one.close()

    on_a_server(play, certificate=certificate)


def test_one_address_has_a_share_of_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.wiring.serving, "CONNECTIONS_PER_ADDRESS", 3)

    async def play(served: Served) -> None:
        share = served.sessions.limits.calls_per_address + 3
        crowd = await idle(served, share + 20, source="127.0.0.9")
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            ended = [tasks.create_task(loop.sock_recv(one, 1)) for one in crowd]
            await until(lambda: sum(task.done() for task in ended) == 20)
            assert open_at_the_server(served) == share
            assert (await served.http.get("/healthz")).status_code == 200
            for task in ended:
                task.cancel()
        for one in crowd:
            one.close()
        await until(lambda: open_at_the_server(served) <= 1)
        [again] = await idle(served, 1, source="127.0.0.9")
        await until(lambda: open_at_the_server(served) == 2)
        again.close()

    on_a_server(play)


def test_a_server_without_files_refuses_and_does_not_fill_the_log(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    out_of_files = OSError(24, "Too many open files")

    async def play(served: Served) -> None:
        [listener] = served.server.servers
        taken, real = 0, socket.socket.accept

        def accept(self: socket.socket) -> tuple[socket.socket, object]:
            nonlocal taken
            taken += 1
            if taken % 2:
                raise out_of_files
            return real(self)

        with monkeypatch.context() as patched:
            patched.setattr(socket.socket, "accept", accept)
            crowd = await idle(served, 50)
            loop = asyncio.get_running_loop()
            for one in crowd:
                assert await loop.sock_recv(one, 1) == b""
                one.close()
        assert listener.is_serving()
        assert (await served.http.get("/healthz")).status_code == 200

    on_a_server(play)
    assert "Traceback" not in log.getvalue()
    assert len(log.getvalue()) < 1000
