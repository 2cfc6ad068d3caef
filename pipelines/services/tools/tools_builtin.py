"""The tools that come in the box: hang up, the time, and what date a phrase means."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pipelines.core.memory.tools import Afterwards, Tool, ToolError, repeatable, tool
from pipelines.services.tools.dates import ResolvedDate, UnclearDateError, resolve

Clock = Callable[[], datetime]
"""The wall clock, in the zone that the people of a call live by."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""Not `strftime`'s, which follow the process's locale: models are told in English."""


def hang_up(end_call: Callable[[], None]) -> Tool:
    """For one call."""

    async def hang_up() -> Afterwards:
        """End this call. Use it once the person has said goodbye or wants to stop."""
        return Afterwards("The call ends when your next words were heard: say goodbye.", end_call)

    return tool(hang_up)


def current_time(clock: Clock) -> Tool:
    @repeatable
    async def current_time(time_zone: str | None = None) -> str:
        """Tell the time, the date and the day of the week, here or in an IANA time zone such as
        Europe/Paris.
        """
        now = clock()
        try:
            zone = ZoneInfo(time_zone) if time_zone else now.tzinfo
        except (KeyError, ValueError, OSError):
            raise ToolError(f"there is no time zone {time_zone!r}") from None
        there = now.astimezone(zone)
        return f"{in_words(there.date())}, {there:%H:%M}, {_offset(there)}, {zone}"

    return tool(current_time)


def find_date(clock: Clock) -> Tool:
    @repeatable
    async def find_date(when: str) -> dict[str, object]:
        """Find the date of words such as tomorrow, next Tuesday, in two weeks, the last Friday of
        the month, this weekend, in 90 minutes or noon tomorrow. Give the person's own words. If
        the result has another reading (or), ask which one is meant.
        """
        now = clock()
        try:
            return _told(resolve(when, now), now)
        except UnclearDateError as error:
            raise ToolError(f"{when!r}: {error}; ask for the day and the month") from None

    return tool(find_date)


def today(clock: Clock) -> str:
    """The sentence that the model is told before a conversation; it changes once a day."""
    now = clock()
    return f"Today is {in_words(now.date())}, in the time zone {now.tzinfo}."


def in_words(day: date) -> str:
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _told(moment: ResolvedDate, now: datetime) -> dict[str, object]:
    told: dict[str, object] = {
        "date": moment.first.isoformat(),
        "in_words": in_words(moment.first),
        "days_from_today": (moment.first - now.date()).days,
    }
    if moment.last is not None:
        told |= {"until": moment.last.isoformat(), "until_in_words": in_words(moment.last)}
    if moment.at is not None:
        told |= {"time": f"{moment.at:%H:%M}", "offset": _offset(moment.at)}
    if moment.part is not None:
        told["part_of_day"] = moment.part
    if moment.other is not None:
        told["or"] = _other(moment.other)
    if moment.notes:
        told["note"] = "; ".join(moment.notes)
    return told | {"time_zone": str(now.tzinfo)}


def _other(other: date | datetime) -> str:
    if isinstance(other, datetime):
        return f"{in_words(other.date())}, {other:%H:%M}, {_offset(other)}"
    return in_words(other)


def _offset(at: datetime) -> str:
    return f"UTC{at.isoformat()[-6:]}"
