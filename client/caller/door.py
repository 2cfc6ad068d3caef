"""Finds the WebSocket of a server: given as it is, or asked for with POST /start."""

import httpx2


class CallError(Exception):
    """The call could not be made or was cut short; the message is one line for a person."""


async def find_socket(url: str, timeout_s: float, token: str | None = None) -> str:
    """`url` is ws(s):// and taken as it is, or http(s):// and asked, with the access token.

    Raises CallError.
    """
    if url.startswith(("ws://", "wss://")):
        return url
    if not url.startswith(("http://", "https://")):
        raise CallError(f"{url}: not an address; it begins with http:// or ws://")
    start = url.rstrip("/") + "/start"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # trust_env off: a proxy in between would be measured with the server.
        async with httpx2.AsyncClient(trust_env=False, timeout=timeout_s) as client:
            answer = await client.post(start, json={}, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise CallError(f"{start}: no server answers ({_reason(exc)})") from exc
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise CallError(f"{start}: asks for its access token: give it with --token")
    if answer.status_code != httpx2.codes.OK:
        raise CallError(f"{start}: refused with {answer.status_code}{_word(answer)}")
    try:
        return str(answer.json()["wsUrl"])
    except (ValueError, KeyError, TypeError) as exc:
        raise CallError(f"{start}: answered without a wsUrl") from exc


def _reason(exc: Exception) -> str:
    return str(exc).splitlines()[0] if str(exc) else type(exc).__name__


def _word(answer: httpx2.Response) -> str:
    """What a refusing server says, if it says so in a line of JSON."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    words = body.get("detail") or body.get("error") if isinstance(body, dict) else None
    return f": {words}" if isinstance(words, str) else ""
