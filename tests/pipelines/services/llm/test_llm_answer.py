"""An answer is read from whichever field it stands in, and its calls whole."""

from typing import Any

import pytest

from pipelines.core.thinking.leaks import LeakFilter
from pipelines.services.llm.llm_answer import Answer
from pipelines.services.protocols import ServiceError

OK = "We close at ten."
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def chunk(finish: str | None = None, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def whole(**message: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def said(*chunks: dict[str, Any]) -> str:
    answer = Answer()
    text = ""
    for one in chunks:
        piece = answer.take(one)
        text = piece if answer.anew else text + piece
    return text + answer.finish()


def calls(*chunks: dict[str, Any]) -> list[tuple[str, str]]:
    answer = Answer(LeakFilter({"clock": {}, "book": {"guests": {"type": "integer"}}}))
    for one in (*chunks, END):
        answer.take(one)
    answer.finish()
    return [(call.name, call.arguments) for call in answer.finished().tool_calls]


# ---- the text ----


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(content=[{"type": "text", "text": OK}])],
        [chunk(content=[{"type": "output_text", "text": "We close"}, {"text": " at ten."}])],
        [chunk(content=["We close", " at ten."])],
        [chunk(content={"type": "text", "text": OK})],
        [chunk(content=[{"type": "text", "text": {"value": OK}}])],
        [
            chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
            chunk(content=[{"type": "text", "text": OK}]),
        ],
        [whole(role="assistant", content=OK)],
        [whole(content="We close"), whole(content=" at ten.")],
        [whole(content="We close"), whole(content=OK)],
        [chunk(content="We close"), chunk(content=" at ten."), whole(content=OK)],
        [{"choices": [{"index": 0, "text": "We close"}]}, {"choices": [{"text": " at ten."}]}],
        [{"message": {"role": "assistant", "content": OK}, "done": True, "done_reason": "stop"}],
        [{"choices": {"delta": {"content": OK}}}],
        [chunk(refusal=OK)],
        [{"choices": [{"index": 0, "delta": OK}]}],
        [chunk(reasoning_details=[{"text": "Hm."}]), chunk(content=OK)],
        [{"choices": [None]}, {"choices": 3}, {}, {"usage": 5}, chunk(content=OK)],
    ],
)
def test_the_text_is_found_where_it_stands(chunks: list[dict[str, Any]]) -> None:
    assert said(*chunks) == OK


def so_far(*pieces: str) -> list[dict[str, Any]]:
    """Each piece with all before it, as some servers send them."""
    return [chunk(content="".join(pieces[: at + 1])) for at in range(len(pieces))]


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        (so_far("We", " close", " at", " ten."), OK),
        ([chunk(content=""), *so_far("We", " close at ten."), chunk(content=OK)], OK),
        ([*so_far("We", " close", " at ten."), chunk(finish="stop", content=OK)], OK),
        (so_far("Sure", ",", " at", " ten."), "Sure, at ten."),
        (so_far("I", "'ll", " see."), "I'll see."),
        (so_far("我", "们", "十点关门。"), "我们十点关门。"),
        (so_far("<think>", "Ten.", "</think>", "At", " ten."), "At ten."),
        ([chunk(content="We close"), chunk(content=" at ten."), chunk(content=OK)], OK),
        # pieces of their own
        ([chunk(content="ha"), chunk(content="haha!")], "hahaha!"),
        ([chunk(content="5"), chunk(content="55"), chunk(content=" or so")], "555 or so"),
        ([chunk(content="No"), chunk(content=", no"), chunk(content=", no.")], "No, no, no."),
        ([chunk(content="no"), chunk(content="no")], "nono"),
    ],
)
def test_pieces_that_hold_all_before_them_are_said_once(
    chunks: list[dict[str, Any]], text: str
) -> None:
    assert said(*chunks) == text


@pytest.mark.parametrize("reason", ["null", "None", "", None, 0, False])
def test_what_is_no_reason_does_not_finish(reason: object) -> None:
    answer = Answer()
    answer.take(chunk(finish=reason, content=OK))  # type: ignore[arg-type]
    assert answer.finish_reason is None


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "model_length"])
def test_a_limit_is_a_limit_by_any_name(reason: str) -> None:
    answer = Answer()
    answer.take(chunk(finish=reason, content=OK))
    assert answer.finished().reason == "length"


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(finish="stop", role="assistant")],
        [chunk(finish="stop", content="We")],
        [chunk(content="We"), END, chunk(content=" close")],
        [chunk(finish="stop", content="Sure."), chunk(finish="stop", content=" We close")],
    ],
)
def test_a_reason_before_the_last_words_is_premature(chunks: list[dict[str, Any]]) -> None:
    answer = Answer()
    for one in chunks:
        answer.take(one)
    assert answer.is_premature


