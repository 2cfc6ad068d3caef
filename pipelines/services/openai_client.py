"""The client of every OpenAI-compatible server here, and how its exceptions become ours."""

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Literal, TypeAlias

import httpx2
import openai
from openai import AsyncOpenAI

from pipelines.addresses import is_loopback, printable_in
from pipelines.services.protocols import ServiceError

CONNECTIONS = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=60.0
)
"""httpx forgets an idle connection after 5 s, less than many a turn takes."""

LOADED_LATE = (
    "openai.resources.chat.chat",
    "openai.resources.audio.speech",
    "openai.resources.audio.transcriptions",
    "anyio._backends._asyncio",
    "concurrent.futures.thread",  # which looks names up
)
"""Modules that the package loads with its first request: 0.2 s in which no call's audio moves."""
LONGEST_LINE = 1 << 20
"""Bytes of one line, of a refusal, or of an answer that is no stream: a chunk of an answer has a
few hundred."""

Streams: TypeAlias = Literal["lines", "sound", "nothing"]
"""The streams of a server's good answers: lines, each of which is bounded; sound, of which whoever
reads it takes as much as he needs; or none, and all of it is bounded."""


def new_client(base_url: str, api_key: str | None, streams: Streams = "nothing") -> AsyncOpenAI:
    """Opens no connection yet. The vendor's retries and timeouts are off: the policy is ours.

    An answer that is compressed is refused: a few bytes of it could be any number.
    """
    for name in LOADED_LATE:
        importlib.import_module(name)

    async def bound(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("it is compressed, and was asked not to be")
        kind = streams if response.status_code == 200 else "nothing"
        if kind != "sound":
            response.stream = _Bounded(response.stream, by_line=kind == "lines")

    return AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "EMPTY",
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=openai.DefaultAsyncHttpx2Client(
            # A proxy from the environment cannot reach an engine on this machine.
            trust_env=not is_loopback(base_url),
            limits=CONNECTIONS,
            timeout=None,
            event_hooks={"response": [bound]},
        ),
    )


class _Bounded(httpx2.AsyncByteStream):
    """Cut off before it fills the memory, where a line or the whole of it has no end."""

    def __init__(self, stream: httpx2.AsyncByteStream, *, by_line: bool) -> None:
        self._stream = stream
        self._by_line = by_line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        since_line = 0
        async for piece in self._stream:
            end = piece.rfind(b"\n") if self._by_line else -1
            since_line = len(piece) - end - 1 if end >= 0 else since_line + len(piece)
            if since_line > LONGEST_LINE:
                raise httpx2.RemoteProtocolError("a line without an end")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextlib.contextmanager
def as_service_errors(
    service: str,
    *,
    refused: Callable[[openai.APIStatusError], ServiceError] | None = None,
    slow: Callable[[], ServiceError] | None = None,
) -> Iterator[None]:
    """Raises ServiceError for what the package, its transport and the clock raise.

    `refused` and `slow` take the place of the plain errors, where an adapter knows more.
    """
    try:
        yield
    except TimeoutError as exc:
        raise slow() if slow else ServiceError(service, "too slow", retryable=True) from exc
    except openai.APIStatusError as exc:
        raise refused(exc) if refused else _refusal(service, exc) from exc
    except httpx2.InvalidURL as exc:
        raise ServiceError(service, "the base URL is not one", retryable=False) from exc
    except (openai.OpenAIError, httpx2.HTTPError, ValueError) as exc:  # torn JSON is a ValueError
        raise ServiceError(service, in_words(exc), retryable=True) from exc


def may_be_retried(error: openai.APIStatusError) -> bool:
    """Not where the account has nothing left: that stays so."""
    passes = error.status_code >= 500 or error.status_code in (408, 429)
    return passes and error.code != "insufficient_quota"


def _refusal(service: str, error: openai.APIStatusError) -> ServiceError:
    status = f"status {error.status_code}"
    return ServiceError(service, status, retryable=may_be_retried(error))


def in_words(error: Exception) -> str:
    """The failure, where there is no HTTP status. Of a server's own words there are none in it."""
    match (error.__cause__ or error) if isinstance(error, openai.APIConnectionError) else error:
        case httpx2.ConnectError() as none:
            return f"nothing answers there ({printable_in(str(none))})"
        case httpx2.TimeoutException() | openai.APITimeoutError():
            return "too slow"
        case httpx2.HTTPError() as torn:
            return "the connection broke" + (f" ({printable_in(str(torn))})" if str(torn) else "")
        case openai.APIResponseValidationError() | ValueError():
            return "what it sends cannot be read"
        case openai.APIError():
            return "it began to answer, and sent an error"
        case other:
            return type(other).__name__
