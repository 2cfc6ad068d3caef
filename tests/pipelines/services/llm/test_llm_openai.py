import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from pipelines.services.llm.llm_dialect import merged
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import ChatMessage, Delta, Finished, ServiceError, TextDelta
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    TEAR,
    USAGE,
    Reply,
    ScriptedEndpoint,
    delta,
    finish,
)

ROLE = delta(role="assistant", content="")
HELLO = [ChatMessage("user", "Hello.")]

Scenario = Callable[[OpenAiLanguageModel, ScriptedEndpoint], Awaitable[None]]


def talking_to(replies: Sequence[Reply], scenario: Scenario, **settings: Any) -> None:
    async def with_endpoint() -> None:
        async with ScriptedEndpoint(list(replies)) as endpoint:
            model = OpenAiLanguageModel(base_url=endpoint.url, model="m", **settings)
            await model.open()
            try:
                await scenario(model, endpoint)
            finally:
                await model.close()

    asyncio.run(with_endpoint())


async def ask(model: OpenAiLanguageModel) -> list[Delta]:
    async with aclosing(model.stream(HELLO)) as deltas:
        return [delta async for delta in deltas]


def answer_of(*steps: Any, **settings: Any) -> list[Delta]:
    answers: list[list[Delta]] = []

    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        answers.append(await ask(model))

    talking_to([Reply(steps)], scenario, **settings)
    return answers[0]


def failure_of(*replies: Reply, **settings: Any) -> ServiceError:
    failures: list[ServiceError] = []

    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        with pytest.raises(ServiceError) as failure:
            await ask(model)
        failures.append(failure.value)

    talking_to(replies, scenario, **settings)
    assert failures[0].service == "llm"
    return failures[0]


def test_text_comes_as_deltas_and_the_end_with_what_it_cost() -> None:
    assert answer_of(
        ROLE, delta(content="Good"), delta(content=" day."), finish(), USAGE, DONE
    ) == [
        TextDelta("Good"),
        TextDelta(" day."),
        Finished("stop", prompt_tokens=12, cached_tokens=8, completion_tokens=3),
    ]


@pytest.mark.parametrize(
    "first",
    [
        delta(role="assistant"),
        delta(role="assistant", content=None),
        delta(content=""),
        {"choices": []},
        {"choices": None},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {},
        delta(reasoning="Hm.", content=None),
        delta(reasoning_content="Hm."),
        b": ping\n\n",
    ],
)
def test_a_chunk_that_says_nothing_is_no_delta(first: Any) -> None:
    assert answer_of(first, delta(content="Yes."), finish(), DONE) == [
        TextDelta("Yes."),
        Finished("stop"),
    ]


def test_text_and_the_end_may_come_in_one_chunk_with_the_usage_and_without_a_done() -> None:
    last = {
        "choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }
    assert answer_of(last) == [
        TextDelta("Yes."),
        Finished("length", prompt_tokens=5, completion_tokens=1),
    ]


def test_an_end_that_is_never_counted_is_an_end() -> None:
    assert answer_of(delta(content="Yes."), finish(), HANG)[-1] == Finished("stop")


@pytest.mark.parametrize(
    "steps",
    [
        (delta(content="Well,"), DONE),
        (delta(content="Well,"),),
        (delta(content="Well,"), TEAR),
        (delta(content="Well,"), b"data: {torn\n\n"),
        (delta(content="Well,"), {"error": {"message": "out of memory"}}),
        (),
        (delta(reasoning="Hm."), finish(), DONE),
        (delta(content=" \n"), finish(), DONE),
    ],
    ids=["done", "end", "torn", "junk", "error", "empty", "only thoughts", "only blanks"],
)
def test_a_stream_that_does_not_end_well_failed_and_may_be_tried_again(steps: Any) -> None:
    assert failure_of(Reply(steps)).retryable


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (400, b"{}", False),
        (401, b"{}", False),
        (403, b"{}", False),
        (404, b"not json", False),
        (408, b"{}", True),
        (429, b"{}", True),
        (429, b'{"error": {"code": "insufficient_quota"}}', False),
        (500, b"{}", True),
        (503, b"", True),
    ],
)
def test_a_refusal_says_whether_to_try_again(status: int, body: bytes, retryable: bool) -> None:
    assert failure_of(Reply([body] if body else [], status)).retryable is retryable


