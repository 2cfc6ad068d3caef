"""The endpoints that settings name, and how each is asked."""

import asyncio
from contextlib import aclosing

import pytest
from pydantic import ValidationError

from bot.settings import Settings
from bot.wiring.model import failover_for, failover_for_texts, places_for
from pipelines.services.protocols import ChatMessage, ServiceError
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    Reply,
    ScriptedEndpoint,
    delta,
    finish,
)

HELLO = [ChatMessage("user", "Hello.")]


def test_the_fallbacks_have_models_and_keys_of_their_own() -> None:
    down = Reply([b"{}"], 500)
    fine = Reply([delta(content="Yes."), finish(), DONE])

    async def scenario() -> None:
        first, second = ScriptedEndpoint([down]), ScriptedEndpoint([down])
        async with first, second, ScriptedEndpoint([fine]) as third:
            settings = Settings.model_validate(
                {
                    "llm_base_url": first.url,
                    "llm_model": "big",
                    "llm_api_key": "one",
                    "llm_top_k": 7,
                    "llm_fallbacks": (f"small@{second.url}/", third.url),
                    "llm_fallback_api_keys": "two",
                    "llm_hedge_after": "off",
                }
            )
            model = failover_for(settings, first.url)
            await model.open()
            async with aclosing(model.stream([ChatMessage("user", "Hello.")])) as deltas:
                assert [one async for one in deltas]
            await model.close()
            asked = [endpoint.requests[0] for endpoint in (first, second, third)]
            assert [request["model"] for request in asked] == ["big", "small", "big"]
            keys = [e.headers[0].lower() for e in (first, second, third)]
            for head, key in zip(keys, ("one", "two", "empty"), strict=True):
                assert f"authorization: bearer {key}" in head
            assert asked[0]["top_k"] == 7
            assert asked[0]["repetition_penalty"] == 1.1
            assert asked[0]["chat_template_kwargs"] == {"enable_thinking": False}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("llm_fallbacks", ("small",), "should be like model@http://host/v1"),
        ("llm_hedge_after", 0, "auto, off, or seconds"),
        ("llm_hedge_after", "soon", "llm_hedge_after"),
        ("llm_system_prompt", "@nowhere.txt", "LLM_SYSTEM_PROMPT names a file that is not there"),
        ("llm_context_tokens", 512, "must leave 256"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, value: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Settings.model_validate({name: value, "llm_max_tokens": 300})


def test_a_text_is_waited_for_longer_than_a_call_can_wait() -> None:
    async def scenario() -> None:
        async with ScriptedEndpoint([Reply([HANG]), Reply([HANG]), Reply([HANG])]) as slow:
            settings = Settings.model_validate(
                {"llm_base_url": slow.url, "llm_first_token_s": 0.25}
            )
            for made, gives_up in ((failover_for, True), (failover_for_texts, False)):
                model = made(settings, slow.url)
                await model.open()
                error = ServiceError if gives_up else TimeoutError
                with pytest.raises(error):
                    async with asyncio.timeout(1.0), aclosing(model.stream(HELLO)) as deltas:
                        await anext(deltas)
                await model.close()

    asyncio.run(scenario())


def test_an_engine_that_we_start_is_asked_no_more_than_it_has_slots() -> None:
    def places(**settings: object) -> int:
        return places_for(Settings.model_validate(settings))

    assert places() == 30
    assert places(llm_engine="llama.cpp", llm_engine_slots=3) == 3
    assert places(llm_engine="llama.cpp", llm_engine_slots=3, llm_max_concurrency=1) == 1
    assert places(llm_engine="vllm", llm_engine_slots=3) == 30
