"""Thoughts that words mark, and calls in mid-line: what is said of them, however cut."""

import pytest

from pipelines.core.thinking.leaks import LeakFilter
from pipelines.core.thinking.text_calls import TextCall, Tools

TOOLS: Tools = {
    "current_time": {},
    "book": {"name": {"type": "string"}, "guests": {"type": "integer"}},
    "weather": {"city": {"type": "string"}},
}
OK = "It is noon."
BOOKED = [TextCall("book", '{"guests": 2}')]
SUNNY = [TextCall("weather", '{"city": "Paris"}')]


def read(*pieces: str, tools: Tools | None = None, aloud: bool = True) -> tuple[str, object]:
    leaks = LeakFilter(tools, aloud=aloud)
    left = ""
    for piece in pieces:
        text = leaks.feed(piece)
        left = text if leaks.anew else left + text
    text = leaks.finish()
    return (text if leaks.anew else left + text), leaks.calls


def cuts(raw: str) -> list[tuple[str, ...]]:
    return [(raw,), tuple(raw), *((raw[:at], raw[at:]) for at in range(len(raw)))]


@pytest.mark.parametrize(
    "raw",
    [
        "Thought: I know it.\nFinal Answer: It is noon.",
        "**Thought:** I know it.\n**Final Answer:** It is noon.",
        "Thought 1: I know it. Final Answer: It is noon.",
        "Reasoning: noon, I think.\n\nAnswer: It is noon.",
        "Thought: noon.\n\nIt is noon.",
        "Observation: 12:00\nThought: noon.\nFinal Answer: It is noon.",
        "Final Answer: It is noon.",
        "thought\nThe user asks.\n\nIt is noon.",
        "analysisThe user asks for the time.assistantfinalIt is noon.",
        "analysisuser wants the time.\n\nSay noon. assistantfinalIt is noon.",
        "commentaryI have to look.assistant final It is noon.",
        "finalIt is noon.",
        "assistantfinalIt is noon.",
        "### Response:\nIt is noon.",
        "Answer: It is noon.",
        "[ASSISTANT] It is noon.",
        "It is noon.\nUser: Thanks.\nAssistant: You are welcome.",
        "It is noon.\n\nHuman: Thanks.\n\nIt was nothing.",
        "<ctrl94>Noon?<ctrl95>It is noon.",
        "<|thinking|>Noon?<|/thinking|>It is noon.",
    ],
)
def test_a_thought_that_words_mark_is_not_said(raw: str) -> None:
    for pieces in cuts(raw):
        for tools in (None, TOOLS):
            left, calls = read(*pieces, tools=tools)
            assert (left.strip(), calls) == (OK, [])


@pytest.mark.parametrize(
    "raw",
    [
        "Thoughts and prayers.",
        "Thinking about it, yes.",
        "Final call: ten.",
        "Finally, noon.",
        "final score: two",
        "Analysis shows it.",
        "Commentary follows.",
        "Reasoning is hard.",
        "I know.\nThoughtful people: ten.",
        "At last: the final answer is ten.",
        "Answers vary.",
        "At ten.\nHuman resources: room two.",
        "At ten.\nUsers: ten.",
    ],
)
def test_a_text_that_begins_alike_is_said(raw: str) -> None:
    for pieces in cuts(raw):
        assert read(*pieces, tools=TOOLS) == (raw, [])


def test_a_thought_without_an_answer_is_no_answer() -> None:
    for raw in ("Thought: I have no idea.", "analysisThe user asks.\n\nWe could say noon."):
        assert read(raw) == ("", [])


def test_in_a_text_for_somebody_else_the_labels_are_the_text() -> None:
    raw = "Thought: I know it.\nFinal Answer: It is noon."
    assert read(*raw, aloud=False) == (raw, [])


