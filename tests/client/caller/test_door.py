"""POST /start against a server of a few lines, on loopback."""

import asyncio

import pytest

from client.caller.door import CallError, find_socket


def ask(answer: bytes, token: str | None = None) -> tuple[str, bytes]:
    """The address that `find_socket` takes from `answer`, and the request that it sent."""

    async def scenario() -> tuple[str, bytes]:
        requests: list[bytes] = []

        async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            address = await find_socket(f"http://127.0.0.1:{port}/", 5.0, token)
        return address, requests[0]

    return asyncio.run(scenario())


def http(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n{body}".encode()


def test_the_server_says_where_its_socket_is() -> None:
    address, request = ask(http("200 OK", '{"wsUrl": "ws://example.test/ws"}'))

    assert address == "ws://example.test/ws"
    assert request.startswith(b"POST /start HTTP/1.1\r\n")


def test_the_access_token_is_shown() -> None:
    _, request = ask(http("200 OK", '{"wsUrl": "ws://example.test/ws"}'), "open-sesame")
    assert b"\r\nauthorization: bearer open-sesame\r\n" in request.lower()


def test_a_socket_address_is_taken_as_it_is() -> None:
    assert asyncio.run(find_socket("ws://example.test:1/x", 1.0)) == "ws://example.test:1/x"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (http("503 Service Unavailable", '{"detail": "all lines are busy"}'), "503: all lines are"),
        (http("503 Service Unavailable", "no JSON"), "refused with 503$"),
        (http("401 Unauthorized", '{"error": "no"}'), "access token: give it with --token"),
        (http("404 Not Found", '{"detail": [1]}'), "refused with 404$"),
        (http("200 OK", "{}"), "without a wsUrl"),
        (http("200 OK", "[]"), "without a wsUrl"),
        (http("200 OK", "<html>"), "without a wsUrl"),
        (b"ICY 200 OK\r\n\r\n", "no server answers"),
        (b"", "no server answers"),
    ],
)
def test_every_other_answer_is_one_clear_line(answer: bytes, complaint: str) -> None:
    with pytest.raises(CallError, match=complaint) as caught:
        ask(answer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["127.0.0.1:7860", "ftp://x", "http://[", "http://127.0.0.1:1"])
def test_an_address_without_a_server_is_one_clear_line(url: str) -> None:
    with pytest.raises(CallError) as caught:
        asyncio.run(find_socket(url, 1.0))
    assert url.rstrip("/") in str(caught.value)
