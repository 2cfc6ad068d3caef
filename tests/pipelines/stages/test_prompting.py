"""A part of an answer, and the bot that asks for the rest, through all the stages."""

import pytest

from pipelines.core.exchange import Expect
from pipelines.core.turn.expectation import Expected
from tests.pipelines.stages.rehearsal import Rehearsed, does, rehearse, says

PART, REST = "seven one five", "one three nine zero seven eight seven"
PHONE = does(0.2, Expect(Expected.NUMBER, 10))


def questions(call: Rehearsed) -> list[str]:
    return [text for role, text in call.lines if role == "user"]


def test_a_whole_that_came_in_two_parts_is_one_question() -> None:
    call = rehearse(PHONE, says(1.0, PART), says(6.5, REST), until_s=16.0)

    assert call.heard_text == f"Go on. You said {PART} {REST}"
    assert call.lines == [
        ("assistant", "Go on."),
        ("user", f"{PART} {REST}"),
        ("assistant", f"You said {PART} {REST}"),
    ]


def test_the_model_is_asked_nothing_about_a_part() -> None:
    call = rehearse(PHONE, says(1.0, PART), says(6.5, REST), until_s=16.0)

    assert set(call.questions) == {f"{PART} {REST}"}


def test_a_part_to_which_nothing_comes_is_answered_after_all() -> None:
    call = rehearse(PHONE, says(1.0, PART), until_s=16.0)

    assert call.heard_text == f"Go on. You said {PART}"
    assert call.states[-1] == "listening"


def test_a_whole_number_is_answered_at_once_and_nobody_is_asked_to_go_on() -> None:
    call = rehearse(PHONE, says(1.0, f"{PART} {REST}"))

    assert call.heard_text == f"You said {PART} {REST}"


@pytest.mark.parametrize("at_s", [4.85, 4.95, 5.1, 5.3])
def test_a_person_who_goes_on_with_the_prompt_is_heard_whole(at_s: float) -> None:
    """They begin just before the bot does, or while it speaks."""
    call = rehearse(PHONE, says(1.0, PART), says(at_s, REST), until_s=16.0)

    assert questions(call) == [f"{PART} {REST}"]
    assert call.heard_text.endswith(f"You said {PART} {REST}")


def test_the_turn_that_was_prompted_is_measured_from_its_own_end() -> None:
    call = rehearse(PHONE, says(1.0, PART), says(6.5, REST), until_s=16.0)

    (row,) = call.rows
    assert isinstance(row["voice_to_voice_s"], float)
    assert row["voice_to_voice_s"] < 0.5


def test_the_kind_of_answer_that_was_told_stands_for_one_turn() -> None:
    call = rehearse(PHONE, says(1.0, f"{PART} {REST}"), says(10.0, "four two"), until_s=18.0)

    assert questions(call) == [f"{PART} {REST}", "four two"]
    assert "Go on." not in call.heard_text
