"""The example's processors, as a setting names them, in a call on virtual time."""

from bot.wiring.imported import function_at
from pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import rehearse, says


def test_they_are_found_by_the_setting_and_change_text_and_sound() -> None:
    between = function_at("examples.stock_processors:between", "PROCESSORS")
    call = rehearse(
        says(1.0, "where is it?"),
        answers=lambda messages: paced("It is the damned thing over there."),
        between=between,
    )
    assert call.lines[-1] == ("assistant", "It is the dear thing over there.")
    assert call.heard == [], "at half its level the voice is not the one that the page knows"
    assert (call.errors, call.tasks_left) == ([], set())
