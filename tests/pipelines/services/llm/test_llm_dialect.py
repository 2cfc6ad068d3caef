"""Refusals and differences of endpoints: each is asked the same wrong thing once."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from pipelines.services.llm.llm_dialect import OPENING, EndpointDialect
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.openai_client import LONGEST_LINE
from pipelines.services.protocols import (
    AS_SET,
    ChatMessage,
    Delta,
    Finished,
    Sampling,
    ServiceError,
    TextDelta,
    ToolCall,
)
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    Reply,
    ScriptedEndpoint,
    delta,
    finish,
)

FINE = Reply([delta(content="Yes."), finish(), DONE])
EXTRA = {
    "top_k": 50,
    "repetition_penalty": 1.1,
    "chat_template_kwargs": {"enable_thinking": False},
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "", "parameters": {}}}
SAID = [
    ChatMessage("system", "Be brief."),
    ChatMessage("assistant", "Hello."),
    ChatMessage("user", "What is"),
    ChatMessage("user", "the time?"),
]


def refusal(message: str, status: int = 400) -> Reply:
    return Reply([json.dumps({"error": {"message": message}}).encode()], status)


def asked(
    *replies: Reply,
    times: int = 1,
    sampling: Sampling = AS_SET,
    messages: Sequence[ChatMessage] = SAID,
) -> tuple[list[dict[str, Any]], list[list[Delta] | ServiceError]]:
    """The requests' bodies, and what came of each question."""
    came: list[list[Delta] | ServiceError] = []

    async def scenario() -> list[dict[str, Any]]:
        async with ScriptedEndpoint(list(replies)) as endpoint:
            model = OpenAiLanguageModel(base_url=endpoint.url, model="m", extra_body=EXTRA)
            await model.open()
            for _ in range(times):
                try:
                    async with aclosing(model.stream(messages, sampling)) as deltas:
                        came.append([one async for one in deltas])
                except ServiceError as error:
                    came.append(error)
            await model.close()
            return endpoint.requests

    return asyncio.run(scenario()), came


def answer(*steps: Any) -> list[Delta]:
    _, (came,) = asked(Reply(steps))
    assert isinstance(came, list), came
    return came


def failure(*steps: Any, status: int = 200) -> ServiceError:
    _, (came,) = asked(Reply(steps, status))
    assert isinstance(came, ServiceError)
    return came


# ---- what is left out ----


@pytest.mark.parametrize(
    ("words", "status", "gone"),
    [
        ("Unrecognized request argument supplied: top_k", 400, ["top_k"]),
        ("top_k and repetition_penalty are not known", 422, ["top_k", "repetition_penalty"]),
        ("Extra inputs are not permitted", 400, ["top_k", "repetition_penalty"]),
        ("chat_template_kwargs: no such field", 400, ["chat_template_kwargs"]),
        ("Unsupported value: 'temperature' does not support 0.7", 400, ["temperature"]),
    ],
)
def test_fields_that_are_refused_are_left_out_and_that_is_remembered(
    words: str, status: int, gone: list[str]
) -> None:
    requests, came = asked(refusal(words, status), FINE, FINE, times=2)
    assert [isinstance(one, list) for one in came] == [True, True]
    first, *later = requests
    assert set(gone) <= set(first)
    assert all(name not in request for request in later for name in gone)
    assert all(request["max_tokens"] == 256 for request in requests)


def test_what_one_question_alone_asked_for_is_not_held_against_the_next() -> None:
    dialect = EndpointDialect()
    own = {"max_tokens": 1, "temperature": 0.7}
    body = dialect.body(own, Sampling(others={"top_p": 7.0}))
    assert dialect.learn(400, "top_p must be at most 1", body, own) == ""
    assert dialect.learn(400, "temperature must be at most 2", body, own) == ""
    assert dialect.body(own, Sampling(others={"top_p": 0.5}))["top_p"] == 0.5


