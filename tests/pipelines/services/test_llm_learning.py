"""One bad question takes nothing from the next: only a refusal that was mended is remembered."""

import json

import pytest

from pipelines.services.protocols import ChatMessage, Sampling, ServiceError, ToolCall
from tests.pipelines.services.llm.test_llm_dialect import CLOCK, FINE, asked, refusal

OFFERED = Sampling(tools=(CLOCK,))


@pytest.mark.parametrize(
    ("words", "tries"),
    [
        ("tool_calls[0].function.arguments is not valid JSON", 3),
        ("messages[2]: bad content", 2),
        ("top_k: no", 3),
    ],
)
def test_what_did_not_help_is_not_left_out_of_the_next_question(words: str, tries: int) -> None:
    refused = [refusal(words)] * tries
    requests, (first, second) = asked(*refused, FINE, times=2, sampling=OFFERED)
    assert isinstance(first, ServiceError)
    assert isinstance(second, list)
    *tried, later = requests
    assert all(one != later for one in tried[1:])
    assert later == tried[0]


def test_what_one_refusal_after_another_named_is_remembered_once_it_is_answered() -> None:
    refused = [refusal("top_k is not known"), refusal("tools are not supported")]
    requests, _ = asked(*refused, FINE, FINE, times=2, sampling=OFFERED)
    assert [("top_k" in one, "tools" in one) for one in requests] == [
        (True, True),
        (False, True),
        (False, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [('{"x": 1}', '{"x": 1}'), ('{"x": ', "{}"), ("", "{}"), ("[1]", "{}"), ("NaN", "{}")],
)
def test_a_call_that_was_asked_for_wrongly_goes_back_as_one_that_can_be_read(
    wanted: str, sent: str
) -> None:
    messages = [
        ChatMessage("user", "Time?"),
        ChatMessage("assistant", "", tool_calls=(ToolCall("a", "clock", wanted),)),
        ChatMessage("tool", "error: the arguments are no JSON object", answers="a"),
    ]
    (request,), _ = asked(FINE, messages=messages)
    function = request["messages"][1]["tool_calls"][0]["function"]
    assert function == {"name": "clock", "arguments": sent}
    assert isinstance(json.loads(function["arguments"]), dict)
