"""Waits for a server that is there and still loads its models."""

import asyncio
from collections.abc import Callable

import httpx2

from client.caller.door import CallError, refusal_of
from pipelines.addresses import printable

READY_WITHIN_S = 120.0
"""Ears and voices take seconds; a language model of the server's own can take a minute or two."""
ASK_EVERY_S = 0.5
ANSWER_WITHIN_S = 2.0
READY = "/readyz"
LOADING = "loading"
"""The `status` of a server that will be ready by itself."""
NO_ANSWER = "it listens, and does not answer yet"
"""So does one whose own language model is being started."""


async def until_ready(url: str, limit_s: float, tell: Callable[[str], None]) -> None:
    """Return once the server at `url` does not say that it is loading.

    Whatever else is the matter, the call will say. `tell` is given the server's own words, once
    each. A ws address is not asked, nor is anything with a limit of 0. Raises CallError after
    `limit_s`.
    """
    if limit_s == 0 or not url.startswith(("http://", "https://")):
        return
    why = told = ""
    try:
        # trust_env off: as the call itself goes.
        async with (
            asyncio.timeout(limit_s),
            httpx2.AsyncClient(trust_env=False, timeout=ANSWER_WITHIN_S) as client,
        ):
            while why := await _why_not_yet(client, url.rstrip("/") + READY):
                if why != told:
                    tell(why)
                    told = why
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError as exc:
        raise CallError(
            f"{printable(url)}: not ready after {limit_s:g} s ({why or NO_ANSWER}): "
            "see what it prints, or give it longer with --wait"
        ) from exc


async def _why_not_yet(client: httpx2.AsyncClient, url: str) -> str:
    """ "" where waiting would not help, or is over."""
    try:
        answer = await client.get(url)
    except httpx2.ReadTimeout:
        return NO_ANSWER
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return ""
    if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
        return ""
    try:
        body = answer.json()
    except ValueError:
        return ""
    is_loading = isinstance(body, dict) and body.get("status") == LOADING
    return (refusal_of(answer).removeprefix(": ") or LOADING) if is_loading else ""