def test_a_length_by_another_name_is_sent_by_that_name() -> None:
    words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    requests, _ = asked(refusal(words), FINE, FINE, times=2)
    assert [("max_tokens" in r, "max_completion_tokens" in r) for r in requests] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ('"auto" tool choice requires --enable-auto-tool-choice', 400),
        ("tools param requires --jinja flag", 500),
    ],
)
def test_tools_that_an_endpoint_does_not_take_are_not_offered_again(
    words: str, status: int
) -> None:
    sampling = Sampling(tools=(CLOCK,))
    requests, came = asked(refusal(words, status), FINE, FINE, times=2, sampling=sampling)
    assert ["tools" in request for request in requests] == [True, False, False]
    assert all(isinstance(one, list) for one in came)


def test_a_system_role_that_is_refused_is_said_by_the_person() -> None:
    words = "System role not supported"
    requests, _ = asked(refusal(words), FINE, FINE, times=2)
    assert [m["role"] for m in requests[0]["messages"]] == ["system", "assistant", "user"]
    for request in requests[1:]:
        assert [m["role"] for m in request["messages"]] == ["user", "assistant", "user"]
        assert request["messages"][0]["content"] == "Be brief."


def test_roles_that_must_alternate_do_beginning_with_the_person() -> None:
    words = "Conversation roles must alternate user/assistant/user/assistant/..."
    requests, _ = asked(refusal(words), FINE)
    assert [(m["role"], m["content"]) for m in requests[1]["messages"]] == [
        ("system", "Be brief."),
        ("user", OPENING),
        ("assistant", "Hello."),
        ("user", "What is\nthe time?"),
    ]


def test_a_template_that_takes_neither_gets_what_it_takes() -> None:
    words = "Conversation roles must alternate user/assistant/user/assistant/..."
    messages = [*SAID[:1], *SAID[2:], ChatMessage("system", "Now."), ChatMessage("user", "Well?")]
    requests, came = asked(refusal(words), refusal(words), FINE, messages=messages)
    assert isinstance(came[0], list)
    assert requests[-1]["messages"] == [
        {"role": "user", "content": "Be brief.\n\nWhat is\nthe time?\nNow.\nWell?"}
    ]


def test_a_refusal_that_names_nothing_of_ours_is_final() -> None:
    requests, (came,) = asked(refusal("no"), refusal("no"))
    assert len(requests) == 2  # once more without what not every server knows
    assert isinstance(came, ServiceError)
    assert came.trouble.refused
    assert not came.retryable


def test_a_prompt_that_is_too_long_is_said_to_be_and_nothing_is_left_out() -> None:
    words = "This model's maximum context length is 4096 tokens. Please reduce top_k or messages."
    requests, came = asked(refusal(words), FINE, times=2)
    assert len(requests) == 2
    assert isinstance(came[0], ServiceError)
    assert came[0].trouble.too_long
    assert requests[0] == requests[1]


# ---- what servers say ----


def tool_piece(index: int | None, **fields: Any) -> dict[str, Any]:
    name, arguments, call_id = (fields.get(f) for f in ("name", "arguments", "id"))
    piece: dict[str, Any] = {"function": {"name": name, "arguments": arguments}, "type": "function"}
    if index is not None:
        piece["index"] = index
    return {**piece, "id": call_id} if call_id else piece


def calls(came: list[Delta]) -> list[tuple[str, str, str]]:
    end = came[-1]
    assert isinstance(end, Finished)
    return [(call.call_id, call.name, call.arguments) for call in end.tool_calls]


def test_several_calls_in_one_chunk_are_several_calls() -> None:
    both = [
        tool_piece(0, id="a", name="clock", arguments="{}"),
        tool_piece(1, id="b", name="sum", arguments='{"x": 1}'),
    ]
    came = answer(delta(content=None, tool_calls=both), finish("tool_calls"), DONE)
    assert calls(came) == [("a", "clock", "{}"), ("b", "sum", '{"x": 1}')]


