import asyncio

import pytest
from fastapi import Request

from bot.server.body import read_body

LIMIT = 10


def read(*pieces: bytes, says: int | None = None) -> tuple[bytes | None, int]:
    """A body of `pieces`, and how many of them were read."""
    unread = list(pieces)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": unread.pop(0), "more_body": bool(unread)}

    headers = [] if says is None else [(b"content-length", str(says).encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    return asyncio.run(read_body(request, LIMIT)), len(pieces) - len(unread)


@pytest.mark.parametrize("pieces", [(b"",), (b"0123456789",), (b"01234", b"", b"56789")])
def test_a_body_up_to_the_limit_is_read(pieces: tuple[bytes, ...]) -> None:
    assert read(*pieces) == (b"".join(pieces), len(pieces))


@pytest.mark.parametrize("says", [None, 13], ids=["chunked", "with its length"])
def test_a_body_that_is_too_big_is_read_to_its_end_and_dropped(says: int | None) -> None:
    assert read(b"01234", b"56789", b"x", b"yz", says=says) == (None, 4)


def test_a_body_that_says_it_is_far_too_big_is_not_read() -> None:
    assert read(b"x", says=2 * LIMIT + 1) == (None, 0)


def test_a_body_that_does_not_end_is_left() -> None:
    assert read(*[b"01234"] * 8) == (None, 5)
