"""The attackers, strangers and callers, one small piece each."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np

from bench.attack.target import (
    SIGNS_WITH,
    TOKEN,
    Connection,
    HandshakeRefusedError,
    SurpriseError,
    Target,
)
from bench.attack.wire import BINARY, FRAME_CASES, OPEN, PING, TEXT, frame, mutated, request
from bot.browser.browser_pb2 import Frame, MessageFrame
from client.caller.dialect import ClientDialect, Message
from client.caller.door import Door, Entrance, PageDoor
from client.caller.microphone import FRAME_SAMPLES
from client.caller.telephone import TelephoneCaller

Once = Callable[[Target, Random], Awaitable[None]]

MEDIA, TEXTS, VOICE = "/twilio/media", "/v1/chat/completions", "/twilio/voice"
BUG = 1011
"""A WebSocket's close code for a fault of the server's own."""
UNAVAILABLE = 503
SILENCE = np.zeros(FRAME_SAMPLES, np.int16)
CLOSED_WITHIN_S = 8.0
OPEN_FOR_S = 0.5
FLOOD_S = 2.0
JSON = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
FORM = "application/x-www-form-urlencoded"
HOSTILE_TEXTS = (
    "a," * 30_000, "+1 " * 6_000, "1" * 16_000, "word " * 12_000, "a," * 4_000, "+1 " * 2_700,
    "lorem ipsum dolor " * 450, "\N{GRINNING FACE}" * 8_000, "(" * 8_000, "1.2.3/4-5:" * 800,
    "\u202e\x00" * 4_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacker:
    does: str
    once: Once
    """One round, of a few seconds. Raises SurpriseError; being refused is in order."""
    at_once: int = 1
    pause_s: float = 0.05
    """Between two rounds."""


# ---- strangers


async def idle(target: Target, chance: Random) -> None:
    async with target.connection(chance) as connection:
        await asyncio.sleep(chance.uniform(1.0, 6.0))
        with suppress(OSError):
            await connection.send(b"GET / HT")


async def slow_head(target: Target, chance: Random) -> None:
    async with target.connection(chance) as connection:
        for byte in request("GET", "/healthz", head={"X-Slow": "y" * 200}):
            await connection.send(bytes([byte]))
            await asyncio.sleep(0.1)


async def unsigned(target: Target, chance: Random) -> None:
    async with target.websocket(MEDIA, chance) as socket:
        await socket.code(chance.uniform(1.0, 5.0))


async def pings(target: Target, chance: Random) -> None:
    async with target.websocket(MEDIA, chance) as socket, asyncio.TaskGroup() as tasks:
        tasks.create_task(socket.code(FLOOD_S))
        await _flood(socket, frame(PING) * 8_000)


async def unread_pongs(target: Target, chance: Random) -> None:
    async with target.websocket(MEDIA, chance) as socket:
        socket.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        await _flood(socket, frame(PING, b"p" * 125) * 500)


async def _flood(socket: Connection, piece: bytes) -> None:
    with suppress(OSError):  # its time is over, or it was cut off
        async with asyncio.timeout(FLOOD_S):
            while True:
                await socket.send(piece)


async def unread_answers(target: Target, chance: Random) -> None:
    async with target.connection(chance) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # as above
        await _flood(connection, request("GET", "/style.css") * 20)
        await asyncio.sleep(chance.uniform(0.0, 5.0))


async def torn_body(target: Target, chance: Random) -> None:
    path = chance.choice([TEXTS, "/start", VOICE, "/api/v1/chat/submit"])
    async with target.connection(chance) as connection:
        await connection.send(request("POST", path, b'{"model": "x"', JSON, size=900))
        await asyncio.sleep(chance.uniform(0.0, 0.2))


async def big_body(target: Target, chance: Random) -> None:
    resume = json.dumps({"resume": "a" * 65_000}).encode()
    form = "&".join(f"{number:x}=" for number in range(11_500)).encode()
    path, body, kind = chance.choice(
        [
            ("/start", resume, "application/json"),
            (VOICE, form, FORM),
            (VOICE, b"x" * 2**20, FORM),
            ("/start", b"[" * 60_000, "application/json"),
        ]
    )
    head = {"Content-Type": kind, "X-Twilio-Signature": "x", "Authorization": f"Bearer {TOKEN}"}
    _in_order(path, await target.ask(chance, request("POST", path, body, head)))


async def fuzzed_requests(target: Target, chance: Random) -> None:
    chat = {
        "model": "halfsecond-demo",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 5,
    }
    path, body, kind = chance.choice(
        [
            (TEXTS, json.dumps(chat).encode(), "application/json"),
            ("/start", b'{"resume": "abc", "transport": "websocket"}', "application/json"),
            (VOICE, b"CallSid=CA00&AccountSid=AC00&From=%2B15005550006&CallStatus=ringing", FORM),
        ]
    )
    head = {"Content-Type": kind, "X-Twilio-Signature": "x", "Authorization": f"Bearer {TOKEN}"}
    _in_order(path, await target.ask(chance, request("POST", path, mutated(body, chance), head)))


async def fuzzed_heads(target: Target, chance: Random) -> None:
    good = request("GET", "/healthz", head={"Upgrade": "websocket", "Range": "bytes=0-5"})
    _in_order("a mutated head", await target.ask(chance, mutated(good, chance) + b"\r\n\r\n"))


async def described(target: Target, chance: Random) -> None:
    """As schemathesis makes it up. It is judged in tests/bot/test_description.py, not here."""
    words = ["-m", "schemathesis.cli", "run", f"{target.url}/openapi.json", "--no-color"]
    words += ["--header", f"Authorization: Bearer {TOKEN}", "--exclude-path-regex", "/stream/"]
    words += ["--max-examples", "3", "--request-timeout", "5", "--seed", str(chance.randrange(999))]
    with TemporaryDirectory() as folder:  # it leaves its own cache behind
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, cwd=folder
        )
        try:
            await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def cross_site(target: Target, chance: Random) -> None:
    head = {"Sec-Fetch-Site": "cross-site", "Authorization": f"Bearer {TOKEN}"}
    path = f"/api/v1/chat/stream/c{chance.randrange(10**6)}"
    status = await target.ask(chance, request("GET", path, head=head))
    if status not in (403, UNAVAILABLE):
        raise SurpriseError(f"an image of another site got {status} at a text stream")


def _in_order(path: str, status: int) -> None:
    if status >= 500 and status != UNAVAILABLE:
        raise SurpriseError(f"{path} answered {status}")


# ---- callers


def _opcode(message: Message) -> int:
    return TEXT if isinstance(message, str) else BINARY


def _framed(message: Message) -> bytes:
    return frame(_opcode(message), message.encode() if isinstance(message, str) else message)


def _door(name: str) -> Door:
    return PageDoor(token=TOKEN) if name == "page" else TelephoneCaller(auth_token=SIGNS_WITH)


async def _in_call(
    target: Target,
    chance: Random,
    door: str,
    does: Callable[[Connection, ClientDialect], Awaitable[None]],
) -> None:
    """A call that says goodbye at its end, if it still can."""
    async with (
        _door(door).entered(target.url, CLOSED_WITHIN_S) as entrance,
        target.websocket(_path(entrance), chance, entrance.headers) as socket,
    ):
        for message in entrance.dialect.greet():
            await socket.send(_framed(message))
        await does(socket, entrance.dialect)
        with suppress(OSError):
            for message in entrance.dialect.part():
                await socket.send(_framed(message))


def _path(entrance: Entrance) -> str:
    parts = urlsplit(entrance.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def wrong_frames(door: str) -> Once:
    async def once(target: Target, chance: Random) -> None:
        case = chance.choice(FRAME_CASES)

        async def does(socket: Connection, dialect: ClientDialect) -> None:
            good = dialect.say(SILENCE, "", 0.0)[0]
            data = good.encode() if isinstance(good, str) else good
            await socket.code(0.1)
            await socket.send(case.made(_opcode(good), data))
            code = await socket.code(OPEN_FOR_S if OPEN in case.wanted else CLOSED_WITHIN_S)
            if (OPEN if code is None else code) not in case.wanted:
                raise SurpriseError(f"{case.name} at the {door}: {code}, not one of {case.wanted}")

        await _in_call(target, chance, door, does)

    return once


def fuzzed_messages(door: str) -> Once:
    async def once(target: Target, chance: Random) -> None:
        async def does(socket: Connection, dialect: ClientDialect) -> None:
            for _ in range(15):
                good = chance.choice(
                    [*dialect.greet(), *dialect.say(SILENCE, "5", 0.0), *dialect.part()]
                )
                data = mutated(good.encode() if isinstance(good, str) else good, chance)
                await socket.send(frame(_opcode(good), data))
                if (code := await socket.code(0.1)) is not None:
                    if code == BUG:
                        raise SurpriseError(f"a fault at the {door}, of {data[:120]!r}")
                    return

        await _in_call(target, chance, door, does)

    return once


async def typed(target: Target, chance: Random) -> None:
    async def does(socket: Connection, dialect: ClientDialect) -> None:
        for _ in range(12):
            said = {
                "content": chance.choice(HOSTILE_TEXTS),
                "options": {"run_immediately": chance.random() < 0.5},
            }
            await socket.send(frame(BINARY, _rtvi("send-text", said)))
            if (code := await socket.code(0.08)) is not None:
                if code == BUG:
                    raise SurpriseError("a text that was typed is a fault of the server")
                return

    await _in_call(target, chance, "page", does)


def _rtvi(kind: str, data: Mapping[str, object]) -> bytes:
    said = json.dumps(
        {"label": "rtvi-ai", "type": kind, "id": "x", "data": data}, ensure_ascii=False
    )
    return Frame(message=MessageFrame(data=said)).SerializeToString()


async def fast_sound(target: Target, chance: Random) -> None:
    async def does(socket: Connection, dialect: ClientDialect) -> None:
        piece = b"".join(_framed(dialect.say(SILENCE, "", 0.0)[0]) for _ in range(100))
        for _ in range(10):
            await socket.send(piece)
            if await socket.code(0.2) is not None:
                return

    await _in_call(target, chance, "page", does)


async def vanish(target: Target, chance: Random) -> None:
    async def does(socket: Connection, dialect: ClientDialect) -> None:
        for _ in range(20):
            await socket.send(_framed(dialect.say(SILENCE, "5", 0.0)[0]))
        socket.writer.transport.abort()

    await _in_call(target, chance, chance.choice(["page", "phone"]), does)


async def wrong_texts(target: Target, chance: Random) -> None:
    piece = chance.choice([b"1", b"{}", b'{"role":"x"}', b"[]"])
    body = (
        b'{"model":"x","messages":[' + b",".join([piece] * (1_040_000 // (len(piece) + 1))) + b"]}"
    )
    _in_order(TEXTS, await target.ask(chance, request("POST", TEXTS, body, JSON)))


async def figures(target: Target, chance: Random) -> None:
    said = [{"role": "user", "content": "1" * 16_000}]
    body = json.dumps({"model": "halfsecond-demo", "messages": said}).encode()
    async with target.connection(chance) as connection:
        await connection.send(request("POST", TEXTS, body, JSON))
        await asyncio.sleep(0.3)


ATTACKERS: dict[str, Attacker] = {
    "idle": Attacker(does="idle TCP connections", once=idle, at_once=400),
    "slow-head": Attacker(does="request heads of a byte each 0.1 s", once=slow_head, at_once=10),
    "unsigned": Attacker(does="media sockets that nobody signed", once=unsigned, at_once=70),
    "pings": Attacker(does="empty pings, the answers read", once=pings, at_once=2),
    "unread-pongs": Attacker(does="pings, the answers not read", once=unread_pongs, at_once=2),
    "unread-answers": Attacker(does="requests, answers not read", once=unread_answers, at_once=10),
    "torn-bodies": Attacker(does="bodies that break off", once=torn_body, at_once=2),
    "big-bodies": Attacker(does="bodies, forms and resume keys too big", once=big_body, at_once=2),
    "fuzzed-requests": Attacker(does="mutated bodies", once=fuzzed_requests, at_once=2),
    "fuzzed-heads": Attacker(does="mutated request heads", once=fuzzed_heads),
    "cross-site": Attacker(does="an image of another site at a text stream", once=cross_site),
    "frames-page": Attacker(does="wrong WebSocket frames", once=wrong_frames("page"), at_once=2),
    "frames-phone": Attacker(does="the same, signed", once=wrong_frames("phone"), at_once=2),
    "fuzzed-page": Attacker(does="mutated messages of a page", once=fuzzed_messages("page")),
    "fuzzed-phone": Attacker(does="mutated messages of Twilio", once=fuzzed_messages("phone")),
    "typed": Attacker(does="hostile texts typed at a page", once=typed, pause_s=1.0),
    "fast-sound": Attacker(does="sound at ten times real time", once=fast_sound, pause_s=1.0),
    "vanish": Attacker(does="callers that are reset in the middle", once=vanish, pause_s=8.0),
    "wrong-texts": Attacker(does="1 MB of wrong messages at /v1", once=wrong_texts, pause_s=0.5),
    "figures": Attacker(does="16,000 figures for the demo engine", once=figures, pause_s=0.5),
}
"""By the name that is typed."""
if find_spec("schemathesis"):  # it comes with `./run test`
    ATTACKERS["described"] = Attacker(does="schemathesis, by the API's description", once=described)

REFUSALS = (OSError, EOFError, HandshakeRefusedError, asyncio.LimitOverrunError)
"""Ways to be turned away, which are in order."""
