"""The mark by which a model says that the person has not finished: found, and never passed on."""

import pytest

from pipelines.core.thinking.turn_marks import INSTRUCTION, INSTRUCTION_TOKENS, MARK, TurnMarks


def read(*pieces: str) -> tuple[str, bool]:
    """The text that is passed on, and True if it was the mark."""
    marks = TurnMarks()
    text = "".join(marks.feed(piece) for piece in pieces)
    marks.finish()
    return text, marks.is_incomplete


@pytest.mark.parametrize(
    "pieces",
    [
        ("◐",),
        (" ", "\n", "◐"),
        ('"', "◐", '"'),
        ("`", "◐`"),
        ("**◐**",),
        ("(", "◐)"),
        ("[◐]",),
        ("<", "◐", ">"),
        ("- ◐",),
        ("◐ ", "Please go on,", " I am listening."),
        ("◐\n\nThe caller has not finished.",),
        ("○",),
        ("◑ I'm here.",),
        ("\u25d0\ufe0e",),
        ("...",),
        ("…", " "),
        ("\ufffd", "\ufffd", "\ufffd"),
        ("👍",),
        ("●",),
        ("●", " ", "◐"),
    ],
)
def test_a_mark_however_it_is_cut_or_wrapped_is_no_answer(pieces: tuple[str, ...]) -> None:
    assert read(*pieces) == ("", True)


def test_every_cut_of_an_answer_reads_alike() -> None:
    for text in ('"◐" Go on.', "● Sure, at nine.", "Sure, at nine. ◐", " **Sure**, at nine."):
        whole = read(text)
        for at in range(len(text)):
            assert read(text[:at], text[at:]) == whole
        assert read(*text) == whole


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("Sure, at nine.", "Sure, at nine."),
        ("● Sure, at nine.", "Sure, at nine."),
        ('"●" Sure.', "Sure."),
        ("**●** Sure.", "Sure."),
        ("●Sure.", "Sure."),
        ("● $5 a night.", "$5 a night."),
        ("Sure. ◐", "Sure. "),
        ("The sign ● means a stop, ○ none.", "The sign  means a stop,  none."),
        ("¿Qué desea?", "¿Qué desea?"),
        ("$5.", "$5."),
        ('"Sure", she said.', '"Sure", she said.'),
        ("好的。", "好的。"),
        ("", ""),
    ],
)
def test_an_answer_is_passed_on_without_its_marks(said: str, passed_on: str) -> None:
    assert read(said) == (passed_on, False)


def test_the_instruction_asks_for_the_mark_and_stands_before_the_words() -> None:
    assert MARK in INSTRUCTION
    assert INSTRUCTION.endswith("\n\n")
    assert len(INSTRUCTION) < 3 * INSTRUCTION_TOKENS
    assert INSTRUCTION.isascii() is False  # the mark alone is not
    assert INSTRUCTION.replace(MARK, "").isascii()
