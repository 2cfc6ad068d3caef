"""Only what is meant for the person is left of an answer, however its text was cut into tokens."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.thinking.leaks import LeakFilter
from pipelines.core.thinking.marks import MARKS, Mark, MarkKind
from pipelines.core.thinking.text_calls import TextCall, Tools

TOOLS: Tools = {
    "current_time": {},
    "book": {"name": {"type": "string"}, "guests": {"type": "integer"}},
}
OK = "We close at ten."
THOUGHT = "Let me see: ten."


def read(*pieces: str, tools: Tools | None = None, **how: bool) -> tuple[str, list[TextCall]]:
    """The text that is left in the end, and the calls."""
    leaks = LeakFilter(tools, **how)
    left = ""
    for piece in pieces:
        text = leaks.feed(piece)
        left = text if leaks.anew else left + text
    text = leaks.finish()
    return (text if leaks.anew else left + text), leaks.calls


def spoken(*pieces: str) -> str:
    return read(*pieces)[0]


def cuts(raw: str) -> list[tuple[str, ...]]:
    return [(raw,), tuple(raw), *((raw[:at], raw[at:]) for at in range(len(raw)))]


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("It is noon.", "It is noon."),
        ("<think>Noon?</think>It is noon.", "It is noon."),
        ("<|channel>thought\nNoon, I think.<channel|>It is noon.", "It is noon."),
        ("<|channel|>analysis<|message|>Noon?<|end|>It is noon.", "It is noon."),
        (
            "<|channel|>analysis<|message|>Noon?<|end|><|start|>assistant<|channel|>final"
            "<|message|>It is noon.<|return|>",
            "It is noon.",
        ),
        ("<start_of_turn>model\nIt is noon.<end_of_turn>", "It is noon."),
        ("It is noon.<end_of_turn>", "It is noon."),
        ("It is <b>noon</b>, and 2 < 3 > 1.", "It is <b>noon</b>, and 2 < 3 > 1."),
        ("Two is <", "Two is <"),
        ("<think>It never ended", ""),
        ("<|channel>thought", ""),
        # thoughts in other marks
        ("[THINK]Noon?[/THINK]It is noon.", "It is noon."),
        ("◁think▷Noon?◁/think▷It is noon.", "It is noon."),
        ("<Think>Noon?</Think>It is noon.", "It is noon."),
        ('<thinking mode="on">Noon?</thinking>It is noon.', "It is noon."),
        ("<|START_THINKING|>Noon?<|END_THINKING|>It is noon.", "It is noon."),
        ("<think>Noon?</thinking>It is noon.", "It is noon."),
        ("<think>One.</think>It is <think>Two.</think>noon.", "It is noon."),
        ("<think>Noon?</think>It is noon.</think>", "It is noon."),
        ("It is noon.</think>", "It is noon."),
        ("Is it noon? Yes.\n</think>\n\nIt is noon.", "It is noon."),
        ("Is it noon?[/THINK]It is noon.", "It is noon."),
        ("Is it noon?◁/think▷It is noon.", "It is noon."),
        # roles
        ("assistant: It is noon.", "It is noon."),
        ("Assistant\nIt is noon.", "It is noon."),
        ("**Assistant:** It is noon.", "It is noon."),
        ("\n\nassistant\n\nIt is noon.", "It is noon."),
        ("AI: It is noon.", "It is noon."),
        ("<|im_start|>assistant\nIt is noon.<|im_end|>", "It is noon."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nIt is noon.<|eot_id|>", "It is noon."),
        ("<|im_start|>assistant\nIt is noon.<|im_end|>\n<|im_start|>user\nHm.", "It is noon.\n"),
        ("<|assistant|>\nIt is noon.<|user|>\nThanks.", "It is noon."),
        ("<think>Noon?</think>assistant: It is noon.", "It is noon."),
        ("Assistant managers open at noon.", "Assistant managers open at noon."),
        ("A model: it is new.", "A model: it is new."),
        # tokens
        ("It is noon.</s>", "It is noon."),
        ("<s>[INST] It is noon.", "It is noon."),
        ("It is noon.<｜end▁of▁sentence｜>", "It is noon."),
        ("It is noon.<unused42><0x0A><|reserved_special_token_7|>", "It is noon."),
        # what is the model's own
        ("[Laughs] It is noon [sic].", "[Laughs] It is noon [sic]."),
        ("if a<b and c>d", "if a<b and c>d"),
        ("He wrote {x} and [1].", "He wrote {x} and [1]."),
        ("Use `ls` or ```\ncode\n``` and go.", "Use `ls` or ```\ncode\n``` and go."),
    ],
)
def test_only_what_is_meant_for_the_person_is_left(raw: str, left: str) -> None:
    for pieces in cuts(raw):
        assert spoken(*pieces) == left
        if "</think>\n\n" not in raw:
            assert read(*pieces, tools=TOOLS) == (left, [])


@pytest.mark.parametrize("mark", [one for one in MARKS if one.kind is MarkKind.THOUGHT], ids=str)
def test_no_thought_in_known_marks_is_said(mark: object) -> None:
    opening, closing = mark.text, mark.closing  # type: ignore[attr-defined]
    for raw in (f"{opening}{THOUGHT}{closing}{OK}", f"{THOUGHT}{closing}{OK}"):
        for pieces in cuts(raw):
            assert spoken(*pieces) == OK


@pytest.mark.parametrize(
    "written",
    [
        '<tool_call>\n{"name": "book", "arguments": {"guests": 2}}\n</tool_call>',
        '<tool_call>{"name": "book", "arguments": {"guests": 2}}',
        '{"name": "book", "arguments": {"guests": 2}}</tool_call>',
        "<tool_call>\n<function=book>\n<parameter=guests>\n2\n</parameter>\n</function>\n"
        "</tool_call>",
        "<tool_call>book\n<arg_key>guests</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
        '<function=book>{"guests": 2}</function>',
        '<|python_tag|>{"name": "book", "parameters": {"guests": 2}}<|eom_id|>',
        "<|python_tag|>book.call(guests=2)",
        '{"type": "function", "name": "book", "parameters": {"guests": 2}}',
        '{"type": "function", "function": {"name": "book", "parameters": {"guests": 2}}}',
        '[{"name": "book", "arguments": {"guests": 2}}]',
        '[TOOL_CALLS][{"name": "book", "arguments": {"guests": 2}}]',
        '[TOOL_CALLS]book[ARGS]{"guests": 2}</s>',
        '[TOOL_CALLS]book[CALL_ID]Ab3[ARGS]{"guests": 2}',
        "<|tool_call>call:book{guests:2}<tool_call|>",
        "<start_function_call>call:book{guests:2}<end_function_call>",
        "```tool_code\nprint(default_api.book(guests=2))\n```",
        "```tool_code\nbook(guests=2)\n```",
        '```json\n{"name": "book", "parameters": {"guests": 2}}\n```',
        '```\n{"name": "book", "parameters": {"guests": 2}}\n```',
        "[book(guests=2)]",
        "book(guests=2)",
        'book\n{"guests": 2}',
        'Action: book\nAction Input: {"guests": 2}',
        "<tool_call>{'name': 'book', 'arguments': {'guests': 2}}</tool_call>",
        '<tool_call>{"name": "book", "arguments": {"guests": 2,}}</tool_call>',
        "{'name': 'book', 'arguments': {'guests': 2}}",
        '{"tool_call": {"name": "book", "arguments": {"guests": 2}}}',
        '{"function_call": {"name": "book", "arguments": "{\\"guests\\": 2}"}}',
        'book({"guests": 2})',
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n"
        '{"guests": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        '<｜tool▁call▁begin｜>book<｜tool▁sep｜>{"guests": 2}<｜tool▁call▁end｜>',
        '<｜DSML｜function_calls><｜DSML｜invoke name="book"><｜DSML｜parameter name="guests" '
        'string="false">2</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>',
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.book:0"
        '<|tool_call_argument_begin|>{"guests": 2}<|tool_call_end|><|tool_calls_section_end|>',
        "<|channel|>analysis<|message|>A table.<|end|><|start|>assistant<|channel|>commentary "
        'to=functions.book <|constrain|>json<|message|>{"guests": 2}<|call|>',
        "<|start|>assistant to=functions.book<|channel|>commentary json<|message|>"
        '{"guests": 2}<|call|>',
        '<|START_ACTION|>[{"tool_name": "book", "parameters": {"guests": 2}}]<|END_ACTION|>',
        "<|tool_call_start|>[book(guests=2)]<|tool_call_end|>",
        '<|tool_call|>[{"name": "book", "arguments": {"guests": 2}}]<|/tool_call|>',
        '<function_calls><invoke name="book"><parameter name="guests">2</parameter></invoke>'
        "</function_calls>",
        '<TOOLCALL>[{"name": "book", "arguments": {"guests": 2}}]</TOOLCALL>',
        '<|tools_prefix|>[{"book": {"guests": 2}}]<|tools_suffix|>',
        '<think>Two people.</think>\n<tool_call>{"name": "book", "arguments": {"guests": 2}}'
        "</tool_call>",
        'Two people.\n</think>\n<tool_call>{"name": "book", "arguments": {"guests": 2}}'
        "</tool_call>",
    ],
)
def test_a_call_that_is_written_as_text_is_a_call(written: str) -> None:
    for pieces in cuts(written):
        left, calls = read(*pieces, tools=TOOLS)
        assert (left.strip(), calls) == ("", [TextCall("book", '{"guests": 2}')])


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('<tool_call>{"name": "unknown", "arguments": {}}</tool_call>Hm.', "Hm."),
        ("<tool_call>{torn</tool_call>Hm.", "Hm."),
        ('[TOOL_CALLS][{"name": "unknown"}]', ""),
        ('{"name": "unknown", "arguments": {}} Hm.', "Hm."),
        ('One moment. {"name": "unknown", "parameters": {"a": 1}}', "One moment. "),
        ("{'tool': 'unknown', 'args': {}}Hm.", "Hm."),
        ('[{"function": {"name": "unknown", "arguments": {}}}]Hm.', "Hm."),
        ('{"name": "Ann", "input": "soup"}', '{"name": "Ann", "input": "soup"}'),
        ('{"name": "Ann", "age": 3}', '{"name": "Ann", "age": 3}'),
        ('{"city": "Paris"}', '{"city": "Paris"}'),
        ("I use book(guests=2) for it.", "I use book(guests=2) for it."),
        ("Books (two) are here.", "Books (two) are here."),
        ("```python\nbook(guests=2)\n```\nDone.", "```python\nbook(guests=2)\n```\nDone."),
        ("```json\n[1, 2]\n```\nDone.", "```json\n[1, 2]\n```\nDone."),
    ],
)
def test_what_is_no_call_of_a_known_tool_is_text_or_nothing(written: str, left: str) -> None:
    for pieces in cuts(written):
        assert read(*pieces, tools=TOOLS) == (left, [])


def test_words_before_and_after_a_call_are_said() -> None:
    raw = 'One moment. {"name": "current_time", "arguments": {}} Done.'
    for pieces in cuts(raw):
        assert read(*pieces, tools=TOOLS) == (
            "One moment.  Done.",
            [TextCall("current_time", "{}")],
        )


@pytest.mark.parametrize("mark", [one for one in MARKS if one.kind is MarkKind.OTHERS], ids=str)
def test_words_of_another_than_the_assistant_are_not_said(mark: Mark) -> None:
    for pieces in cuts(f'One moment.{mark.text}\n{{"guests": 2}}\n{mark.closing}{OK}'):
        assert spoken(*pieces) == f"One moment.{OK}"


def test_without_tools_json_is_text() -> None:
    raw = '{"name": "current_time", "arguments": {}}'
    assert spoken(*raw) == raw


def test_plain_text_is_not_kept_back() -> None:
    leaks = LeakFilter(TOOLS, aloud=True)
    assert [leaks.feed(token) for token in ("It", " is", " noon", ".")] == [
        "It",
        " is",
        " noon",
        ".",
    ]


# ---- thoughts of which the end alone is marked ----


@pytest.mark.parametrize(
    "thought",
    [
        "The user wants the hours. I say ten.",
        "Okay, the user is asking for the hours.",
        "Hmm, the user wants the hours.",
        "So the user asks when we close.",
        "We need to answer: ten.",
        "User asks for the hours.",
    ],
)
def test_what_sounds_like_a_thought_is_kept_back_until_it_has_ended(thought: str) -> None:
    leaks = LeakFilter(aloud=True)
    assert "".join(map(leaks.feed, f"{thought}\n</think>\n\n")).strip() == ""
    assert leaks.feed(OK) == OK
    assert (leaks.anew, leaks.ended_unopened) == (False, True)


@pytest.mark.parametrize(
    ("begin", "goes_on"),
    [
        ("Okay, ", "we close at ten."),
        ("The ", "usual hours."),
        ("We ", "need your name."),
        ("So,", " at ten."),
    ],
)
def test_what_begins_alike_waits_for_a_word_at_most(begin: str, goes_on: str) -> None:
    leaks = LeakFilter(aloud=True)
    assert leaks.feed(begin) + leaks.feed(goes_on) == begin + goes_on


def test_what_sounds_like_a_thought_and_never_ends_is_said_at_the_end() -> None:
    leaks = LeakFilter(aloud=True)
    assert leaks.feed("The user manual is in the box.") == ""
    assert leaks.finish() == "The user manual is in the box."


def test_a_thought_that_was_let_out_is_taken_back_with_the_first_word_after_it() -> None:
    leaks = LeakFilter()
    came = [
        (leaks.feed(text), leaks.anew) for text in ("Ten, I think.", "</think>\n\n", OK, " Bye.")
    ]
    assert came == [("Ten, I think.", False), ("", False), (OK, True), (" Bye.", False)]


def test_of_a_model_that_ends_thoughts_unopened_nothing_is_let_out_before() -> None:
    leaks = LeakFilter(unopened=True)
    assert [leaks.feed("Ten, I think."), leaks.feed("</think>"), leaks.feed(OK)] == ["", "", OK]
    leaks = LeakFilter(unopened=True)
    assert leaks.feed(OK) + leaks.finish() == OK
    assert not leaks.ended_unopened


# ---- whatever is written ----

PIECES = [one.text for one in MARKS] + [one.closing for one in MARKS] + [
    *("We close at ten.", " user", "assistant", ":", "\n", '{"name": "book"', "}", "book(", ")"),
    *("[", "<", "<|", "`", "``", '"', "the user", " to=functions.book", "▁", "｜"),
    *("Thought:", "\nAction: book", "\nObservation:", "Final Answer:", "\n\n", ". ", "**"),
    *("analysis", "assistant", "final", "commentary", "We", " "),
]  # fmt: skip
JUNK = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(JUNK, st.lists(st.integers(0, 200), max_size=5), st.booleans(), st.booleans())
def test_no_cut_changes_what_is_left(raw: str, at: list[int], has_tools: bool, aloud: bool) -> None:
    tools = TOOLS if has_tools else None
    edges = [0, *sorted(min(one, len(raw)) for one in at), len(raw)]
    pieces = [raw[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert read(*pieces, tools=tools, aloud=aloud) == read(raw, tools=tools, aloud=aloud)


@pytest.mark.parametrize(
    "piece", ["<", "[", "`", "{", '{"name": ', "<|", "<think ", "book(", "\n", "◁", "a", ". ", ".",
     "<think>a", "Thought: ", "analysisWe ", "\nObservation:", "**", "final answer "]
)  # fmt: skip
def test_a_long_answer_takes_time_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        raw = (piece * size)[:size]
        pieces = [raw[at : at + 3] for at in range(0, len(raw), 3)]
        began = time.process_time()
        read(*pieces, tools=TOOLS, aloud=True)
        read(raw, tools=TOOLS, aloud=True)
        return time.process_time() - began

    seconds(1000)
    assert seconds(40_000) < 60 * max(seconds(2000), 0.005)
