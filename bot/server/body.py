"""A request's body, up to a limit."""

from fastapi import Request

DROPPED_BYTES = 32 * 1024 * 1024
"""Read and dropped of a body that is too big, before it is answered."""


async def read_body(request: Request, limit: int) -> bytes | None:
    """None if it has more than `limit` bytes, or says so. Raises starlette's ClientDisconnect.

    A connection that is closed while something is unread is reset, and a client that is still
    sending never sees the answer: so the rest is read first, within the time of a request.
    """
    body, size = bytearray(), 0
    says = int(request.headers.get("content-length", "0"))  # h11 lets none but figures pass
    if says > DROPPED_BYTES:
        return None
    async for chunk in request.stream():
        size += len(chunk)
        if size > DROPPED_BYTES:
            break
        if max(size, says) <= limit:
            body += chunk
    return bytes(body) if max(size, says) <= limit else None
