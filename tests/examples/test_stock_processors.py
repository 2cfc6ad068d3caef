"""The example's processors, as a setting names them, in a call on virtual time."""

import pytest

from bot.settings import Settings, SettingsError
from bot.wiring.engine import Wiring
from bot.wiring.imported import function_at
from tests.pipelines.services.scripted import paced
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


def nowhere() -> dict[str, list[object]]:
    return {"thinkin": []}


def test_a_place_that_there_is_not_is_named_at_the_start() -> None:
    settings = Settings.model_validate(
        {"processors": "tests.examples.test_stock_processors:nowhere"}
    )
    with pytest.raises(SettingsError, match="'thinkin' is none of caller, hearing, turning"):
        Wiring(settings)
