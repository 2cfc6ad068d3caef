"""Times of day as people say them: half past three, 5 pm, noon, tomorrow at 9."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, TypeAlias

from pipelines.services.tools.dates.words import UnclearDateError

Part: TypeAlias = Literal["morning", "afternoon", "evening", "night"]

PART_ENDS_H = {"morning": 12, "afternoon": 18, "evening": 24, "night": 24}
LATEST_OF_AFTERNOON_H = 6
"""On another day than today "at 5" is in the afternoon, and "at 7" in the morning."""
EARLIEST_OF_NIGHT_H = 6
"""From "6 at night" on it is before midnight."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, or only a part of the day, or neither."""

    at: time | None = None
    part: Part | None = None
    of_twelve: bool = False
    """Nobody said whether it is the morning or the afternoon: `at` is before noon."""
    midnight: bool = False
    """Which of the day's two was not said."""


_PART = re.compile(
    r"\b(?P<when>in the |this |at |last )?(?P<part>morning|afternoon|evening|night)\b"
    r"|\b(?P<today>tonight)\b|\b(?P<first>1th thing)\b"
)
_HALF = r"(?:\s*(?P<half>am|pm)\b)?(?:\s*oclock\b)?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:at )?(?P<amount>half|quarter|a quarter|\d{{1,2}}(?: minutes?)?) "
        rf"(?P<way>past|after|to|before) (?P<hour>\d{{1,2}}|noon|midnight)\b{_HALF}",
        rf"\b(?:at )?(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)\b{_HALF}",
        rf"\b(?:at )?(?P<hour>\d{{1,2}})(?= ?(?:am|pm|oclock)\b){_HALF}",
        r"\bat (?P<hour>\d{1,2})\b(?![/:.-])",
        r"\b(?:at )?(?P<hour>noon|midnight)\b",
    )
)
_STARTS = r"(?:^|\bat |(?<=day )|(?<=tomorrow ))"
_SPOKEN = re.compile(
    rf"{_STARTS}(?P<hour>\d{{1,2}}) (?P<minute>[1-5]\d)\b{_HALF}"
    r"(?= ?(?:$|on |in |at |today|tomorrow|this |next |\w+day\b))"
)
"""Two thirty: a month's name before it would make the first figure a day."""
_BARE = re.compile(
    rf"{_STARTS}(?P<hour>\d{{1,2}})(?= ?(?:$|on |today|tomorrow|yesterday|this |next |\w+day\b))"
)
"""Five, where "in the afternoon" tells that it is a time."""


def take_time(text: str) -> tuple[str, Clock]:
    """The text without the time in it, and the time. Raises UnclearDateError."""
    text, part = _take_part(text)
    for pattern in (_SPOKEN, *_PATTERNS, *([_BARE] if part else [])):
        found = pattern.search(text)
        if found is not None:
            rest = f"{text[: found.start()]} {text[found.end() :]}"
            return _bare(rest), _read(found.groupdict(), part)
    return _bare(text), Clock(part=part)


def _take_part(text: str) -> tuple[str, Part | None]:
    """The day that goes with the part of the day takes its place, where the text says so."""
    found = _PART.search(text)
    if found is None:
        return text, None
    day = ""
    if found["today"] or found["when"] == "this ":
        day = " today "
    elif found["when"] == "last ":
        day = " yesterday "
    rest = f"{text[: found.start()]}{day}{text[found.end() :]}"
    match found["part"]:
        case "morning" | "afternoon" | "evening" | "night" as part:
            return rest, part
        case _:
            return rest, "night" if found["today"] else "morning"


def _bare(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"^(?:on|at)\b|\b(?:on|at)$", "", text).strip()


def _read(said: dict[str, str | None], part: Part | None) -> Clock:
    hour = said["hour"]
    assert hour is not None
    if hour == "midnight" and said.get("amount") is None:
        return Clock(time(0), midnight=True)
    hours = {"noon": 12, "midnight": 0}.get(hour)
    open_half = hours is None
    hours, minutes = _shifted(int(hour) if hours is None else hours, said)
    return _on_the_dial(hours, minutes, said, part, open_half=open_half)


def _shifted(hours: int, said: dict[str, str | None]) -> tuple[int, int]:
    """The hour, and the minutes that go with it."""
    amount, way = said.get("amount"), said.get("way")
    if amount is None:
        return hours, int(said.get("minute") or 0)
    figures = {"half": 30, "quarter": 15, "a quarter": 15}
    minutes = figures.get(amount) or int(amount.split()[0])
    if way in ("past", "after"):
        return hours, minutes
    if amount == "half":
        raise UnclearDateError(f"half {way} {hours} is not a time: say the hour and the minutes")
    return (hours - 1) % 24 if hours != 1 else 12, 60 - minutes


def _on_the_dial(
    hours: int, minutes: int, said: dict[str, str | None], part: Part | None, *, open_half: bool
) -> Clock:
    half = said.get("half")
    if hours > 23 or minutes > 59 or (half and not 1 <= hours <= 12):
        raise UnclearDateError(f"there is no such time as {hours}:{minutes:02}")
    written = str(said.get("hour"))
    if not open_half or hours > 12 or hours == 0 or (len(written) == 2 and written[0] == "0"):
        return Clock(time(hours, minutes), part)
    if half is None and part is not None:
        half = _half_of(part, hours)
    if part == "night" and hours == 12:
        return Clock(time(0, minutes), part, midnight=True)
    if half is not None:
        return Clock(time(hours % 12 + (12 if half == "pm" else 0), minutes), part)
    if hours == 12:  # nobody says "at 12" and means the night
        return Clock(time(12, minutes))
    return Clock(time(hours, minutes), of_twelve=True)


def _half_of(part: Part, hours: int) -> str:
    if part == "night":
        return "pm" if EARLIEST_OF_NIGHT_H <= hours < 12 else "am"
    return "am" if part == "morning" else "pm"


def readings(clock: Clock, day: date, now: datetime) -> list[datetime]:
    """The times that the words may mean on this day, the likelier first; naive, as a clock there
    shows them.
    """
    assert clock.at is not None
    first = datetime.combine(day, clock.at)
    here = now.replace(tzinfo=None)
    if clock.midnight:
        end = first + timedelta(days=1)
        return [end] if day == now.date() or clock.part else [end, first]
    if clock.part == "night" and clock.at.hour < EARLIEST_OF_NIGHT_H:
        comes = day == now.date() and first > here
        return [first if comes else first + timedelta(days=1)]
    if not clock.of_twelve:
        return [first]
    second = first + timedelta(hours=12)
    if day == now.date() and first <= here:
        return [second]
    if day == now.date() or clock.at.hour > LATEST_OF_AFTERNOON_H:
        return [first, second]
    return [second, first]
