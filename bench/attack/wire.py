"""Bytes that no well-behaved client sends: wrong WebSocket frames, spoilt messages. Pure."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes of RFC 6455, section 11.8."""

OPEN = 0
"""Stands for a close code where the connection should go on."""
BROKE, WRONG_KIND, BAD_TEXT, TOO_BIG = 1002, 1003, 1007, 1009
MESSAGE_LIMIT = 65_536
"""Bytes of a message at either door: `bot.calls.limits.Limits.message_bytes`."""


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """A client's frame, whose mask is zero. `length`: what its head claims, if not the truth."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size = len(payload) if length is None else length
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, mask_bit | size])
    elif size < 65_536:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    return head + (bytes(4) if masked else b"") + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


def fragments(opcode: int, message: bytes, cuts: range) -> bytes:
    edges = [0, *cuts, len(message)]
    parts = [message[start:end] for start, end in pairwise(edges)]
    last = len(parts) - 1
    return b"".join(
        frame(opcode if number == 0 else CONTINUATION, part, fin=number == last)
        for number, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class FrameCase:
    """Bytes for an open WebSocket, and how it may end."""

    name: str
    """With the section of Autobahn's suite that it is taken from."""
    made: Callable[[int, bytes], bytes]
    """From the door's opcode and one good message."""
    wanted: tuple[int, ...]


def _case(name: str, made: Callable[[int, bytes], bytes], *wanted: int) -> FrameCase:
    return FrameCase(name, made, wanted)


def _always(data: bytes) -> Callable[[int, bytes], bytes]:
    return lambda _, message: data


def _unfinished(opcode: int) -> bytes:
    return frame(opcode, b"a", fin=False)


def _too_big(opcode: int) -> bytes:
    half = b"x" * (MESSAGE_LIMIT // 2 + 1)
    return frame(opcode, half, fin=False) + frame(CONTINUATION, half)


FRAME_CASES = (
    _case("1 whole message", frame, OPEN),
    _case("2.4 ping of 125 bytes", lambda _, m: frame(PING, b"x" * 125), OPEN),
    _case("2.5 ping of 126 bytes", lambda _, m: frame(PING, b"x" * 126), BROKE),
    _case("2.7 pong that nobody asked for", lambda _, m: frame(PONG, b"x"), OPEN),
    _case("2.x ping in fragments", lambda _, m: frame(PING, b"x", fin=False), BROKE),
    _case("3 reserved bit 1", lambda o, m: frame(o, b"x", reserved=4), BROKE),
    _case("3 reserved bit 3 on a ping", lambda _, m: frame(PING, b"x", reserved=1), BROKE),
    *(_case(f"4 opcode {code}", _always(frame(code, b"x")), BROKE) for code in (3, 5, 7, 11, 15)),
    _case("5 two fragments", lambda o, m: fragments(o, m, range(10, 11)), OPEN),
    _case("5 a fragment for each of 150 bytes", lambda o, m: fragments(o, m, range(1, 150)), OPEN),
    _case("5.9 continuation of nothing", lambda _, m: frame(CONTINUATION, b"x"), BROKE),
    _case("5.15 a message within another", lambda o, m: _unfinished(o) + frame(o, b"b"), BROKE),
    _case("5.x fragments, then nothing", lambda o, m: _unfinished(o), OPEN),
    _case("6 invalid UTF-8", lambda _, m: frame(TEXT, b"\xce\xba\xed\xa0\x80"), BAD_TEXT),
    _case("7 close 1000", lambda _, m: closing(1000), 1000),
    _case("7 close of 1 byte", lambda _, m: frame(CLOSE, b"\x03"), BROKE),
    _case("7 close with invalid UTF-8", lambda _, m: closing(1000, b"\xff\xfe"), BAD_TEXT, BROKE),
    *(
        _case(f"7.9 close {code}", _always(closing(code)), BROKE)
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 65535)
    ),
    _case("7 frames after a close", lambda o, m: closing(1000) + frame(o, m), 1000),
    _case("9 too big in one frame", lambda o, m: frame(o, b"x" * (MESSAGE_LIMIT + 1)), TOO_BIG),
    _case("9 too big in two fragments", lambda o, m: _too_big(o), TOO_BIG),
    _case("9 a head of 2^62 bytes", lambda o, m: frame(o, length=2**62), TOO_BIG),
    _case("9 a head of 2^63 bytes", lambda o, m: frame(o, length=2**63), BROKE, TOO_BIG),
    _case("unmasked", lambda o, m: frame(o, m, masked=False), BROKE),
    _case(
        "text to the page, binary to the telephone",
        lambda o, m: frame(TEXT if o == BINARY else BINARY, b"{}"),
        WRONG_KIND,
    ),
)

_WEDGES = (
    b"\x00",
    b"\xff" * 8,
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[" * 200,
    b"{}",
    b'"',
    b"9" * 400,
)


def mutated(message: bytes, chance: Random) -> bytes:
    """`message`, spoilt in one to four places: bytes changed, cut out, repeated or put in."""
    spoilt = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(spoilt) + 1)
        end = min(len(spoilt), start + chance.randint(0, 12))
        match chance.randrange(4):
            case 0:
                spoilt[start:end] = chance.randbytes(end - start)
            case 1:
                del spoilt[start:end]
            case 2:
                spoilt[start:start] = spoilt[start:end] * chance.randint(1, 50)
            case _:
                spoilt[start:end] = chance.choice(_WEDGES)
    return bytes(spoilt)


def request(
    method: str,
    path: str,
    body: bytes = b"",
    head: Mapping[str, str] | None = None,
    *,
    size: int | None = None,
) -> bytes:
    """An HTTP/1.1 request. `size`: the Content-Length that it claims, if not the true one."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (head or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body) if size is None else size}")
    return "\r\n".join([*lines, "", ""]).encode() + body
