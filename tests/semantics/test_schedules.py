"""Cron expressions as EventBridge reads them; expected times by hand, from the examples of AWS's page."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice

import pytest

from baseops.semantics.schedules import (
    ScheduleError,
    dlm_interval,
    gaps,
    intervals_after,
    parse,
    parse_cron,
    parse_rate,
    shortest_gap,
)

SIX = "a cron expression has six fields (minutes hours day-of-month month day-of-week year)"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def firings(cron: str, after: str, count: int = 3) -> list[str]:
    return [each.strftime("%Y-%m-%dT%H:%M") for each in islice(parse_cron(cron).after(at(after)), count)]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 12 * * ? *", "2026-11-23T12:00", ["2026-11-24T12:00", "2026-11-25T12:00", "2026-11-26T12:00"]),
        ("0 18 ? * MON-FRI *", "2026-11-27T18:00", ["2026-11-30T18:00", "2026-12-01T18:00", "2026-12-02T18:00"]),
        ("0 8 1 * ? *", "2026-11-23T00:00", ["2026-12-01T08:00", "2027-01-01T08:00", "2027-02-01T08:00"]),
        ("0/15 9 ? * 2 *", "2026-11-23T09:20", ["2026-11-23T09:30", "2026-11-23T09:45", "2026-11-30T09:00"]),
        ("0 9 ? * 2#1 *", "2026-11-23T00:00", ["2026-12-07T09:00", "2027-01-04T09:00", "2027-02-01T09:00"]),
        ("0 10 ? * 6L *", "2026-11-01T00:00", ["2026-11-27T10:00", "2026-12-25T10:00", "2027-01-29T10:00"]),
        ("0 3 L * ? *", "2028-01-31T04:00", ["2028-02-29T03:00", "2028-03-31T03:00", "2028-04-30T03:00"]),
        # 1 August 2026 is a Saturday, 15 August too, 31 October too.
        ("0 3 1W 8 ? *", "2026-07-01T00:00", ["2026-08-03T03:00", "2027-08-02T03:00", "2028-08-01T03:00"]),
        ("0 3 15W 8 ? 2026", "2026-07-01T00:00", ["2026-08-14T03:00"]),
        ("0 3 LW 10 ? 2026", "2026-07-01T00:00", ["2026-10-30T03:00"]),
        (
            "cron(30 22 ? DEC,JAN SUN *)",
            "2026-12-21T00:00",
            ["2026-12-27T22:30", "2027-01-03T22:30", "2027-01-10T22:30"],
        ),
        ("0 22-1 31 12 ? 2026", "2026-01-01T00:00", ["2026-12-31T00:00", "2026-12-31T01:00", "2026-12-31T22:00"]),
    ],
)
def test_cron_fires_as_documented(cron, after, expected):
    assert firings(cron, after) == expected


DAYS = "one of the day-of-month and day-of-week fields, and only one, has to be ?"


@pytest.mark.parametrize(
    ("cron", "position", "why", "remedy"),
    [
        ("0 3 * * *", 0, f"{SIX}, not 5", "Write 0 3 * * ? *"),
        ("cron(0 3 * * 0)", 5, f"{SIX}, not 5", "Write 0 3 ? * SUN *"),
        ("0 3 * * 1-5", 0, f"{SIX}, not 5", "Write 0 3 ? * MON-FRI *"),
        ("0 3", 0, f"{SIX}, not 2", "Write them as in 0 3 ? * SUN *"),
        ("cron(0 3 * * ? *", 16, "the parenthesis is never closed", "Add )"),
        ("0 3 * * * *", 4, DAYS, "Write ? for the day of the month"),
        ("0 3 * * SUN *", 4, DAYS, "Write ? for the day of the month"),
        ("0 3 1 * SUN *", 8, DAYS, "Write ? for the day of the week, or make two schedules"),
        ("0 3 ? * ? *", 4, DAYS, "Write * for the day of the month"),
        ("60 3 * * ? *", 0, "the minutes field is between 0 and 59", "Write it as in 0, 0/15 or 5,35"),
        ("0,15,60 3 * * ? *", 5, "the minutes field is between 0 and 59", "Write it as in 0, 0/15 or 5,35"),
        ("0 3 32 * ? *", 4, "the day-of-month field is between 1 and 31", "Write it as in 1, 1-7, L, 15W or ?"),
        ("0 3 32W * ? *", 4, "the day-of-month field is between 1 and 31", "Write it as in 1, 1-7, L, 15W or ?"),
        ("0 3 ? * FUN *", 8, "the day-of-week field cannot be 'FUN'", "Write it as in SUN, MON-FRI, 6L, 2#1 or ?"),
        ("0 3 ? * 2/2 *", 8, "the day-of-week field knows no /", "Name the days, as in MON,WED,FRI"),
        ("0 3 ? * 2#1,6#3 *", 8, "# allows a single day of the week", "Make a schedule for each"),
        ("0/0 3 * * ? *", 0, "a step is at least 1", "Write it as in 0, 0/15 or 5,35"),
        ("/15 3 * * ? *", 0, "the minutes field cannot be '/15'", "Write it as in 0, 0/15 or 5,35"),
        ("0 3 * * ? 1969", 10, "the year field is between 1970 and 2199", "Write it as in * or 2027"),
    ],
)
def test_a_wrong_cron_says_where_why_and_what_to_write(cron, position, why, remedy):
    with pytest.raises(ScheduleError) as caught:
        parse_cron(cron)
    assert (caught.value.position, caught.value.why, caught.value.remedy) == (position, why, remedy)
    assert isinstance(caught.value, ValueError)


def test_the_error_reads_as_sentences():
    with pytest.raises(ScheduleError) as caught:
        parse("rate(1 days)")
    assert str(caught.value) == "schedule 'rate(1 days)' at character 8 ('days)'): 1 takes day. Write rate(1 day)"


@pytest.mark.parametrize(
    ("rate", "every"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(12 hours)", timedelta(hours=12)),
        ("rate(1 day)", timedelta(days=1)),
    ],
)
def test_rates(rate, every):
    assert shortest_gap(parse(rate)) == every


@pytest.mark.parametrize(
    "rate", ["rate(1 days)", "rate(5 minute)", "rate(0 days)", "rate(1.5 hours)", "rate(1 week)", "1 day", "rate(day)"]
)
def test_wrong_rates_are_refused(rate):
    with pytest.raises(ScheduleError):
        parse(rate)


def test_a_rate_counts_from_the_making_of_its_rule():
    rate = parse_rate("rate(8 hours)").counted_from(at("2026-11-23T05:30"))
    assert [str(each)[:16] for each in rate.occurrences(at("2026-11-23T00:00"), at("2026-11-24T06:00"))] == [
        "2026-11-23 13:30",
        "2026-11-23 21:30",
        "2026-11-24 05:30",
    ]


def test_occurrences_begin_with_the_start_and_leave_out_the_end():
    daily = parse("cron(0 3 * * ? *)")
    assert list(daily.occurrences(at("2026-11-23T03:00"), at("2026-11-25T03:00"))) == [
        at("2026-11-23T03:00"),
        at("2026-11-24T03:00"),
    ]


def test_a_cron_whose_years_are_over_fires_no_more():
    assert parse_cron("0 3 1 1 ? 2020").next_after(at("2026-11-23T03:00")) is None
    assert parse_cron("0 3 31 2 ? *").next_after(at("2026-11-23T03:00")) is None


def test_a_moment_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        parse_cron("0 3 * * ? *").next_after(datetime(2026, 11, 23))  # noqa: DTZ001  # that is the point


def test_summer_time_moves_the_moment_and_not_the_clock():
    # Berlin: UTC+2 until 25 October 2026, then UTC+1.
    nightly = parse("cron(30 4 * * ? *)", "Europe/Berlin")
    assert list(nightly.occurrences(at("2026-10-24T00:00"), at("2026-10-27T00:00"))) == [
        at("2026-10-24T02:30"),
        at("2026-10-25T03:30"),
        at("2026-10-26T03:30"),
    ]


def test_a_time_that_summer_time_skips_does_not_fire_and_one_that_comes_twice_fires_once():
    # On 29 March 2026 there is no 02:30 in Berlin; on 25 October it comes twice, first at 00:30 UTC.
    nightly = parse("cron(30 2 * * ? *)", "Europe/Berlin")
    assert list(nightly.occurrences(at("2026-03-28T00:00"), at("2026-03-31T00:00"))) == [
        at("2026-03-28T01:30"),
        at("2026-03-30T00:30"),
    ]
    assert list(nightly.occurrences(at("2026-10-25T00:00"), at("2026-10-26T00:00"))) == [at("2026-10-25T00:30")]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(ScheduleError, match="it is not in the IANA time zone database"):
        parse("cron(30 2 * * ? *)", zone)


def test_dlm_intervals():
    every = dlm_interval(12, "22:15")
    assert list(every.occurrences(at("2026-11-23T10:15"), at("2026-11-24T10:15"))) == [
        at("2026-11-23T10:15"),
        at("2026-11-23T22:15"),
    ]
    assert every.next_after(at("2026-11-23T10:15")) == at("2026-11-23T22:15")
    assert shortest_gap(every) == timedelta(hours=12)


@pytest.mark.parametrize(("hours", "time_of_day"), [(5, "03:00"), (24, "3:00"), (24, "24:00"), (0, "03:00")])
def test_intervals_that_dlm_does_not_allow_are_refused(hours, time_of_day):
    with pytest.raises(ScheduleError):
        dlm_interval(hours, time_of_day)


def test_the_shortest_gap_of_a_cron_that_fires_once_is_none():
    assert shortest_gap(parse_cron("0 3 1 1 ? 2027")) is None


@pytest.mark.parametrize(
    ("cron", "shortest", "longest"),
    [
        ("0 3 * * ? *", timedelta(days=1), timedelta(days=1)),
        ("0 3 ? * SUN *", timedelta(days=7), timedelta(days=7)),
        ("0 3 ? * MON-FRI *", timedelta(days=1), timedelta(days=3)),
        ("0 3,15 * * ? *", timedelta(hours=12), timedelta(hours=12)),
        ("0 8 1 * ? *", timedelta(days=28), timedelta(days=31)),
        ("0/30 3 * * ? *", timedelta(minutes=30), timedelta(hours=23, minutes=30)),
        ("0 0 29 2 ? *", timedelta(days=1461), timedelta(days=1461)),
    ],
)
def test_gaps_between_firings(cron, shortest, longest):
    assert gaps(parse_cron(cron)) == (shortest, longest)


def test_a_cron_that_fires_once_has_no_gap():
    with pytest.raises(ValueError, match="fires at most once"):
        gaps(parse_cron("0 3 1 1 ? 2027"))


def test_an_interval_starts_anew_at_its_time():
    fires = islice(intervals_after(time(3), timedelta(hours=8), at("2026-11-23T03:00")), 4)
    assert [each.strftime("%dT%H") for each in fires] == ["23T11", "23T19", "24T03", "24T11"]


def test_an_interval_fires_before_its_time_of_day_too():
    fires = islice(intervals_after(time(22), timedelta(hours=12), at("2026-11-23T09:59")), 2)
    assert [each.strftime("%dT%H") for each in fires] == ["23T10", "23T22"]
