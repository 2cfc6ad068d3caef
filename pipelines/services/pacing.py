"""Work on what comes from others, in pieces between which the event loop has its turn.

A server that sends faster than it is read never lets a reader wait: neither other calls nor the
reader's own deadline would have a turn.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

PIECE_BYTES = 4096
"""At most so much of it is worked on at a time: seventy events of a model's answer."""
LEAST_BYTES = 256
"""A piece counts for so many, however small it is: each is a call through many layers."""


async def paced(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces of at most `PIECE_BYTES`."""
    taken = 0
    async for piece in pieces:
        for at in range(0, len(piece), PIECE_BYTES):
            part = piece[at : at + PIECE_BYTES]
            taken += max(len(part), LEAST_BYTES)
            if taken > PIECE_BYTES:
                await asyncio.sleep(0)
                taken = len(part)
            yield part
