"""Failures of an endpoint, in our own terms."""

import re
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

import httpx2
import openai

from pipelines.services.llm.llm_dialect import is_too_long, refuses_images
from pipelines.services.openai_client import as_service_errors, may_be_retried
from pipelines.services.protocols import IMAGES, FailureDetails, FailureKind, ServiceError

_LOADING = re.compile(
    r"load|start(ing|ed)? up|starting|initiali[sz]|warming|booting|not ready|in.queue|no workers?"
)
_GATEWAY = (404, 502, 503, 504)
"""Statuses of proxies for a machine that is not there yet."""
_AT_FAULT = (400, 413, 422)
"""Statuses about the request."""


def words_of(error: openai.APIStatusError) -> str:
    return f"{error.message} {error.body}"


def as_llm_errors(
    may_be_cold: Callable[[], bool], asked: Collection[str] = ()
) -> AbstractContextManager[None]:
    """`may_be_cold`: it has not answered yet, or is one that sleeps when nobody asks.

    `asked`: names of the request's fields, one of which a refusal may be about.
    """

    def slow() -> ServiceError:
        trouble = FailureDetails(kind=FailureKind.COLD if may_be_cold() else FailureKind.ILL)
        message = "no answer yet: cold" if trouble.cold else "too slow"
        return ServiceError("llm", message, retryable=True, trouble=trouble)

    def refused(error: openai.APIStatusError) -> ServiceError:
        return _refusal(error, asked, may_be_cold=may_be_cold())

    return as_service_errors("llm", refused=refused, slow=slow)


def unsupported(param: str) -> ServiceError:
    """An endpoint does not take a field of the request that somebody asked for."""
    trouble = FailureDetails(kind=FailureKind.UNSUPPORTED, param=param)
    return ServiceError("llm", f"does not take {param}", retryable=False, trouble=trouble)


def _refusal(
    error: openai.APIStatusError, asked: Collection[str], *, may_be_cold: bool
) -> ServiceError:
    status, words = error.status_code, words_of(error).lower()
    if IMAGES in asked and refuses_images(words):  # llama.cpp says so with a 500
        return unsupported(IMAGES)
    trouble = FailureDetails(
        kind=_kind(status, words, may_be_cold=may_be_cold),
        status=status,
        param=_at_fault(words, asked) if status in _AT_FAULT else "",
        retry_after_s=_retry_after_s(error.response),
    )
    return ServiceError(
        "llm",
        f"status {status}" + (": cold" if trouble.cold else ""),
        retryable=may_be_retried(error),
        trouble=trouble,
    )


def _kind(status: int, words: str, *, may_be_cold: bool) -> FailureKind:
    if is_too_long(words):
        return FailureKind.TOO_LONG
    about_model = status == 404 and "model" in words
    unannounced = may_be_cold and status in _GATEWAY and not about_model
    if unannounced or (status in (503, 425) and _LOADING.search(words)):
        return FailureKind.COLD
    return FailureKind.REFUSED if status in _AT_FAULT else FailureKind.ILL


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
