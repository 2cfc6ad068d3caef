"""Failures of an endpoint, in our own terms; and how long a line of it may be."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator

import httpx2
import openai

from pipelines.services.llm.llm_dialect import is_too_long, refuses_images
from pipelines.services.openai_client import in_words
from pipelines.services.protocols import IMAGES, FailureDetails, ServiceError

LONGEST_LINE = 1 << 20
"""Bytes of one event, or of a refusal: a chunk of an answer has a few hundred."""

_LOADING = re.compile(
    r"load|start(ing|ed)? up|starting|initiali[sz]|warming|booting|not ready|in.queue|no workers?"
)
_GATEWAY = (404, 502, 503, 504)
"""Statuses of proxies for a machine that is not there yet."""


def words_of(error: openai.APIStatusError) -> str:
    return f"{error.message} {error.body}"


@contextlib.contextmanager
def as_service_errors(
    may_be_cold: Callable[[], bool], asked: Collection[str] = ()
) -> Iterator[None]:
    """`may_be_cold`: it has not answered yet, or is one that sleeps when nobody asks.

    `asked`: names of the request's fields, one of which a refusal may be about.
    """
    try:
        yield
    except TimeoutError as exc:
        trouble = FailureDetails(cold=may_be_cold())
        message = "no answer yet: cold" if trouble.cold else "too slow"
        raise ServiceError("llm", message, retryable=True, trouble=trouble) from exc
    except openai.APIStatusError as exc:
        raise _refusal(exc, asked, may_be_cold=may_be_cold()) from exc
    except (openai.OpenAIError, httpx2.HTTPError, ValueError) as exc:  # torn JSON is a ValueError
        raise ServiceError("llm", in_words(exc), retryable=True) from exc
    except httpx2.InvalidURL as exc:
        raise ServiceError("llm", "the base URL is not one", retryable=False) from exc


def unsupported(param: str) -> ServiceError:
    """An endpoint does not take a field of the request that somebody asked for."""
    trouble = FailureDetails(refused=True, param=param, unsupported=True)
    return ServiceError("llm", f"does not take {param}", retryable=False, trouble=trouble)


def _refusal(
    error: openai.APIStatusError, asked: Collection[str], *, may_be_cold: bool
) -> ServiceError:
    status, words = error.status_code, words_of(error).lower()
    if IMAGES in asked and refuses_images(words):  # llama.cpp says so with a 500
        return unsupported(IMAGES)
    retryable = status >= 500 or status in (408, 429)
    about_model = status == 404 and "model" in words
    unannounced = may_be_cold and status in _GATEWAY and not about_model
    refused = status in (400, 413, 422)
    trouble = FailureDetails(
        refused=refused,
        param=_at_fault(words, asked) if refused else "",
        cold=unannounced or (status in (503, 425) and _LOADING.search(words) is not None),
        too_long=is_too_long(words),
        retry_after_s=_retry_after_s(error.response),
    )
    return ServiceError(
        "llm",
        f"status {status}" + (": cold" if trouble.cold else ""),
        retryable=retryable and error.code != "insufficient_quota",
        trouble=trouble,
    )


def _at_fault(words: str, asked: Collection[str]) -> str:
    """The field that the words are about; images, where they name no other."""
    named = [name for name in sorted(asked) if re.search(rf"\b{re.escape(name)}\b", words)]
    return named[0] if named else IMAGES if IMAGES in asked else ""


def _retry_after_s(response: httpx2.Response) -> float:
    """0.0 where nothing, or a date, is said."""
    try:
        said = float(response.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0
    return said if 0.0 <= said < 86_400.0 else 0.0


async def bound_lines(response: httpx2.Response) -> None:
    """A response hook: what never ends a line is cut off there, before it fills the memory."""
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, by_line=response.status_code == 200)


class _Bounded(httpx2.AsyncByteStream):
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
