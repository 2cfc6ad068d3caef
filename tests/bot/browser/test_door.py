"""The browser's door on a real socket, each limit included."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import bot.server.transport
from bot.browser.browser_pb2 import Frame
from bot.calls.limits import Limits
from bot.calls.sessions import Doors
from pipelines.core.exchange import AudioOut, LineDropped
from tests.echo import EchoEngine, audio, kind, message, pcm, ready, typed
from tests.patience import until
from tests.serving import RawClient, Served, serving

PCM = b"\1\2" * 160


async def enter(client: ClientConnection) -> None:
    await client.send(ready())
    assert kind(await client.recv(decode=False)) == "bot-ready"


async def closing(client: ClientConnection) -> tuple[int | None, str | None]:
    """How the server closes, whatever it still says before."""
    with suppress(ConnectionClosed):
        async for _ in client:
            pass
    return client.close_code, client.close_reason


def on_a_server(play: Callable[[Served], Awaitable[None]], **options: object) -> None:
    async def scenario() -> None:
        async with serving(**options) as served:  # type: ignore[arg-type]
            await play(served)

    asyncio.run(scenario())


# ---- start ----


def test_start_says_where_the_socket_is_and_nothing_else() -> None:
    async def play(served: Served) -> None:
        for asked in ({"json": {"enableDefaultIceServers": True}}, {}, {"content": b"\xff["}):
            answer = await served.http.post("/start", **asked)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json().keys() == {"wsUrl"}
            address, _, ticket = answer.json()["wsUrl"].partition("?ticket=")
            assert address == f"ws://127.0.0.1:{served.port}/ws"
            assert len(ticket) == 32

    on_a_server(play)


def test_a_question_that_is_too_long_is_not_read() -> None:
    async def play(served: Served) -> None:
        answer = await served.http.post("/start", content=bytes(65_537))
        said = "the request is too big: it has more than 65536 bytes"
        assert (answer.status_code, answer.json()) == (413, {"error": said})

    on_a_server(play)


@pytest.mark.parametrize("key", ["a" * 65, "\N{GRINNING FACE}" + "a" * 65_000, "\\u0041" * 65])
def test_a_key_that_is_longer_than_any_of_ours_is_not_kept(key: str) -> None:
    async def play(served: Served) -> None:
        body = b'{"resume": "' + key.encode() + b'"}'
        answer = await served.http.post("/start", content=body)
        said = "the resume key has more than 64 characters"
        assert (answer.status_code, answer.json()) == (413, {"error": said})

    on_a_server(play)


def test_a_key_as_long_as_one_may_be_is_taken() -> None:
    async def play(served: Served) -> None:
        answer = await served.http.post("/start", json={"resume": "a" * 64})
        assert answer.status_code == 200

    on_a_server(play)


def test_start_says_why_there_is_no_call_to_be_had() -> None:
    async def play(served: Served) -> None:
        loading = await served.http.post("/start")
        served.engine.may_open.set()
        await served.sessions.until(Doors.OPEN)
        async with connect(await served.ws_url()) as client:
            await enter(client)
            full = await served.http.post("/start")
        assert (loading.status_code, loading.json()) == (
            503,
            {"error": "the models are still loading"},
        )
        assert (full.status_code, full.json()) == (503, {"error": "all lines are busy"})

    engine = EchoEngine()
    engine.may_open.clear()
    on_a_server(play, engine=engine, limits=Limits(calls=1), settle=False)


# ---- a call ----


def test_a_call_from_start_to_goodbye() -> None:
    async def play(served: Served) -> None:
        url = (await served.http.post("/start")).json()["wsUrl"]
        async with connect(url) as client:
            await enter(client)
            await client.send(audio(PCM))
            assert pcm(await client.recv(decode=False)) == PCM
            await client.send(message("disconnect-bot"))
            assert await closing(client) == (1000, "")
        await until(lambda: served.ended("left") == 1)

    on_a_server(play)


def test_calls_do_not_touch_each_other() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as good, connect(await served.ws_url()) as bad:
            await enter(good)
            await enter(bad)
            await bad.send(b"\x0a\xff")
            assert await closing(bad) == (1002, "torn protobuf frame")
            await good.send(audio(PCM))
            assert pcm(await good.recv(decode=False)) == PCM

    on_a_server(play)


def test_a_bug_ends_the_call_it_concerns_without_a_word_of_its_own() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            await client.send(typed("fail"))
            assert await closing(client) == (1011, "internal error")

    on_a_server(play)


def test_ten_calls_one_after_another_leave_nothing_behind() -> None:
    async def play(served: Served) -> None:
        before = len(asyncio.all_tasks())
        for n in range(1, 11):
            async with connect(await served.ws_url()) as client:
                await enter(client)
            await until(lambda n=n: served.ended("left") == n)  # type: ignore[misc]
        await until(lambda: len(asyncio.all_tasks()) == before)
        assert served.sessions.calls == 0

    on_a_server(play)


# ---- limits ----


@pytest.mark.parametrize(
    ("sent", "closed"),
    [
        ("text", (1003, "messages must be binary")),
        (b"\x0a\xff", (1002, "torn protobuf frame")),
        (b"", (1002, "empty protobuf frame")),
        (audio(PCM, rate_hz=48_000), (1003, "audio must be 16000 Hz mono")),
    ],
)
def test_a_client_that_breaks_the_protocol_is_told_how(
    sent: str | bytes, closed: tuple[int, str]
) -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            await client.send(sent)
            assert await closing(client) == closed
        await until(lambda: served.ended("broke protocol") == 1)

    on_a_server(play)


def client_message(padding: int) -> bytes:
    return message("client-message", {"t": "stop-speaking", "d": "x" * padding})


def test_a_message_may_hold_64_kib_and_no_more() -> None:
    async def play(served: Served) -> None:
        largest = client_message(65_000 + 65_536 - len(client_message(65_000)))
        assert len(largest) == 65_536
        async with connect(await served.ws_url()) as client:
            await enter(client)
            await client.send(largest)
            assert kind(await client.recv(decode=False)) == "server-response"
            await client.send(largest + b"\0")
            assert (await closing(client))[0] == 1009
        await until(lambda: served.ended("broke protocol") == 1)

    on_a_server(play)


def test_a_message_in_many_pieces_is_measured_as_one() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            await client.send([bytes(1024)] * 65)
            assert (await closing(client))[0] == 1009

    on_a_server(play)


def test_nothing_is_compressed() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url(), compression="deflate") as client:
            assert client.protocol.extensions == []

    on_a_server(play)


def test_one_caller_too_many_is_told_so() -> None:
    async def play(served: Served) -> None:
        urls = [await served.ws_url() for _ in range(2)]
        async with connect(urls[0]) as first, connect(urls[1]) as second:
            await enter(first)
            assert await closing(second) == (1013, "all lines are busy")
        refused = 'halfsecond_calls_refused_total{reason="full"} 1.0'
        assert refused in served.figures()

    on_a_server(play, limits=Limits(calls=1))


def test_a_client_that_vanishes_takes_only_its_call() -> None:
    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        client.send(2, ready())
        await client.read_frame()
        client.vanish()
        await until(lambda: served.ended("vanished") == 1)
        assert served.sessions.calls == 0

    on_a_server(play)


def test_a_client_that_does_not_answer_pings_is_let_go() -> None:
    def impatient(config: uvicorn.Config) -> None:
        config.ws_ping_interval = config.ws_ping_timeout = 0.02

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        opcode, _ = await client.read_frame()
        assert opcode == 9
        code = (1011).to_bytes(2)
        assert await client.read_frame() == (8, code + b"keepalive ping timeout")
        assert await client.reader.read() == b""
        await until(lambda: served.ended("vanished") == 1)
        client.writer.close()

    on_a_server(play, change=impatient)


def test_a_client_that_vanishes_with_audio_on_the_way_is_let_go() -> None:
    def impatient(config: uvicorn.Config) -> None:
        config.ws_ping_interval = config.ws_ping_timeout = 0.1

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        client.send(2, ready())
        await client.read_frame()
        [connection] = served.server.server_state.connections
        [call] = served.engine.calls
        for n in range(20_000):
            if connection.transport.get_write_buffer_size():
                break
            call.send(AudioOut(bytes(32_000), 0, n * 16_000))
            await asyncio.sleep(0)
        await until(lambda: served.ended("vanished") == 1)
        assert not served.server.server_state.connections
        client.vanish()

    on_a_server(play, change=impatient)


def test_a_client_that_never_reads_cannot_hold_its_call_nor_its_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.server.transport, "LEAVING_S", 0.01)

    async def play(served: Served) -> None:
        client = await RawClient.enter(await served.ws_url())
        client.send(2, ready())
        await client.read_frame()
        [call] = served.engine.calls
        for n in range(20_000):
            if not served.sessions.calls:
                break
            call.send(AudioOut(bytes(32_000), 0, n * 16_000))
            await asyncio.sleep(0)
        assert served.ended("read too slowly") == 1
        await until(lambda: not served.server.server_state.connections)
        client.vanish()

    on_a_server(play)


# ---- cut off ----


async def key_of(client: ClientConnection) -> str:
    """The key that it is given after bot-ready."""
    await client.send(ready("halfsecond-web"))
    assert kind(await client.recv(decode=False)) == "bot-ready"
    said = Frame.FromString(await client.recv(decode=False)).message.data
    session: dict[str, str] = json.loads(said)["data"]
    assert session["type"] == "session"
    return session["resume"]


def cut(client: ClientConnection) -> None:
    client.transport.abort()


def test_a_client_whose_socket_is_cut_goes_on_with_its_call() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            key = await key_of(client)
            [call] = served.engine.calls
            cut(client)
        await call.until_heard(LineDropped())
        assert (await served.http.post("/start")).status_code == 503, "its place is kept"

        async with connect(await served.ws_url(key)) as client:
            assert await key_of(client) == key
            assert kind(await client.recv(decode=False)) == "server-message"  # the state
            await client.send(audio(PCM))
            assert pcm(await client.recv(decode=False)) == PCM
            await client.send(message("disconnect-bot"))
            assert await closing(client) == (1000, "")
        await until(lambda: served.ended("left") == 1)
        assert served.engine.calls == [call]
        assert (await served.http.post("/start")).status_code == 200

    on_a_server(play, limits=Limits(calls=1))


def test_a_client_that_is_back_before_the_loss_is_noticed_has_its_call() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as first:
            key = await key_of(first)
            async with connect(await served.ws_url(key)) as second:
                assert await key_of(second) == key
                assert await closing(first) == (1008, "the call goes on over another connection")
                await second.send(message("disconnect-bot"))
                assert await closing(second) == (1000, "")
        await until(lambda: served.ended("left") == 1)

    on_a_server(play, limits=Limits(calls=1))


def test_a_client_that_comes_back_too_late_begins_anew_and_is_told_so() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            key = await key_of(client)
            cut(client)
        await until(lambda: served.ended("vanished") == 1)

        async with connect(await served.ws_url(key)) as client:
            assert await key_of(client) != key
        assert len(served.engine.calls) == 2

    on_a_server(play, limits=Limits(calls=1, return_s=0.01))


def test_a_place_kept_for_a_client_that_was_cut_off_does_not_keep_the_server() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await key_of(client)
            [call] = served.engine.calls
            cut(client)
        await call.until_heard(LineDropped())

    on_a_server(play)


# ---- leaving ----


def signal_server(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_sigterm_stops_admission_and_lets_calls_finish() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            signal_server(signal.SIGTERM)
            await served.sessions.until(Doors.DRAINING)

            start = await served.http.post("/start")
            assert (start.status_code, start.json()) == (
                503,
                {"error": "the server is shutting down"},
            )
            assert (await served.http.get("/readyz")).status_code == 503
            assert (await served.http.get("/healthz")).status_code == 200

            await client.send(audio(PCM))
            assert pcm(await client.recv(decode=False)) == PCM
            await client.send(typed("goodbye"))
            assert await closing(client) == (1000, "")
        await served.over

    on_a_server(play, drain_s=3600.0)


def test_calls_that_outlast_the_drain_are_told_that_the_server_restarts() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            signal_server(signal.SIGTERM)
            assert await closing(client) == (1012, "the server is shutting down")
        await served.over

    on_a_server(play, drain_s=0.0)


def test_a_second_signal_ends_the_calls_at_once() -> None:
    async def play(served: Served) -> None:
        async with connect(await served.ws_url()) as client:
            await enter(client)
            signal_server(signal.SIGTERM)
            await served.sessions.until(Doors.DRAINING)
            signal_server(signal.SIGINT)
            assert await closing(client) == (1012, "the server is shutting down")
        await served.over

    on_a_server(play, drain_s=3600.0)
