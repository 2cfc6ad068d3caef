"""Phrases and the dates that they mean, at moments where it matters."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.services.tools.dates import ResolvedDate, UnclearDateError, resolve

FRIDAY = "2026-11-27T10:00"
BERLIN = "Europe/Berlin"


def at(moment: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))


def found(phrase: str, now: str = FRIDAY, zone: str = BERLIN) -> ResolvedDate:
    return resolve(phrase, at(now, zone))


def day(phrase: str, now: str = FRIDAY) -> str:
    return found(phrase, now).first.isoformat()


def time(phrase: str, now: str = FRIDAY, zone: str = BERLIN) -> str:
    moment = found(phrase, now, zone)
    assert moment.at is not None
    return moment.at.isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("today", "2026-11-27"),
        ("Tomorrow.", "2026-11-28"),
        ("the day after tomorrow", "2026-11-29"),
        ("day before yesterday", "2026-11-25"),
        ("next Tuesday", "2026-12-01"),
        ("Tues", "2026-12-01"),
        ("this coming Thursday", "2026-12-03"),
        ("Wednesday next week", "2026-12-02"),
        ("next week on Wednesday", "2026-12-02"),
        ("the Tuesday after next", "2026-12-08"),
        ("a week from Tuesday", "2026-12-08"),
        ("Tuesday week", "2026-12-08"),
        ("a week tomorrow", "2026-12-05"),
        ("in two weeks", "2026-12-11"),
        ("in a fortnight", "2026-12-11"),
        ("in a couple of days", "2026-11-29"),
        ("in ten days' time", "2026-12-07"),
        ("three days ago", "2026-11-24"),
        ("a year from now", "2027-11-27"),
        ("the last Friday of the month", "2026-11-27"),
        ("second Monday of next month", "2026-12-14"),
        ("the second to last Friday in March", "2027-03-19"),
        ("the 31st", "2026-12-31"),
        ("the twenty-first", "2026-12-21"),
        ("the 15th of next month", "2026-12-15"),
        ("March 3rd", "2027-03-03"),
        ("the first of March 2028", "2028-03-01"),
        ("Tuesday, December 1st", "2026-12-01"),
        ("10/15", "2027-10-15"),
        ("2026-12-24", "2026-12-24"),
        ("end of the month", "2026-11-30"),
        ("the end of next month", "2026-12-31"),
        ("year-end", "2026-12-31"),
        ("the last day of February", "2027-02-28"),
        ("two days before the end of the month", "2026-11-28"),
        ("in three working days", "2026-12-02"),
    ],
)
def test_a_phrase_means_a_day(phrase: str, wanted: str) -> None:
    assert day(phrase) == wanted


@pytest.mark.parametrize(
    ("now", "wanted", "other"),
    [
        ("2026-11-27T10:00", "2026-12-01", None),  # on a Friday
        (
            "2026-11-29T10:00",
            "2026-12-01",
            "2026-12-08",
        ),  # on a Sunday it is near
        ("2026-11-30T10:00", "2026-12-08", "2026-12-01"),  # on a Monday
        ("2026-12-01T00:05", "2026-12-08", None),  # on a Tuesday
        ("2026-12-02T10:00", "2026-12-08", None),  # on a Wednesday
    ],
)
def test_next_tuesday_is_that_of_next_week(now: str, wanted: str, other: str | None) -> None:
    moment = found("next Tuesday", now)
    assert moment.first.isoformat() == wanted
    assert (moment.other and moment.other.isoformat()) == other


@pytest.mark.parametrize(
    ("phrase", "wanted", "other"),
    [
        ("Friday", "2026-12-04", "2026-11-27"),  # it is a Friday
        ("this Friday", "2026-11-27", None),
        ("last Friday", "2026-11-20", None),
        ("last Tuesday", "2026-11-24", "2026-11-17"),
        ("this Tuesday", "2026-12-01", "2026-11-24"),
        ("end of the week", "2026-11-27", "2026-11-29"),
    ],
)
def test_the_other_reading_is_named(phrase: str, wanted: str, other: str | None) -> None:
    moment = found(phrase)
    assert moment.first.isoformat() == wanted
    assert (moment.other and moment.other.isoformat()) == other


@pytest.mark.parametrize(
    ("phrase", "now", "first", "last"),
    [
        ("this weekend", FRIDAY, "2026-11-28", "2026-11-29"),
        ("this weekend", "2026-11-29T23:00", "2026-11-28", "2026-11-29"),
        ("next weekend", FRIDAY, "2026-12-05", "2026-12-06"),
        ("next week", "2026-11-29T23:59", "2026-11-30", "2026-12-06"),
        ("next week", "2026-11-30T00:00", "2026-12-07", "2026-12-13"),
        ("next month", "2026-12-31T23:59", "2027-01-01", "2027-01-31"),
        ("in December", FRIDAY, "2026-12-01", "2026-12-31"),
        ("in November", FRIDAY, "2026-11-01", "2026-11-30"),
        ("next year", FRIDAY, "2027-01-01", "2027-12-31"),
    ],
)
def test_some_phrases_mean_several_days(phrase: str, now: str, first: str, last: str) -> None:
    moment = found(phrase, now)
    assert moment.last is not None
    assert (moment.first.isoformat(), moment.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("phrase", "now", "wanted"),
    [
        ("tomorrow", "2026-12-31T23:59", "2027-01-01"),
        ("tomorrow", "2027-01-01T00:00", "2027-01-02"),
        ("tomorrow", "2028-02-28T12:00", "2028-02-29"),
        ("tomorrow", "2027-02-28T12:00", "2027-03-01"),
        ("in a month", "2027-01-31T12:00", "2027-02-28"),
        ("in a month", "2028-01-31T12:00", "2028-02-29"),
        ("in a year", "2028-02-29T12:00", "2029-02-28"),
        ("February 29", "2026-11-27T12:00", "2028-02-29"),
        ("February 29", "2097-01-01T12:00", "2104-02-29"),
        ("the 31st", "2027-02-10T12:00", "2027-03-31"),
        ("the 30th", "2027-02-10T12:00", "2027-03-30"),
        ("the first", "2026-12-01T12:00", "2026-12-01"),
        ("the first", "2026-12-31T12:00", "2027-01-01"),
        ("end of the month", "2028-02-29T23:59", "2028-02-29"),
        ("the last Friday of the month", "2026-11-28T00:00", "2026-12-25"),
        ("the last Friday of the month", "2026-12-27T00:00", "2027-01-29"),
        ("end of the year", "2026-12-31T23:59", "2026-12-31"),
        ("next Tuesday", "2026-12-29T09:00", "2027-01-05"),
    ],
)
def test_months_and_years_end(phrase: str, now: str, wanted: str) -> None:
    assert day(phrase, now) == wanted


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("noon tomorrow", "2026-11-28T12:00+01:00"),
        ("tomorrow at noon", "2026-11-28T12:00+01:00"),
        ("tomorrow morning at 9", "2026-11-28T09:00+01:00"),
        ("tomorrow at 5.30pm", "2026-11-28T17:30+01:00"),
        ("Monday at 9:30 a.m.", "2026-11-30T09:30+01:00"),
        ("half past four in the afternoon on Monday", "2026-11-30T16:30+01:00"),
        ("five past ten tonight", "2026-11-27T22:05+01:00"),
        ("tonight at 12", "2026-11-28T00:00+01:00"),
        ("midnight", "2026-11-28T00:00+01:00"),
        ("tonight at one", "2026-11-28T01:00+01:00"),
        ("in 90 minutes", "2026-11-27T11:30+01:00"),
        ("in an hour and a half", "2026-11-27T11:30+01:00"),
        ("in half an hour", "2026-11-27T10:30+01:00"),
        ("two hours ago", "2026-11-27T08:00+01:00"),
        ("at 9:30", "2026-11-27T21:30+01:00"),  # in the morning it is over
        ("at 09:30", "2026-11-28T09:30+01:00"),
        ("quarter to six", "2026-11-27T17:45+01:00"),
        ("now", "2026-11-27T10:00+01:00"),
    ],
)
def test_a_phrase_means_a_time(phrase: str, wanted: str) -> None:
    assert time(phrase) == wanted


def test_an_hour_of_twelve_has_another_reading() -> None:
    at_five, at_nine = found("tomorrow at 5"), found("tomorrow at 9")
    assert (at_five.at, at_five.other) == (at("2026-11-28T17:00"), at("2026-11-28T05:00"))
    assert (at_nine.at, at_nine.other) == (at("2026-11-28T09:00"), at("2026-11-28T21:00"))


def test_midnight_tomorrow_has_two_ends() -> None:
    moment = found("midnight tomorrow")
    assert (moment.at, moment.other) == (at("2026-11-29T00:00"), at("2026-11-28T00:00"))


def test_a_part_of_the_day_is_no_time() -> None:
    moment = found("Friday afternoon")
    assert (moment.at, moment.part) == (None, "afternoon")
    assert (found("tonight").first.isoformat(), found("tonight").part) == ("2026-11-27", "night")
    assert found("in the morning", "2026-11-27T14:00").first.isoformat() == "2026-11-28"
    assert found("last night").first.isoformat() == "2026-11-26"


# ---- changes of the clock, in Berlin on 28 March and 31 October 2027 ----


def test_minutes_pass_through_a_change_of_the_clock() -> None:
    assert time("in 90 minutes", "2027-03-28T01:00") == "2027-03-28T03:30+02:00"
    assert time("in 90 minutes", "2027-10-31T02:00") == "2027-10-31T02:30+01:00"
    assert time("in 24 hours", "2027-03-27T12:00") == "2027-03-28T13:00+02:00"


def test_days_do_not_feel_a_change_of_the_clock() -> None:
    assert time("tomorrow at noon", "2027-03-27T12:00") == "2027-03-28T12:00+02:00"
    assert time("in 1 day and 2 hours", "2027-10-30T12:00") == "2027-10-31T14:00+01:00"
    assert day("tomorrow", "2027-03-27T23:30") == "2027-03-28"
    assert day("in two days", "2027-10-30T23:30") == "2027-11-01"


def test_a_time_that_is_skipped_is_told_of() -> None:
    moment = found("tomorrow at 2:30 am", "2027-03-27T12:00")
    assert moment.at is not None
    assert moment.at.isoformat() == "2027-03-28T03:30:00+02:00"
    assert moment.notes == ("the clocks go forward: 02:30 does not exist that day",)


def test_a_time_that_comes_twice_is_told_of() -> None:
    moment = found("tomorrow at 2:30 am", "2027-10-30T12:00")
    assert moment.at is not None
    assert moment.at.isoformat() == "2027-10-31T02:30:00+02:00"
    assert isinstance(moment.other, datetime)
    assert moment.other.isoformat() == "2027-10-31T02:30:00+01:00"


def test_a_zone_may_skip_midnight_or_a_whole_day() -> None:
    assert time("midnight", "2018-11-03T12:00", "America/Sao_Paulo") == "2018-11-04T01:00-02:00"
    assert time("in 60 minutes", "2011-12-29T23:30", "Pacific/Apia") == "2011-12-31T00:30+14:00"


# ---- what is not resolved ----


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "soon",
        "whenever you like",
        "after lunch",
        "Christmas",
        "3/12",
        "31/31",
        "early March",
        "February 30",
        "the 32nd",
        "the fifth Friday of next month",
        "at 25:00",
        "13 pm tomorrow",
        "next week at noon",
        "half to six",
        "in 9999 years",
        "in 99999999999 days",
        "tomorrow and Friday",
        "not tomorrow",
        "x" * 1000,
        "\0",
    ],
)
def test_what_is_not_known_for_sure_is_refused(phrase: str) -> None:
    with pytest.raises(UnclearDateError):
        found(phrase)


def test_a_weekday_that_does_not_fit_its_date_is_told_of() -> None:
    moment = found("Monday, December 1st")
    assert moment.first.isoformat() == "2026-12-01"
    assert "a Tuesday, not a Monday" in moment.notes[0]


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("two thirty pm", "2026-11-27T14:30+01:00"),
        ("tomorrow at eight thirty", "2026-11-28T08:30+01:00"),
        ("two thirty in the afternoon", "2026-11-27T14:30+01:00"),
        ("five in the afternoon", "2026-11-27T17:00+01:00"),
        ("tomorrow seven in the morning", "2026-11-28T07:00+01:00"),
        ("Monday two forty five", "2026-11-30T14:45+01:00"),
        ("nine fifteen on Monday", "2026-11-30T09:15+01:00"),
        ("twenty thirty", "2026-11-27T20:30+01:00"),
        ("weds at noon", "2026-12-02T12:00+01:00"),
        ("the 5th at two thirty pm", "2026-12-05T14:30+01:00"),
        ("January 5 10 am", "2027-01-05T10:00+01:00"),
    ],
)
def test_times_in_spoken_figures(phrase: str, wanted: str) -> None:
    assert time(phrase) == wanted


@pytest.mark.parametrize("phrase", ["March 5 in the morning", "the 5th of March in the morning"])
def test_a_day_of_a_month_is_no_hour(phrase: str) -> None:
    assert (found(phrase).first.isoformat(), found(phrase).at) == ("2027-03-05", None)


@pytest.mark.parametrize("phrase", ["two thirty days", "in 2 30", "March 3 20"])
def test_two_figures_are_no_time_where_something_else_is_counted(phrase: str) -> None:
    with pytest.raises(UnclearDateError):
        found(phrase)