@pytest.mark.parametrize(
    "chunks",
    [[chunk(content="We close"), END], [chunk(finish="stop", content=OK)], [whole(content=OK)]],
)
def test_a_reason_at_the_end_is_not(chunks: list[dict[str, Any]]) -> None:
    answer = Answer()
    for one in chunks:
        answer.take(one)
    assert not answer.is_premature


def test_an_error_in_the_stream_is_one_until_the_answer_has_ended() -> None:
    with pytest.raises(ServiceError) as failure:
        said(chunk(content="We"), {"error": {"message": "maximum context length exceeded"}})
    assert failure.value.trouble.too_long
    assert said(chunk(content=OK), END, {"error": "late"}) == OK


# ---- calls ----


def call(index: int | None = 0, call_id: str | None = None, **function: object) -> dict[str, Any]:
    given = {"index": index, "id": call_id, "function": function or None}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        (
            [
                chunk(tool_calls=[call(0, "a", name="clock", arguments="{}")]),
                chunk(tool_calls=[call(0, "b", name="clock", arguments="{}")]),
            ],
            [("clock", "{}")] * 2,
        ),
        (
            [
                chunk(tool_calls=[call(0, "a", name="book", arguments='{"gue')]),
                chunk(tool_calls=[call(0, "a", name="book", arguments='{"guests": ')]),
                chunk(tool_calls=[call(0, "a", name="book", arguments='{"guests": 2}')]),
            ],
            [("book", '{"guests": 2}')],
        ),
        (
            [
                chunk(tool_calls=[call(0, "a", name="book", arguments="")]),
                chunk(tool_calls=[call(0, "b", name="clock", arguments="")]),
                chunk(tool_calls=[call(0, "a", arguments='{"guests"')]),
                chunk(tool_calls=[call(0, "b", arguments="{}")]),
                chunk(tool_calls=[call(0, "a", arguments=": 2}")]),
            ],
            [("book", '{"guests": 2}'), ("clock", "{}")],
        ),
        (
            [
                chunk(tool_calls=[call(0, name="book", arguments='{"guests": 2}')]),
                chunk(tool_calls=[call(0, name="book", arguments='{"guests": 3}')]),
            ],
            [("book", '{"guests": 2}'), ("book", '{"guests": 3}')],
        ),
        (
            [
                chunk(tool_calls=[call(0, "x1", name="book", arguments='{"guests"')]),
                chunk(tool_calls=[call(0, "x2", arguments=": 2}")]),
            ],
            [("book", '{"guests": 2}')],
        ),
        (
            [
                chunk(tool_calls=[call(0, "a", name="book", arguments='{"gue')]),
                chunk(tool_calls=[call(0, "a", name="book", arguments='sts": 2}')]),
            ],
            [("book", '{"guests": 2}')],
        ),
        ([chunk(tool_calls=[call(0, "a", name="clock", arguments="{}")])] * 2, [("clock", "{}")]),
        ([chunk(tool_calls=[call(0, "a", name="book", arguments={"guests": 2})])],
         [("book", '{"guests": 2}')]),
        ([chunk(tool_calls=[{"name": "book", "arguments": {"guests": 2}}])],
         [("book", '{"guests": 2}')]),
        ([chunk(tool_calls={"function": {"name": "clock", "arguments": "{}"}})], [("clock", "{}")]),
        (
            [
                chunk(function_call={"name": "book", "arguments": '{"guests"'}),
                chunk(function_call={"arguments": ": 2}"}),
            ],
            [("book", '{"guests": 2}')],
        ),
        (
            [
                chunk(tool_calls=[call(None, name="book", arguments='{"guests"')]),
                chunk(tool_calls=[call(None, arguments=": 2}")]),
                chunk(tool_calls=[call(None, name="clock", arguments="{}")]),
            ],
            [("book", '{"guests": 2}'), ("clock", "{}")],
        ),
        (
            [whole(content=None, tool_calls=[call(None, "a", name="clock", arguments="{}")])],
            [("clock", "{}")],
        ),
        (
            [chunk(tool_calls=["junk", None, {"function": 3}, call(1, "a", name="clock")])],
            [("clock", "")],
        ),
        (
            [
                chunk(content="clock()"),
                chunk(tool_calls=[call(0, "a", name="clock", arguments="{}")]),
            ],
            [("clock", "{}")],
        ),
        ([chunk(content="clo"), chunk(content="ck()")], [("clock", "{}")]),
    ],
)  # fmt: skip
def test_each_call_is_taken_once_and_whole(
    chunks: list[dict[str, Any]], wanted: list[tuple[str, str]]
) -> None:
    assert calls(*chunks) == wanted
