"""A request's body, up to a limit."""

from fastapi import Request


async def read_body(request: Request, limit: int) -> bytes | None:
    """None if it has more than `limit` bytes, or says so. Raises starlette's ClientDisconnect."""
    if int(request.headers.get("content-length", "0")) > limit:  # h11 lets none but figures pass
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
