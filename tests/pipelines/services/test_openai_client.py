"""What is said of a server that gives no answer, in words for who runs it."""

import httpx2
import openai
import pytest

from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.openai_client import in_words
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