def test_nobody_there_may_be_tried_again() -> None:
    async def scenario() -> ServiceError:
        async with ScriptedEndpoint([]) as endpoint:
            url = endpoint.url
        model = OpenAiLanguageModel(base_url=url, model="m")
        await model.open()
        with pytest.raises(ServiceError) as failure:
            await ask(model)
        await model.close()
        return failure.value

    assert asyncio.run(scenario()).retryable


@pytest.mark.parametrize("steps", [(HANG,), (ROLE, HANG), (delta(reasoning="Hm."), HANG)])
def test_the_first_token_is_waited_for_only_so_long(steps: Any) -> None:
    assert failure_of(Reply(steps), first_token_s=0.05).retryable


def test_an_answer_that_stops_in_the_middle_is_given_up() -> None:
    assert failure_of(Reply([delta(content="Well,"), HANG]), idle_s=0.05).retryable


def test_closing_the_generator_closes_the_request_at_once() -> None:
    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        async with aclosing(model.stream(HELLO)) as deltas:
            assert await anext(deltas) == TextDelta("Well,")
            assert endpoint.answering == 1
        await endpoint.left.wait()
        assert endpoint.answering == 0

    talking_to([Reply([delta(content="Well,"), HANG])], scenario)


def test_cancelling_before_the_first_token_closes_the_request() -> None:
    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask(model))
            await endpoint.asked.wait()
            asking.cancel()
        await endpoint.left.wait()
        assert endpoint.answering == 0

    talking_to([Reply([HANG])], scenario)


def test_an_answer_that_was_heard_to_its_end_leaves_its_connection_to_the_next() -> None:
    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        for _ in range(3):
            await ask(model)
        assert (len(endpoint.requests), endpoint.connections) == (3, 1)

    talking_to([Reply([delta(content="Yes."), finish(), USAGE, DONE])] * 3, scenario)


def test_calls_at_once_each_get_their_own_answer() -> None:
    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        answers = await asyncio.gather(*(ask(model) for _ in range(4)))
        assert sorted(str(answer[0]) for answer in answers) == [
            str(TextDelta(f"{n}.")) for n in range(4)
        ]
        assert endpoint.answering == 0

    talking_to([Reply([delta(content=f"{n}."), finish(), DONE]) for n in range(4)], scenario)


def test_usage_is_asked_for_until_it_is_refused() -> None:
    refusal = b'{"error": {"message": "Extra inputs are not permitted: stream_options"}}'
    fine = Reply([delta(content="Yes."), finish(), DONE])

    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        for _ in range(2):
            assert (await ask(model))[-1] == Finished("stop")
        assert [request.get("stream_options") for request in endpoint.requests] == [
            {"include_usage": True},
            None,
            None,
        ]

    talking_to([Reply([refusal], 400), fine, fine], scenario)


@pytest.mark.parametrize(
    ("key", "sent"), [(None, "EMPTY"), ("", "EMPTY"), ("EMPTY", "EMPTY"), ("sk-1", "sk-1")]
)
def test_settings_are_values_and_not_requests_for_a_default(key: str | None, sent: str) -> None:
    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        await ask(model)
        assert f"authorization: bearer {sent}".lower() in endpoint.headers[0].lower()
        request = endpoint.requests[0]
        assert (request["model"], request["temperature"]) == ("m", 0)
        assert (request["max_tokens"], request["top_k"]) == (7, 50)

    talking_to(
        [Reply([delta(content="Yes."), finish(), DONE])],
        scenario,
        api_key=key,
        temperature=0,
        max_tokens=7,
        extra_body={"top_k": 50},
    )


def test_neighbours_of_one_role_are_sent_as_one_message() -> None:
    said = [
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "What is"),
        ChatMessage("user", "the time?"),
        ChatMessage("assistant", "Noon."),
        ChatMessage("user", "Thanks."),
    ]
    assert merged(said) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is\nthe time?"},
        {"role": "assistant", "content": "Noon."},
        {"role": "user", "content": "Thanks."},
    ]


def test_a_model_that_is_not_open_is_a_service_error() -> None:
    with pytest.raises(ServiceError):
        asyncio.run(ask(OpenAiLanguageModel(base_url="http://127.0.0.1:9/v1", model="m")))
