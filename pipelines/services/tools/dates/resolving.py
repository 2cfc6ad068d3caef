"""Puts day and time together, on a clock that may skip an hour or show one twice."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipelines.services.tools.dates.days import Days, days_of
from pipelines.services.tools.dates.times import PART_ENDS_H, Clock, Part, readings, take_time
from pipelines.services.tools.dates.words import UnclearDateError, plain

LONGEST_PHRASE = 100
"""Characters: a phrase names one date."""

_SPAN = r"(\d+(?:\.\d+)?) (hour|minute)s?"
_ELAPSED = re.compile(
    r"(?:in |within )?(?P<days>(?:\d+ (?:day|week)s?,? (?:and )?)*)"
    rf"(?P<spans>{_SPAN}(?:,? (?:and )?{_SPAN})*)(?P<way>| time| from now| hence| ago)"
)
_NOW = ("now", "right now", "just now", "at the moment", "immediately", "right away")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedDate:
    """A day, a stretch of days, or a time, in the zone that was asked for."""

    first: date
    last: date | None = None
    """The last day of a stretch."""
    at: datetime | None = None
    """With its offset, where a time was named."""
    part: Part | None = None
    other: date | datetime | None = None
    """Other meanings of the same words."""
    notes: tuple[str, ...] = ()


def resolve(phrase: str, now: datetime) -> ResolvedDate:
    """`now` has the zone in which the phrase is meant. Raises UnclearDateError."""
    assert now.tzinfo is not None
    if len(phrase) > LONGEST_PHRASE:
        raise UnclearDateError("too long: name one date")
    text = plain(phrase)
    try:
        if text in _NOW:
            return ResolvedDate(first=now.date(), at=now)
        if (elapsed := _ELAPSED.fullmatch(text)) is not None:
            return _after(elapsed, now)
        rest, clock = take_time(text)
        if not rest:
            return _time_alone(clock, now)
        return _on_day(days_of(rest, now.date()), clock, now)
    except (OverflowError, ValueError) as error:
        if isinstance(error, UnclearDateError):
            raise
        raise UnclearDateError("that is beyond the calendar") from None


def _after(found: re.Match[str], now: datetime) -> ResolvedDate:
    """Hours and minutes pass at their own pace, whatever the clock on the wall does."""
    sign = -1 if found["way"] == " ago" else 1
    start = now
    for number, unit in re.findall(r"(\d+) (day|week)", found["days"]):
        days = sign * int(number) * (7 if unit == "week" else 1)
        start = _existing(start.replace(tzinfo=None) + timedelta(days=days), now)[0]
    passed = sum(
        (timedelta(**{f"{unit}s": float(number)})
         for number, unit in re.findall(_SPAN, found["spans"])),
        timedelta(),
    )  # fmt: skip
    at = (start.astimezone(UTC) + sign * passed).astimezone(now.tzinfo)
    return ResolvedDate(first=at.date(), at=at)


def _time_alone(clock: Clock, now: datetime) -> ResolvedDate:
    """The next time that the clock shows it."""
    if clock.at is None:
        if clock.part is None:
            raise UnclearDateError("it names no day that is known")
        over = now.hour >= PART_ENDS_H[clock.part]
        return ResolvedDate(first=now.date() + timedelta(days=over), part=clock.part)
    days = [now.date()] if clock.midnight else [now.date(), now.date() + timedelta(days=1)]
    here = now.replace(tzinfo=None)
    coming = [one for day in days for one in sorted(readings(clock, day, now)) if one > here]
    ambiguous = clock.of_twelve and len(coming) > 1
    return _timed(Days(coming[0].date()), coming[: 2 if ambiguous else 1], clock, now)


def _on_day(days: Days, clock: Clock, now: datetime) -> ResolvedDate:
    if clock.at is None:
        notes = (days.note,) if days.note else ()
        return ResolvedDate(
            first=days.first, last=days.last, part=clock.part, other=days.other, notes=notes
        )
    if days.last is not None:
        raise UnclearDateError("it names a time, but more than one day")
    return _timed(days, readings(clock, days.first, now), clock, now)


def _timed(days: Days, meant: list[datetime], clock: Clock, now: datetime) -> ResolvedDate:
    at, note = _existing(meant[0], now)
    notes = tuple(one for one in (days.note, note) if one)
    other: date | datetime | None = days.other
    if len(meant) > 1:
        other = _existing(meant[1], now)[0]
    elif note and at.fold != (twin := at.replace(fold=1)).fold and not _is_gap(meant[0], now):
        other = twin
    return ResolvedDate(first=at.date(), at=at, part=clock.part, other=other, notes=notes)


def _is_gap(shown: datetime, now: datetime) -> bool:
    at = shown.replace(tzinfo=now.tzinfo)
    return at.astimezone(UTC).astimezone(now.tzinfo).replace(tzinfo=None) != shown


def _existing(shown: datetime, now: datetime) -> tuple[datetime, str]:
    """The moment at which the clock shows that, and what is to be said of it.

    A time that is skipped becomes the one as long after the change; of one that comes twice it is
    the first.
    """
    at = shown.replace(tzinfo=now.tzinfo)
    if _is_gap(shown, now):
        later = at.astimezone(UTC).astimezone(now.tzinfo)
        return later, f"the clocks go forward: {shown:%H:%M} does not exist that day"
    if at.utcoffset() != at.replace(fold=1).utcoffset():
        return at, f"the clocks go back: {shown:%H:%M} comes twice that day, this is the first"
    return at, ""
