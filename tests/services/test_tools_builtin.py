"""Hang up, and the time."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.core.tools import Afterwards, ToolError
from pipelines.services.tools_builtin import current_time, hang_up

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at_noon(zone: ZoneInfo | None) -> datetime:
    return NOON.astimezone(zone or UTC)


def called(tool: Any, **arguments: object) -> Any:
    return asyncio.run(tool.function(**arguments))


def test_the_time_is_that_of_here_or_of_a_place() -> None:
    clock = current_time(at_noon)
    assert called(clock) == "Friday, 20 November 2026, 12:00"
    assert called(clock, time_zone="Asia/Tokyo") == "Friday, 20 November 2026, 21:00"


@pytest.mark.parametrize("zone", ["Atlantis", "../etc/passwd", "a\0b"])
def test_a_place_that_is_none_is_told_to_the_model(zone: str) -> None:
    with pytest.raises(ToolError, match="no time zone"):
        called(current_time(at_noon), time_zone=zone)


def test_the_machines_own_clock_is_the_default() -> None:
    assert str(datetime.now(UTC).year)[:2] in called(current_time())


def test_hanging_up_is_done_afterwards() -> None:
    ended: list[bool] = []
    result = called(hang_up(lambda: ended.append(True)))
    assert isinstance(result, Afterwards)
    assert ended == []
    result.act()
    assert ended == [True]
