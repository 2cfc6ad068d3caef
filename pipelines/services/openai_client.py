"""The client of every OpenAI-compatible server here, as all adapters want it."""

from collections.abc import Awaitable, Callable, Sequence

import httpx2
import openai
from openai import AsyncOpenAI

from pipelines.addresses import is_loopback

CONNECTIONS = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=60.0
)
"""httpx forgets an idle connection after 5 s, less than many a turn takes."""

Hook = Callable[[httpx2.Response], Awaitable[None]]


def new_client(base_url: str, api_key: str | None, on_response: Sequence[Hook] = ()) -> AsyncOpenAI:
    """Opens no connection yet. The vendor's retries and timeouts are off: the policy is ours."""
    return AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "EMPTY",
        max_retries=0,
        http_client=openai.DefaultAsyncHttpx2Client(
            # A proxy from the environment cannot reach an engine on this machine.
            trust_env=not is_loopback(base_url),
            limits=CONNECTIONS,
            timeout=None,
            event_hooks={"response": list(on_response)},
        ),
    )


def in_words(error: Exception) -> str:
    """The failure, where there is no HTTP status. Of a server's own words there are none in it."""
    match error.__cause__ if isinstance(error, openai.APIConnectionError) else error:
        case httpx2.ConnectError() as none:
            return f"nothing answers there ({none})"
        case httpx2.TimeoutException() | openai.APITimeoutError():
            return "too slow"
        case httpx2.HTTPError() as torn:
            return "the connection broke" + (f" ({torn})" if str(torn) else "")
        case openai.APIResponseValidationError() | ValueError():
            return "what it sends cannot be read"
        case openai.APIError():
            return "it began to answer, and sent an error"
        case other:
            return type(other).__name__
