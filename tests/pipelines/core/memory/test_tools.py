"""A function as the model is told of it, and the arguments that the model writes."""

from typing import Any, Literal

import pytest

from pipelines.core.memory.tool_runs import Repeats
from pipelines.core.memory.tools import (
    LONGEST_RESULT,
    RunId,
    ToolError,
    cancellable,
    once,
    repeatable,
    told,
    tool,
)


def book(
    day: Literal["today", "tomorrow"], guests: int, names: list[str], window: bool | None = None
) -> str:
    """Book a table
    for some people.

    Of no concern to the model.
    """
    return f"{day} {guests} {names} {window}"


def test_a_function_is_told_by_its_docstring_and_its_types() -> None:
    assert tool(book).schema == {
        "type": "function",
        "function": {
            "name": "book",
            "description": "Book a table for some people.",
            "parameters": {
                "type": "object",
                "properties": {
                    "day": {"type": "string", "enum": ["today", "tomorrow"]},
                    "guests": {"type": "integer"},
                    "names": {"type": "array", "items": {"type": "string"}},
                    "window": {"type": "boolean"},
                },
                "required": ["day", "guests", "names"],
            },
        },
    }


def test_arguments_arrive_as_the_function_wants_them() -> None:
    written = '{"day": "today", "guests": 2, "names": ["Ada"], "window": null}'
    read = tool(book).arguments(written)
    assert book(**read) == "today 2 ['Ada'] None"  # type: ignore[arg-type]


def test_no_arguments_at_all_may_be_written_as_nothing() -> None:
    def now() -> str:
        """Tell the time."""
        return "noon"

    assert tool(now).arguments("") == {}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not an object"),
        ('{"day": "today", "guests": 2}', "'names' is missing"),
        ('{"day": "today", "guests": 2, "names": [], "x": 1}', "no parameter 'x'"),
        ('{"day": "yesterday", "guests": 2, "names": []}', "'day' cannot be \"yesterday\""),
        ('{"day": "today", "guests": "2", "names": []}', "'guests' cannot be"),
        ('{"day": "today", "guests": true, "names": []}', "'guests' cannot be true"),
        ('{"day": "today", "guests": 2, "names": [1]}', "'names' cannot be 1"),
    ],
)
def test_the_model_is_told_what_it_got_wrong(written: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        tool(book).arguments(written)


def test_a_whole_number_is_a_number() -> None:
    def wait(seconds: float) -> str:
        """Wait."""
        return str(seconds)

    assert tool(wait).arguments('{"seconds": 2}') == {"seconds": 2.0}


def undocumented(x: int) -> None: ...


def untyped(x) -> None:  # type: ignore[no-untyped-def]
    """X."""


def unfillable(x: dict[str, int]) -> None:
    """X."""


def greedy(*x: int) -> None:
    """X."""


@pytest.mark.parametrize("function", [undocumented, untyped, unfillable, greedy, lambda: None])
def test_a_function_that_no_model_could_be_told_of_is_refused(function: Any) -> None:
    with pytest.raises(ValueError, match=r"docstring|type|fill|name"):
        tool(function)


@pytest.mark.parametrize(
    ("result", "text"), [("noon", "noon"), ({"a": [1]}, '{"a": [1]}'), (None, "null")]
)
def test_a_result_is_text_or_json(result: object, text: str) -> None:
    assert told(result) == text


def test_a_result_has_a_limit() -> None:
    assert len(told("x" * 10 * LONGEST_RESULT)) == LONGEST_RESULT


def test_a_result_that_is_no_json_is_told_as_it_is_written() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert told(ring) == "[[...]]"
    assert told({(1, 2): 3}) == "{(1, 2): 3}"


# ---- which calls are the same ----


@pytest.mark.parametrize(
    "written",
    [
        '{"day": "today", "guests": 2, "names": []}',
        '{"names":[],"guests":2,"day":"today"}',
        ' { "guests" : 2, "day": "today", "names": [ ] }',
        '{"day": "today", "guests": 2, "names": [], "window": null}',
        '{"day": "\\u0074oday", "guests": 2, "names": []}',
    ],
)
def test_calls_that_mean_the_same_are_the_same(written: str) -> None:
    booking = tool(book)
    canonical = booking.canonical(booking.arguments(written))
    assert canonical == '{"day":"today","guests":2,"names":[]}'


def test_a_whole_number_and_the_same_number_are_one_call() -> None:
    def wait(seconds: float = 1.5) -> str:
        """Wait."""
        return str(seconds)

    waiting = tool(wait)
    assert waiting.canonical(waiting.arguments('{"seconds": 2}')) == '{"seconds":2.0}'
    assert waiting.canonical(waiting.arguments('{"seconds": 2.0}')) == '{"seconds":2.0}'
    assert waiting.canonical(waiting.arguments('{"seconds": 1.5}')) == "{}"


# ---- what a function says of itself ----


def test_the_model_is_not_told_of_the_id_of_a_run() -> None:
    def pay(amount: int, run_id: RunId) -> str:
        """Pay."""
        return f"{amount} {run_id}"

    payment = tool(pay)
    assert payment.run_id == "run_id"
    assert payment.parameters == {
        "type": "object",
        "properties": {"amount": {"type": "integer"}},
        "required": ["amount"],
    }
    with pytest.raises(ToolError, match="no parameter 'run_id'"):
        payment.arguments('{"amount": 1, "run_id": "forged"}')


def test_decorators_say_how_often_a_tool_may_be_run_and_whether_it_can_be_stopped() -> None:
    @once
    def pay() -> str:
        """Pay."""
        return ""

    @repeatable
    @cancellable
    async def search() -> str:
        """Search."""
        return ""

    assert (tool(pay).repeats, tool(pay).cancellable) == (Repeats.NEVER, False)
    assert (tool(search).repeats, tool(search).cancellable) == (Repeats.ALWAYS, True)
    assert (tool(book).repeats, tool(book).cancellable) == (Repeats.WHEN_TOLD, False)


def test_a_plain_function_cannot_be_stopped_and_must_not_say_so() -> None:
    @cancellable
    def search() -> str:
        """Search."""
        return ""

    with pytest.raises(ValueError, match="cannot be stopped"):
        tool(search)
