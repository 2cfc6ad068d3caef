"""Days and stretches of days as people say them, counted from a given day.

Weeks begin on Monday (ISO 8601). "Next Tuesday" is the Tuesday of next week, whatever day it is;
where a Tuesday comes before that, people differ, and it is given as the other reading.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from dateutil.relativedelta import MO, relativedelta
from dateutil.relativedelta import weekday as nth

from pipelines.services.tools.dates.words import MONTHS, WEEKDAYS, UnclearDateError


@dataclass(frozen=True, slots=True)
class Days:
    first: date
    last: date | None = None
    """The last day of a stretch; None for one day."""
    other: date | None = None
    """The meaning of the same words to other people."""
    note: str = ""


Rule: TypeAlias = Callable[[re.Match[str], date], Days]

_DAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})s?"
_MONTH = rf"(?P<month>{'|'.join(MONTHS)})"
_YEAR = r"(?:(?: of| in)? ?(?P<year>\d{4}))?"
_PERIOD = (
    r"(?:(?:the )?(?P<which>this|next|last|following|coming|current|the) (?P<unit>week|month|year)"
    rf"|{_MONTH}{_YEAR}|(?P<bare_year>\d{{4}}))"
)
_AMOUNT = r"\d+ (?:(?:working|business) )?(?:day|week|month|year)s?"
_AMOUNTS = rf"(?P<amounts>{_AMOUNT}(?:,? (?:and )?{_AMOUNT})*)"
_ONE = re.compile(r"(\d+) ((?:working|business) )?(day|week|month|year)")
_RANK = r"(?P<rank>[1-5]th|last|penultimate)"


def days_of(text: str, today: date) -> Days:
    """`text` is as `plain` leaves it. Raises UnclearDateError."""
    for pattern, rule in _RULES:
        found = pattern.fullmatch(text)
        if found is not None:
            return rule(found, today)
    raise UnclearDateError("it names no day that is known")


# ---- one day, from today ----


def _simple(found: re.Match[str], today: date) -> Days:
    away = {"today": 0, "tomorrow": 1, "yesterday": -1}[found["day"]]
    return Days(today + timedelta(days=away))


def _ahead(found: re.Match[str], today: date) -> Days:
    return _counted(found["amounts"], today, 1)


def _ago(found: re.Match[str], today: date) -> Days:
    return _counted(found["amounts"], today, -1)


def _beside(found: re.Match[str], today: date) -> Days:
    """Two days after Tuesday, a week before the end of the month."""
    base = days_of(found["base"], today)
    sign = -1 if found["way"] == "before" else 1
    amounts = found.groupdict().get("amounts") or "1 day"
    start = base.last if base.last is not None and sign > 0 else base.first
    shifted = _counted(amounts, start, sign)
    other = None if base.other is None else _counted(amounts, base.other, sign).first
    return Days(shifted.first, other=other, note=shifted.note or base.note)


def _counted(amounts: str, start: date, sign: int) -> Days:
    at, note = start, ""
    for number, working, unit in _ONE.findall(amounts):
        if working:
            at = _working_days(at, sign * int(number))
            note = "Monday to Friday are counted; public holidays are not known"
        else:
            at += relativedelta(**{f"{unit}s": sign * int(number)})
    return Days(at, note=note)


def _working_days(start: date, number: int) -> date:
    if abs(number) > 1000:
        raise UnclearDateError("so many working days cannot be counted without holidays")
    at, left, step = start, abs(number), timedelta(days=1 if number > 0 else -1)
    while left:
        at += step
        left -= at.weekday() < 5
    return at


def _week_on(found: re.Match[str], today: date) -> Days:
    """Tuesday week, a week on Tuesday: seven days after the coming one."""
    base = days_of(found["base"], today)
    return Days(base.first + timedelta(weeks=int(found.groupdict().get("weeks") or 1)))


# ---- days of the week ----


def _weekday(found: re.Match[str], today: date) -> Days:
    wanted = WEEKDAYS.index(found["weekday"])
    coming = today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
    of_this_week = _monday(today) + timedelta(days=wanted)
    match (found["which"] or "").removeprefix("the ").removeprefix("this "):
        case "next":
            return _next(of_this_week + timedelta(weeks=1), coming, today)
        case "last" | "past":
            before = coming - timedelta(weeks=1 if wanted != today.weekday() else 2)
            alike = before >= _monday(today)
            return Days(before, other=before - timedelta(weeks=1) if alike else None)
        case "this" if of_this_week >= today:
            return Days(of_this_week)
        case "this":
            return Days(coming, other=of_this_week)
        case _:
            return Days(coming, other=today if wanted == today.weekday() else None)


def _next(chosen: date, coming: date, today: date) -> Days:
    if coming != chosen:
        return Days(chosen, other=coming)
    near = (chosen - today).days <= 2  # on a Sunday, Monday is "tomorrow" and no "next Monday"
    return Days(chosen, other=chosen + timedelta(weeks=1) if near else None)


def _weekday_after_next(found: re.Match[str], today: date) -> Days:
    wanted = WEEKDAYS.index(found["weekday"])
    coming = today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
    in_two_weeks = _monday(today) + timedelta(weeks=2, days=wanted)
    after = coming + timedelta(weeks=1)
    return Days(in_two_weeks, other=after if after != in_two_weeks else None)


def _weekday_of_week(found: re.Match[str], today: date) -> Days:
    wanted = WEEKDAYS.index(found["weekday"])
    weeks = _AWAY[found["which"]] if found["which"] else 2
    return Days(_monday(today) + timedelta(weeks=weeks, days=wanted))


def _weekend(found: re.Match[str], today: date) -> Days:
    which = (found["which"] or "this").split()[-1]
    weeks = 2 if found["after"] else _AWAY[which]
    saturday = _monday(today) + timedelta(weeks=weeks, days=5)
    nearest = _monday(today) + timedelta(days=5)
    other = nearest if which == "next" and not found["after"] and today < nearest else None
    return Days(saturday, saturday + timedelta(days=1), other=other)


# ---- weeks, months, years ----

_AWAY = {"this": 0, "the": 0, "current": 0, "coming": 1, "next": 1, "following": 1, "last": -1}


def _period(found: re.Match[str], today: date) -> Days:
    """Its first day and its last."""
    which, unit = found["which"], found["unit"]
    if found["bare_year"]:
        return _year(int(found["bare_year"]))
    if found["month"]:
        return _named_month(found["month"], found["year"], today)
    if unit == "week":
        monday = _monday(today) + timedelta(weeks=_AWAY[which])
        return Days(monday, monday + timedelta(days=6))
    if unit == "month":
        return _month(today.replace(day=1) + relativedelta(months=_AWAY[which]))
    return _year(today.year + _AWAY[which])


def _after_next(found: re.Match[str], today: date) -> Days:
    match found["unit"]:
        case "week":
            monday = _monday(today) + timedelta(weeks=2)
            return Days(monday, monday + timedelta(days=6))
        case "month":
            return _month(today.replace(day=1) + relativedelta(months=2))
        case _:
            return _year(today.year + 2)


def _year(year: int) -> Days:
    return Days(date(year, 1, 1), date(year, 12, 31))


def _month(first: date) -> Days:
    return Days(first, first + relativedelta(day=31))


def _named_month(name: str, year: str | None, today: date) -> Days:
    """This year's, unless it is over."""
    month = MONTHS.index(name) + 1
    in_year = int(year) if year else today.year + (month < today.month)
    return _month(date(in_year, month, 1))


