"""Frames and messages that no well-behaved client sends."""

import struct
from random import Random

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from bench.attack.wire import BINARY, FRAME_CASES, PING, TEXT, fragments, frame, mutated, request


def parsed(data: bytes) -> list[tuple[int, bool, bytes]]:
    """Opcode, FIN and payload of each frame, as a library of another make reads them."""
    reader, found = StreamReader(), []
    reader.feed_data(data)
    reader.feed_eof()
    while reader.buffer:
        reading = Frame.parse(reader.read_exact, mask=True, max_size=None)
        with pytest.raises(StopIteration) as done:
            next(reading)
        one = done.value.value
        found.append((int(one.opcode), one.fin, bytes(one.data)))
    return found


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_of_any_size_is_read_as_it_was_meant(size: int) -> None:
    assert parsed(frame(BINARY, b"x" * size)) == [(BINARY, True, b"x" * size)]


def test_fragments_make_up_the_message_again() -> None:
    found = parsed(fragments(TEXT, b"0123456789", range(2, 9, 3)))
    assert b"".join(payload for _, _, payload in found) == b"0123456789"
    assert [opcode for opcode, _, _ in found] == [TEXT, 0, 0, 0]
    assert [fin for _, fin, _ in found] == [False, False, False, True]


def test_a_head_may_claim_another_length_than_the_payload_has() -> None:
    assert struct.unpack("!Q", frame(BINARY, length=2**62)[2:10]) == (2**62,)


def test_a_ping_may_be_longer_than_the_protocol_allows() -> None:
    assert frame(PING, b"x" * 126)[:2] == bytes([0x80 | PING, 0x80 | 126])


def test_each_case_has_a_name_of_its_own_and_bytes_for_either_door() -> None:
    assert len({case.name for case in FRAME_CASES}) == len(FRAME_CASES)
    for case in FRAME_CASES:
        for opcode in (TEXT, BINARY):
            assert case.made(opcode, b"a good message" * 20), case.name


def test_a_message_is_spoilt_the_same_way_by_the_same_chance() -> None:
    good = b'{"event": "media", "media": {"payload": "////"}}'
    spoilt = [mutated(good, Random(seed)) for seed in range(200)]
    assert spoilt == [mutated(good, Random(seed)) for seed in range(200)]
    assert sum(one != good for one in spoilt) > 190
    assert max(map(len, spoilt)) < 4_000


def test_nothing_at_all_can_be_spoilt() -> None:
    assert {mutated(b"", Random(seed)) for seed in range(50)}


def test_a_request_claims_its_own_length_or_another() -> None:
    assert b"\r\nContent-Length: 3\r\n\r\nabc" in request("POST", "/start", b"abc")
    assert b"\r\nContent-Length: 900\r\n\r\nabc" in request("POST", "/start", b"abc", size=900)
    assert request("GET", "/", head={"X-Y": "z"}).endswith(b"\r\nX-Y: z\r\n\r\n")
