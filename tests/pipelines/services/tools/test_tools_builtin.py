"""Hang up, the time, and the date of a phrase."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.core.memory.tool_runs import Repeats
from pipelines.core.memory.tools import Afterwards, ToolError
from pipelines.services.tools.tools_builtin import current_time, find_date, hang_up, today


def clock(moment: str, zone: str = "Europe/Berlin") -> Callable[[], datetime]:
    return lambda: datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))


NOON = clock("2026-11-20T12:00:00Z")


def called(tool: Any, **arguments: object) -> Any:
    return asyncio.run(tool.function(**arguments))


@pytest.mark.parametrize("look_up", [current_time, find_date])
def test_a_look_up_may_be_asked_for_as_often_as_the_model_likes(look_up: Any) -> None:
    assert look_up(NOON).repeats is Repeats.ALWAYS


def test_to_hang_up_is_no_look_up() -> None:
    assert hang_up(lambda: None).repeats is Repeats.WHEN_TOLD


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        (None, "Friday, 20 November 2026, 13:00, UTC+01:00, Europe/Berlin"),
        ("", "Friday, 20 November 2026, 13:00, UTC+01:00, Europe/Berlin"),
        ("Asia/Tokyo", "Friday, 20 November 2026, 21:00, UTC+09:00, Asia/Tokyo"),
        ("Asia/Kolkata", "Friday, 20 November 2026, 17:30, UTC+05:30, Asia/Kolkata"),
        ("Pacific/Kiritimati", "Saturday, 21 November 2026, 02:00, UTC+14:00, Pacific/Kiritimati"),
    ],
)
def test_the_time_comes_with_its_day_its_offset_and_its_zone(zone: str | None, told: str) -> None:
    assert called(current_time(NOON), time_zone=zone) == told


@pytest.mark.parametrize(
    ("moment", "told"),
    [("2027-03-28T00:59:59Z", "01:59, UTC+01:00"), ("2027-03-28T01:00:00Z", "03:00, UTC+02:00")],
)
def test_the_time_follows_a_change_of_the_clock(moment: str, told: str) -> None:
    assert told in called(current_time(clock(moment)))


@pytest.mark.parametrize("zone", ["Atlantis", "../etc/passwd", "a\0b"])
def test_a_place_that_is_none_is_told_to_the_model(zone: str) -> None:
    with pytest.raises(ToolError, match="no time zone"):
        called(current_time(NOON), time_zone=zone)


def test_a_date_is_told_for_people_and_for_other_tools() -> None:
    assert called(find_date(NOON), when="next Monday at noon") == {
        "date": "2026-11-23",
        "in_words": "Monday, 23 November 2026",
        "days_from_today": 3,
        "time": "12:00",
        "offset": "UTC+01:00",
        "time_zone": "Europe/Berlin",
    }


def test_a_stretch_of_days_and_another_reading_are_told() -> None:
    told = called(find_date(NOON), when="next weekend")
    assert (told["date"], told["until"]) == ("2026-11-28", "2026-11-29")
    assert told["or"] == "Saturday, 21 November 2026"


def test_a_phrase_without_a_date_is_told_to_the_model() -> None:
    with pytest.raises(ToolError, match="ask for the day"):
        called(find_date(NOON), when="whenever")


@pytest.mark.parametrize(
    ("moment", "zone", "said"),
    [
        ("2026-12-31T22:59:59Z", "Europe/Berlin", "Today is Thursday, 31 December 2026"),
        ("2026-12-31T23:00:00Z", "Europe/Berlin", "Today is Friday, 1 January 2027"),
        ("2026-12-31T23:00:00Z", "America/New_York", "Today is Thursday, 31 December 2026"),
        ("2026-11-27T10:30:00Z", "Pacific/Kiritimati", "Today is Saturday, 28 November 2026"),
        ("2028-02-29T12:00:00Z", "UTC", "Today is Tuesday, 29 February 2028"),
    ],
)
def test_the_day_is_that_of_the_zone(moment: str, zone: str, said: str) -> None:
    assert today(clock(moment, zone)) == f"{said}, in the time zone {zone}."


def test_hanging_up_is_done_afterwards() -> None:
    ended: list[bool] = []
    result = called(hang_up(lambda: ended.append(True)))
    assert isinstance(result, Afterwards)
    assert ended == []
    result.act()
    assert ended == [True]