def _edge(found: re.Match[str], today: date) -> Days:
    period = _period(found, today)
    assert period.last is not None
    match found["edge"]:
        case "end" if found["unit"] == "week" and period.last >= today:
            friday = period.first + timedelta(days=4)
            return Days(friday, other=period.last) if friday >= today else Days(period.last)
        case "end" | "last day":
            return Days(period.last)
        case "early" | "late":
            raise UnclearDateError("it names no day")
        case "middle" | "mid":
            middle = period.first + (period.last - period.first) / 2
            return Days(middle, note="the middle is about there")
        case _:
            return Days(period.first)


def _month_end(found: re.Match[str], today: date) -> Days:
    of_month = "month" in (found["unit"], found["whose"])
    month = today.month if of_month else 12
    return Days(today + relativedelta(month=month, day=31))


def _ranked(found: re.Match[str], today: date) -> Days:
    """The last Friday of the month, the second Monday in March."""
    period = _period(found, today)
    if found["unit"] == "week":
        raise UnclearDateError("a week has each day once")
    wanted = _rank_in(found, period)
    if found["which"] == "the" and wanted < today:
        month = _month(period.first + relativedelta(months=1))
        coming = _rank_in(found, month if found["unit"] == "month" else _year(today.year + 1))
        return Days(coming, other=wanted, note="this one is over")
    if found["month"] and not found["year"] and wanted < today:
        return Days(_rank_in(found, _month(period.first + relativedelta(years=1))))
    return Days(wanted)


def _rank_in(found: re.Match[str], period: Days) -> date:
    day = nth(WEEKDAYS.index(found["weekday"]))
    assert period.last is not None
    rank = found["rank"]
    from_end = {"last": -1, "penultimate": -2}.get(rank)
    start = period.first if from_end is None else period.last
    at: date = start + relativedelta(weekday=day(from_end or int(rank[0])))
    if at > period.last:
        raise UnclearDateError(f"there is no {rank} {found['weekday'].capitalize()} in it")
    return at


# ---- days by their number ----


def _numbered(found: re.Match[str], today: date) -> Days:
    """The 15th: the next one that there is, today's included."""
    day = int(found["day"])
    if not 1 <= day <= 31:
        raise UnclearDateError(f"no month has a day {day}")
    first = today.replace(day=1)
    for months in range(4):
        at: date = first + relativedelta(months=months, day=day)
        if at.day == day and at >= today:
            return Days(at)
    raise UnclearDateError(f"no month has a day {day}")