def test_calls_in_pieces_that_come_mixed_are_put_together() -> None:
    came = answer(
        delta(tool_calls=[tool_piece(0, id="a", name="one", arguments="")]),
        delta(tool_calls=[tool_piece(1, id="b", name="two", arguments='{"y"')]),
        delta(tool_calls=[tool_piece(0, arguments="{}"), tool_piece(1, arguments=": 2}")]),
        finish("tool_calls"),
        DONE,
    )
    assert calls(came) == [("a", "one", "{}"), ("b", "two", '{"y": 2}')]


def test_calls_without_a_number_or_a_name_of_their_own_are_told_apart() -> None:
    pieces = [
        tool_piece(None, name="clock", arguments="{}"),
        tool_piece(None, name="clock", arguments='{"x": 1}'),
    ]
    came = answer(delta(tool_calls=pieces), finish("stop"), DONE)
    assert calls(came) == [("call_0", "clock", "{}"), ("call_1", "clock", '{"x": 1}')]


def test_text_and_calls_may_come_together() -> None:
    piece = tool_piece(0, id="a", name="clock", arguments="{}")
    came = answer(delta(content="Let me see.", tool_calls=[piece]), finish("tool_calls"), DONE)
    assert came[0] == TextDelta("Let me see.")
    assert calls(came) == [("a", "clock", "{}")]


