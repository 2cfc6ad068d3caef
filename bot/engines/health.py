"""Asking an engine over HTTP whether it is there, and whether it is well."""

import httpx2


def client(address: str, limit_s: float | None = None) -> httpx2.AsyncClient:
    """For questions to an engine on this machine. `limit_s`: for each answer; None for no limit."""
    return httpx2.AsyncClient(
        base_url=address,
        trust_env=False,
        timeout=limit_s,
        # A connection that was kept may be closed by the time of the next question.
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


async def is_well(http: httpx2.AsyncClient, path: str) -> bool:
    """True if it says 200."""
    try:
        return (await http.get(path)).status_code == 200
    except httpx2.HTTPError:
        return False


async def is_there(http: httpx2.AsyncClient, path: str) -> bool:
    """True once it says anything; False if it cannot be reached, or breaks off."""
    try:
        await http.get(path)
    except httpx2.HTTPError:
        return False
    return True
