import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from pipelines.services.llm.llm_dialect import merged
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import (
    AS_SET,
    ChatMessage,
    Delta,
    Finished,
    Sampling,
    ServiceError,
    TextDelta,
)
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


async def ask(model: OpenAiLanguageModel, sampling: Sampling = AS_SET) -> list[Delta]:
    async with aclosing(model.stream(HELLO, sampling)) as deltas:
        return [delta async for delta in deltas]


def answer_of(*steps: Any, sampling: Sampling = AS_SET, **settings: Any) -> list[Delta]:
    answers: list[list[Delta]] = []

    async def scenario(model: OpenAiLanguageModel, endpoint: ScriptedEndpoint) -> None:
        answers.append(await ask(model, sampling))

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


# ---- is the turn over? ----

JUDGING = Sampling(aloud=True, judges_turn=True)
INCOMPLETE = [Finished("stop", turn_incomplete=True)]


@pytest.mark.parametrize(
    "steps",
    [
        (ROLE, delta(content="◐"), finish(), USAGE, DONE),
        (delta(content=' "'), delta(content="◐"), delta(content='"'), finish(), DONE),
        (delta(content="◐ Please go on."), HANG),
        (delta(content="<think>Cut off.</think>"), delta(content="◐"), finish(), DONE),
        (delta(reasoning_content="Cut off."), delta(content="◐"), finish(), DONE),
        (delta(content="Assistant:"), delta(content=" ◐"), finish(), DONE),
        (delta(content="..."), finish(), DONE),
        (delta(content="\ufffd"), delta(content="\ufffd"), finish(), DONE),
        ({"choices": [{"message": {"content": "◐"}, "finish_reason": "stop"}]},),
        (delta(content="◐ Please go on."), TEAR),
    ],
    ids=[
        "alone", "in pieces", "with words", "behind a thought", "behind reasoning",
        "behind a role", "dots", "broken by the server", "one message", "torn",
    ],
)  # fmt: skip
def test_the_mark_is_the_end_of_the_answer_and_nothing_of_it_is_passed_on(steps: Any) -> None:
    deltas = [one for one in answer_of(*steps, sampling=JUDGING) if one != TextDelta("", anew=True)]
    assert deltas == INCOMPLETE


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((delta(content="● "), delta(content="At ten.")), "At ten."),
        ((delta(content="At"), delta(content=" ten. ◐")), "At ten. "),
        ((delta(content='"'), delta(content='At ten."')), '"At ten."'),
    ],
)
def test_an_answer_is_passed_on_without_marks(steps: Any, said: str) -> None:
    deltas = answer_of(*steps, finish(), DONE, sampling=JUDGING)
    assert "".join(one.text for one in deltas if isinstance(one, TextDelta)) == said
    assert deltas[-1] == Finished("stop")


def test_an_answer_of_which_nothing_came_failed_also_where_the_mark_may_come() -> None:
    with pytest.raises(ServiceError):
        answer_of(ROLE, finish(), DONE, sampling=JUDGING)


def test_a_stream_that_breaks_off_before_the_mark_failed() -> None:
    with pytest.raises(ServiceError):
        answer_of(delta(content='"'), DONE, sampling=JUDGING)


def test_a_tool_that_is_called_is_an_answer_where_the_mark_may_come() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "clock", "arguments": "{}"}}
    deltas = answer_of(delta(tool_calls=[call]), finish("tool_calls"), DONE, sampling=JUDGING)
    assert isinstance(deltas[-1], Finished)
    assert [one.name for one in deltas[-1].tool_calls] == ["clock"]


def test_unless_it_is_asked_for_the_mark_is_text() -> None:
    assert answer_of(delta(content="◐"), finish(), DONE) == [TextDelta("◐"), Finished("stop")]
