"""A request's body, up to a limit."""

from fastapi import Request


async def read_body(request: Request, limit: int) -> bytes | None:
    """None if it has more than `limit` bytes, or says so. Raises starlette's ClientDisconnect.

    A connection that is closed while something is unread is reset, and a client that is still
    sending never sees the answer: so the rest of a body is read first, up to twice the limit.
    """
    body, size, most = bytearray(), 0, 2 * limit
    says = int(request.headers.get("content-length", "0"))  # h11 lets none but figures pass
    if says > most:
        return None
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            break
        if max(size, says) <= limit:
            body += chunk
    return bytes(body) if max(size, says) <= limit else None