def test_what_was_called_and_what_came_of_it_go_back_as_the_api_wants_them() -> None:
    call = ToolCall("a", "clock", "{}")
    messages = [
        ChatMessage("user", "Time?"),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "noon", answers="a"),
    ]
    (request,), _ = asked(FINE, messages=messages)
    assert request["messages"] == [
        {"role": "user", "content": "Time?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "content": "noon", "tool_call_id": "a"},
    ]


def test_thoughts_that_leak_are_not_spoken() -> None:
    raw = "<|channel>thought\nNoon?<channel|>It is noon."
    came = answer(*(delta(content=char) for char in raw), finish(), DONE)
    assert "".join(d.text for d in came if isinstance(d, TextDelta)) == "It is noon."


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_an_answer_that_is_only_thoughts_says_so(field: str) -> None:
    error = failure(delta(**{field: "It is noon.", "content": None}), finish(), DONE)
    assert "only thoughts" in str(error)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_how_the_bytes_are_cut_does_not_matter(size: int) -> None:
    events = [delta(role="assistant"), delta(content="Où? 🙂"), finish()]
    text = "".join(f": ping\r\n\r\ndata: {json.dumps(e)}\r\n\r\n" for e in events)
    raw = json.dumps({"x": "🙂"}, ensure_ascii=False)
    data = (text + f"data: {raw}\n\n").encode() + DONE
    came = answer(*(data[at : at + size] for at in range(0, len(data), size)))
    assert came == [TextDelta("Où? 🙂"), Finished("stop")]


def test_a_line_without_an_end_is_cut_off_long_before_it_fills_the_memory() -> None:
    sent: list[bytes] = [b"data: " + b"x" * 65_536] + [b"x" * 65_536] * (LONGEST_LINE // 65_536)
    error = failure(*sent, HANG)
    assert (error.retryable, str(error)) == (
        True,
        "llm: the connection broke (a line without an end)",
    )


def test_a_refusal_without_an_end_is_cut_off_too() -> None:
    sent = [b"x" * 65_535 + b"\n"] * (LONGEST_LINE // 65_536 + 2)
    error = failure(*sent, status=500)
    assert (error.retryable, str(error)) == (
        True,
        "llm: the connection broke (a line without an end)",
    )


def test_an_error_in_a_good_response_is_an_error() -> None:
    assert failure({"error": {"message": "out of memory", "code": 500}}).retryable
    assert failure(b'{"error": {"message": "out of memory"}}').retryable


# ---- cold, slow, busy ----


@pytest.mark.parametrize(
    ("status", "words", "cold"),
    [
        (503, "Loading model", True),
        (503, "model is still initializing", True),
        (502, "Bad gateway", True),
        (404, "page not found", True),
        (404, "The model `m` does not exist.", False),
        (500, "CUDA error", False),
        (429, "slow down", False),
    ],
)
def test_before_its_first_answer_cold_is_told_from_broken(
    status: int, words: str, cold: bool
) -> None:
    _, (came,) = asked(refusal(words, status))
    assert isinstance(came, ServiceError)
    assert came.trouble.cold is cold


@pytest.mark.parametrize(
    ("status", "words", "cold"), [(503, "Loading model", True), (502, "Bad gateway", False)]
)
def test_once_it_has_answered_only_its_own_word_counts(status: int, words: str, cold: bool) -> None:
    _, came = asked(FINE, refusal(words, status), times=2)
    assert isinstance(came[1], ServiceError)
    assert came[1].trouble.cold is cold


@pytest.mark.parametrize(
    ("said", "after_s"), [("2", 2.0), ("0.5", 0.5), ("Fri, 20 Nov 2026", 0.0), ("-1", 0.0)]
)
def test_how_long_to_leave_it_alone_is_read(said: str, after_s: float) -> None:
    _, (came,) = asked(Reply([b"{}"], 429, (f"retry-after: {said}",)))
    assert isinstance(came, ServiceError)
    assert came.trouble.retry_after_s == after_s


# ---- the prompt's cache ----


def with_model(replies: Sequence[Reply], scenario: Any) -> list[dict[str, Any]]:
    async def opened() -> list[dict[str, Any]]:
        async with ScriptedEndpoint(list(replies)) as endpoint:
            model = OpenAiLanguageModel(base_url=endpoint.url, model="m", extra_body=EXTRA)
            await model.open()
            await scenario(model)
            await model.close()
            assert endpoint.answering == 0
            return endpoint.requests

    return asyncio.run(opened())


JSON = ("content-type: application/json",)


@pytest.mark.parametrize("said", [{"count": 3, "tokens": [1, 2, 3]}, {"tokens": [1, 2, 3]}])
def test_tokens_are_counted_by_the_server_that_can(said: dict[str, Any]) -> None:
    async def scenario(model: OpenAiLanguageModel) -> None:
        assert await model.count("It is noon.") == 3

    (request,) = with_model([Reply([json.dumps(said).encode()], 200, JSON)], scenario)
    assert request["prompt"] == request["content"] == "It is noon."


def test_a_server_that_cannot_count_is_asked_once() -> None:
    async def scenario(model: OpenAiLanguageModel) -> None:
        assert [await model.count("Hm."), await model.count("Hm.")] == [None, None]

    assert len(with_model([Reply([b"{}"], 404)], scenario)) == 1


def test_warming_asks_for_one_token_and_fails_in_silence() -> None:
    async def scenario(model: OpenAiLanguageModel) -> None:
        await model.warm(SAID, Sampling(tools=(CLOCK,)))
        await model.warm(SAID)

    first, _ = with_model([FINE, Reply([b"{}"], 500)], scenario)
    assert (first["max_tokens"], first["tools"]) == (1, [CLOCK])


def test_what_tools_did_is_told_in_words_where_no_tools_are_taken() -> None:
    dialect = EndpointDialect(takes_tools=False)
    calls = (ToolCall("a", "book", '{"people": 2}'), ToolCall("b", "clock", ""))
    said = [
        ChatMessage("user", "Book!"),
        ChatMessage("assistant", "", tool_calls=calls),
        ChatMessage("tool", "booked", answers="a"),
        ChatMessage("tool", "noon", answers="b"),
        ChatMessage("assistant", "It is booked."),
    ]
    assert dialect.messages(said) == [
        {"role": "user", "content": "Book!"},
        {"role": "system", "content": 'Tool book {"people": 2}: booked\nTool clock {}: noon'},
        {"role": "assistant", "content": "It is booked."},
    ]
    dialect.takes_system = False
    assert [message["role"] for message in dialect.messages(said)] == ["user", "assistant"]
