"""Words about a server that gives no answer, for whoever runs it."""

import subprocess
import sys

import httpx2
import openai
import pytest

from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.openai_client import as_service_errors, in_words
from pipelines.services.protocols import ChatMessage, ServiceError
from pipelines.services.tts.tts_openai import OpenAiTextToSpeech
from tests.pipelines.services.contracts.leaks import run_leaving_nothing

NOBODY = "http://127.0.0.1:9/v1"
REQUEST = httpx2.Request("POST", "http://127.0.0.1:9/v1")


def vendors(cause: Exception) -> Exception:
    """As the vendor's client raises it."""
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("Name or service not known"), "nothing answers there (Name or"),
        (httpx2.ConnectTimeout(""), "too slow"),
        (httpx2.ReadError(""), "the connection broke"),
        (httpx2.RemoteProtocolError("torn"), "the connection broke (torn)"),
    ],
)
def test_a_connection_that_fails_is_told_in_words_whoever_wraps_it(
    error: Exception, words: str
) -> None:
    assert in_words(error).startswith(words)
    assert in_words(vendors(error)) == in_words(error)


def test_a_servers_own_words_are_not_repeated() -> None:
    error = openai.APIError("out of memory at 'my name is Ann'", REQUEST, body=None)
    assert in_words(error) == "it began to answer, and sent an error"
    assert in_words(ValueError("Expecting value: my name")) == "what it sends cannot be read"


def test_a_server_that_is_not_there_is_said_to_be_missing() -> None:
    async def scenario() -> None:
        model = OpenAiLanguageModel(base_url=NOBODY, model="m")
        voice = OpenAiTextToSpeech(base_url=NOBODY, model="m", voice="v")
        for asked, stream in (
            (model, model.stream([ChatMessage("user", "Hello.")])),
            (voice, voice.synthesise("Hello.")),
        ):
            await asked.open()
            try:
                with pytest.raises(ServiceError, match="nothing answers there") as failure:
                    await anext(stream)
                assert failure.value.retryable
            finally:
                await stream.aclose()
                await asked.close()

    run_leaving_nothing(scenario)


REQUEST = httpx2.Request("POST", "http://user:CANARY@engine/v1")


def refusal(status: int, code: str | None = None) -> openai.APIStatusError:
    answer = httpx2.Response(status, request=REQUEST)
    return openai.APIStatusError("no", response=answer, body={"code": code})


@pytest.mark.parametrize("service", ["llm", "stt", "tts"])
@pytest.mark.parametrize(
    ("raised", "message", "retryable"),
    [
        (TimeoutError(), "too slow", True),
        (openai.APITimeoutError(REQUEST), "too slow", True),
        (refusal(500), "status 500", True),
        (refusal(429), "status 429", True),
        (refusal(408), "status 408", True),
        (refusal(404), "status 404", False),
        (refusal(401), "status 401", False),
        (refusal(429, "insufficient_quota"), "status 429", False),
        (httpx2.InvalidURL("http://user:CANARY@[::"), "the base URL is not one", False),
        (httpx2.ConnectError("refused"), "nothing answers there (refused)", True),
        (httpx2.RemoteProtocolError(""), "the connection broke", True),
        (ValueError("torn"), "what it sends cannot be read", True),
    ],
)
def test_every_adapter_maps_an_exception_alike(
    service: str, raised: Exception, message: str, retryable: bool
) -> None:
    with pytest.raises(ServiceError) as mapped, as_service_errors(service):
        raise raised

    error = mapped.value
    assert (error.service, error.retryable) == (service, retryable)
    assert str(error) == f"{service}: {message}"
    assert error.__cause__ is raised


def test_our_own_errors_and_mistakes_pass_unchanged() -> None:
    for raised in (ServiceError("stt", "an answer without a text", retryable=True), KeyError()):
        with pytest.raises(type(raised)) as passed, as_service_errors("stt"):
            raise raised
        assert passed.value is raised


FIRST_REQUEST = """
import asyncio, contextlib, sys
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import ChatMessage, ServiceError

async def main() -> None:
    model = OpenAiLanguageModel(base_url="http://127.0.0.1:9/v1", model="any")
    await model.open()
    before = set(sys.modules)
    with contextlib.suppress(ServiceError):
        async for _ in model.stream([ChatMessage("user", "Hello.")]):
            pass
    print(*(set(sys.modules) - before))
    await model.close()

asyncio.run(main())
"""


def test_the_first_request_of_a_process_loads_nothing_that_would_hold_the_calls() -> None:
    told = subprocess.run(
        [sys.executable, "-c", FIRST_REQUEST], capture_output=True, text=True, check=True
    )

    assert told.stdout.split() == []