@pytest.mark.parametrize(
    ("raw", "calls"),
    [
        ('Thought: a table.\nAction: book\nAction Input: {"guests": 2}', BOOKED),
        ('Thought: a table.\nAction: book\nAction Input: {"guests": 2}\nObservation: done\n'
         "Thought: done.\nFinal Answer: Your table is booked.", BOOKED),
        ('Action: book\nAction Input: {"guests": 2}\nObservation: done\nFinal Answer: Booked.',
         BOOKED),
        ("Thought: the sky.\nAction: weather\nAction Input: Paris", SUNNY),
        ("Thought: the sky.\n**Action:** weather\n**Action Input:** Paris\n", SUNNY),
        ("Thought: when?\nAction: current_time\nAction Input: None",
         [TextCall("current_time", "{}")]),
        ("Thought: when?\nAction: [current_time]", [TextCall("current_time", "{}")]),
        ("Thought: a table.\nAction: book(guests=2)", BOOKED),
        ('analysisA table.assistantcommentary to=functions.book json{"guests": 2}', BOOKED),
        ('analysisA table.assistant to=functions.bookcommentary json{"guests": 2}', BOOKED),
        ('commentary to=functions.book json{"guests": 2}', BOOKED),
    ],
)  # fmt: skip
def test_a_call_within_a_thought_is_a_call_and_its_result_is_not_made_up(
    raw: str, calls: list[TextCall]
) -> None:
    for pieces in cuts(raw):
        left, found = read(*pieces, tools=TOOLS)
        assert (left.strip(), found) == ("", calls)


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("One moment. book(guests=2)", "One moment. "),
        ("One moment! print(book(guests=2)) Bye.", "One moment!  Bye."),
        ("Let me see: [book(guests=2)]", "Let me see: "),
        ("Let me see… functions.book({'guests': 2})", "Let me see… "),
        ("All right – book(guests=2)", "All right – "),
        ('One moment. book {"guests": 2}', "One moment. "),
        ('book{"guests": 2}', ""),
        ('Sure: book: {"guests": 2}', "Sure: "),
        ("Sure. call:book{guests:2}", "Sure. "),
        ('One moment. Action: book\nAction Input: {"guests": 2}', "One moment. "),
        ('One moment.\nThought: a table.\nAction: book\nAction Input: {"guests": 2}',
         "One moment.\n"),
        ("Sure. <tool_code>print(book(guests=2))</tool_code>", "Sure. "),
        ("Sure. Calling book(guests=2)", "Sure. "),
        ('tool_call: {"name": "book", "arguments": {"guests": 2}}', ""),
        ('Tool: book\nArguments: {"guests": 2}', ""),
        ("Function call: book(guests=2)", ""),
        ("`book(guests=2)`", "`"),
        ('<tool name="book">{"guests": 2}</tool>', ""),
        ("<action>book(guests=2)</action>", ""),
        ('```xml\n<tool_call>{"name": "book", "arguments": {"guests": 2}}</tool_call>\n```', ""),
        ('```function_call\n{"name": "book", "arguments": {"guests": 2}}\n```', ""),
        ('{"thought": "two", "action": "book", "action_input": {"guests": 2}}', ""),
    ],
)  # fmt: skip
def test_a_call_in_mid_line_is_called_and_not_said(raw: str, left: str) -> None:
    for pieces in cuts(raw):
        assert read(*pieces, tools=TOOLS) == (left, BOOKED)


@pytest.mark.parametrize(
    "raw",
    [
        "Read a book. Book two. book (two).",
        "I use book(guests=2) for it.",
        "It costs 10.50 book(s) included.",
        "Two. Book: {two}",
        "One... two: three! Four? Five – six.",
    ],
)
def test_prose_that_looks_like_a_call_is_said(raw: str) -> None:
    for pieces in cuts(raw):
        assert read(*pieces, tools=TOOLS) == (raw, [])


@pytest.mark.parametrize(
    "raw",
    [
        "<think>One. <think>Two.</think> Three.</think>It is noon.",
        "<think>One.<think>Two.</think>Three.<think>Four.</think>Five.</think>It is noon.",
        "<think>\n<think>\nOne.</think>It is noon.",
        "<think>One [THINK]Two.[/THINK] Three.</think>It is noon.",
        "<thinking>One <think>Two.</think> Three.</thinking>It is noon.",
        "<think>The <think> tag is for thoughts.</think>It is noon.",
        "<think>One.<think>Two.<think>Three.</think>Four.</think>Five.</think>It is noon.",
    ],
)
def test_thoughts_within_thoughts_are_not_said(raw: str) -> None:
    for pieces in cuts(raw):
        assert read(*pieces) == (OK, [])


def test_a_call_behind_thoughts_within_thoughts_is_called() -> None:
    raw = '<think>One <think> two.</think><tool_call>{"name": "book", "arguments": {"guests": 2}}'
    for pieces in cuts(raw):
        assert read(*pieces, tools=TOOLS) == ("", BOOKED)
