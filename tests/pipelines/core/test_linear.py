"""Text of twice the length takes twice the steps, whatever a model writes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import cycle, product
from pkgutil import iter_modules

import pytest

from pipelines.core.speaking import asides, latex, markdown, phrasing, speakable, tally, unspaced
from pipelines.core.thinking import leaks, marks, musing, text_calls
from pipelines.core.thinking.text_calls import Tools
from tests.steps import counted

Count = Callable[[Callable[[], object]], int]

TOOLS: Tools = {"book": {"guests": {"type": "integer"}}, "current_time": {}}
SIZE = 200
"""Characters, and twice as many; longer clauses are cut."""
SLACK = 1.4
"""Text is cut at limits, so that twice the text is not twice the clauses to the last one."""

BEGINNINGS = ("", '"', "(", "Sure. ", "<think>", "Thought: ", "PIN ", '{"name": "book", ', "book(")
PIECES = (
    *("a", "a ", "a, ", "a. ", "a! ", "A. ", "1", "1 ", "1, ", "12:30 ", "1.", "1-2 "),
    *("$1 ", "1/2 ", "—", "— ", "- ", "-", ",", ";", ".", "...", "…", "?", "(", "(a "),
    *(")", "[", "[a](", '"', "“", "*", "**a", "_a ", "`", "```\n", "~", "#", "\n"),
    *("a\n", "- a\n", "|", "|a", "$x$", "\\frac{", "<", "<a ", "<|", "</", "&", "&amp;"),
    *("http://a.", "a@", "我", "我，", "「", "ก", "ก ", "네", "😀", "}", '{"', "{'a': "),
    *("{", "book(", "book ", "Action: book\n", "\nObservation:", "</think>", "code "),
    *("PIN 1 ", "Dr. ", "am 15. ", "\u202f", "°", "=", "^", "\\", "◁", "the a "),
    *("'a ", "+1 ", "-1 ", "A-1 ", "a/b ", "1x1 "),
)  # fmt: skip
BY_TURNS = tuple(zip(cycle(BEGINNINGS), PIECES))


@pytest.fixture(scope="module")
def count() -> Iterator[Count]:
    thinking = (leaks, marks, musing, text_calls)
    reading = (
        import_module(f"{speakable.__name__}.{m.name}") for m in iter_modules(speakable.__path__)
    )
    with counted(
        asides, latex, markdown, phrasing, tally, unspaced, *thinking, *reading
    ) as counting:
        yield counting


def pieces_of(text: str) -> Sequence[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def phrase(text: str) -> None:
    phraser = phrasing.Phraser()
    for piece in pieces_of(text):
        phraser.feed(piece)
    phraser.finish()


def read(text: str) -> None:
    leak_filter = leaks.LeakFilter(TOOLS, aloud=True)
    for piece in pieces_of(text):
        leak_filter.feed(piece)
    leak_filter.finish()


def read_whole(text: str) -> None:
    leak_filter = leaks.LeakFilter(TOOLS, aloud=True)
    leak_filter.feed(text)
    leak_filter.finish()


@pytest.mark.parametrize(
    "texts",
    [BY_TURNS, pytest.param(tuple(product(BEGINNINGS, PIECES)), marks=pytest.mark.soak)],
    ids=len,
)
@pytest.mark.parametrize(
    "run", [phrase, read, read_whole, speakable.aloud], ids=lambda run: run.__name__
)
def test_twice_the_text_takes_twice_the_steps(
    run: Callable[[str], object], texts: Sequence[tuple[str, str]], count: Count
) -> None:
    slow = []
    for beginning, piece in texts:
        short, long = (beginning + (piece * size)[:size] for size in (SIZE, 2 * SIZE))
        run(short)  # fills caches
        steps = count(partial(run, short)), count(partial(run, long))
        if steps[1] > 2 * SLACK * steps[0]:
            slow.append((beginning, piece, *steps))
    assert slow == []