def _numbered_of(found: re.Match[str], today: date) -> Days:
    """The 15th of next month, the 3rd of March."""
    if found["month"]:
        return _dated(found, today)
    period = _period(found, today)
    if found["unit"] != "month":
        raise UnclearDateError("say the month, too")
    return Days(_exactly(period.first.year, period.first.month, int(found["day"])))


def _dated(found: re.Match[str], today: date) -> Days:
    """March 3, the third of March 2027: without a year the next one, today's included."""
    month, day = MONTHS.index(found["month"]) + 1, int(found["day"])
    if found["year"]:
        return Days(_exactly(int(found["year"]), month, day))
    for year in range(today.year, today.year + 9):  # 2096 to 2104 has no leap day between
        try:
            at = date(year, month, day)
        except ValueError:
            continue
        if at >= today:
            return Days(at)
    raise UnclearDateError(f"{found['month'].capitalize()} has no day {day}")


def _iso(found: re.Match[str], today: date) -> Days:
    return Days(_exactly(int(found["year"]), int(found["month"]), int(found["day"])))


def _slashed(found: re.Match[str], today: date) -> Days:
    """10/15 can be read one way only; 3/12 cannot."""
    one, two = int(found["one"]), int(found["two"])
    year = int(found["year"]) if found["year"] else None
    pairs = [(one, two)] if one == two else [(one, two), (two, one)]
    read = [(month, day) for month, day in pairs if 1 <= month <= 12 and 1 <= day <= 31]
    if len(read) != 1:
        raise UnclearDateError(f"{found[0]} may be two days, or none: name the month")
    month, day = read[0]
    if year is not None:
        return Days(_exactly(year, month, day))
    at = _exactly(today.year, month, day)
    return Days(at if at >= today else _exactly(today.year + 1, month, day))


def _exactly(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UnclearDateError(f"there is no {year}-{month:02}-{day:02}") from None


def _checked(found: re.Match[str], today: date) -> Days:
    """Tuesday, December 1st: the date counts, and the weekday is held against it."""
    days = days_of(found["rest"], today)
    said = found["weekday"]
    falls_on = WEEKDAYS[days.first.weekday()]
    if days.last is None and falls_on != said:
        note = f"that is a {falls_on.capitalize()}, not a {said.capitalize()}: ask which is right"
        return Days(days.first, note=note)
    return days


def _monday(today: date) -> date:
    at: date = today + relativedelta(weekday=MO(-1))
    return at


_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"(?:later |earlier )?(?P<day>today|tomorrow|yesterday)", _simple),
        (rf"(?:in |within )?{_AMOUNTS}(?: time| from now| hence| later)?", _ahead),
        (rf"{_AMOUNTS} ago", _ago),
        (rf"{_AMOUNTS} (?P<way>from|after|before) (?P<base>.+)", _beside),
        (r"(?:the )?(?:1 )?day (?P<way>after|before) (?P<base>.+)", _beside),
        (r"(?P<weeks>\d+) weeks? (?:on )?(?P<base>.+)", _week_on),
        (rf"(?P<base>tomorrow|{'|'.join(WEEKDAYS)}) week", _week_on),
        (rf"(?P<which>(?:the )?(?:this |the )?(?:coming|next|last|past|this|following))? ?{_DAY}",
         _weekday),
        (rf"(?:the )?{_DAY} after next", _weekday_after_next),
        (rf"(?:the )?{_DAY} (?:of |in )?(?:the )?(?:(?P<which>this|next|last|following|coming) "
         r"week|week after next)", _weekday_of_week),
        (rf"(?P<which>this|next|last|following|coming) week (?:on )?{_DAY}", _weekday_of_week),
        (r"(?:the |at )?(?P<which>this coming|this|next|last|coming|following|the)? ?weekend"
         r"(?P<after> after next)?", _weekend),
        (rf"(?:in |during |sometime )?{_PERIOD}", _period),
        (r"(?:the )?(?P<unit>week|month|year) after next", _after_next),
        (r"(?:at |by |in )?(?:the )?(?P<edge>end|last day|start|beginning|1th day|middle|early|mid"
         rf"|late) (?:(?:of|in) )?{_PERIOD}", _edge),
        (r"(?P<unit>month|year)[ -]end|end of (?P<whose>month|year)", _month_end),
        (rf"(?:the )?{_RANK} {_DAY} (?:of|in) {_PERIOD}", _ranked),
        (r"(?:the )?(?P<day>\d{1,2})th", _numbered),
        (rf"(?:the )?(?P<day>\d{{1,2}})th (?:of|in) {_PERIOD}", _numbered_of),
        (rf"{_MONTH} (?:the )?(?P<day>\d{{1,2}})(?:th)?(?:,? (?P<year>\d{{4}}))?", _dated),
        (rf"(?:the )?(?P<day>\d{{1,2}})(?:th)? (?:of )?{_MONTH}{_YEAR}", _dated),
        (r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", _iso),
        (r"(?P<one>\d{1,2})[/.](?P<two>\d{1,2})(?:[/.](?P<year>\d{4}))?", _slashed),
        (rf"{_DAY} (?P<rest>(?:the )?(?:\d|{'|'.join(MONTHS)}).+)", _checked),
    )
)  # fmt: skip
