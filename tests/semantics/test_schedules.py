"""Cron expressions as EventBridge reads them; expected times by hand, from the examples of AWS's page."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice

import pytest

from baseops.semantics.schedules import gaps, intervals_after, parse_cron


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


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 3 * * *", "a cron expression has six fields (minutes hours day month weekday year), '0 3 * * *' has 5"),
        ("0 3 * * * *", "one of the day-of-month and day-of-week fields, and only one, has to be ? in '0 3 * * * *'"),
        ("0 3 ? * ? *", "one of the day-of-month and day-of-week fields, and only one, has to be ? in '0 3 ? * ? *'"),
        ("60 3 * * ? *", "the minutes field of a cron expression is between 0 and 59, got '60'"),
        ("0 3 32 * ? *", "the day-of-month field of a cron expression is between 1 and 31, got '32'"),
        ("0 3 ? * FUN *", "the day-of-week field of a cron expression cannot be 'FUN'"),
        ("0/0 3 * * ? *", "the minutes field of a cron expression is between 0 and 59, got '0/0'"),
    ],
)
def test_a_wrong_cron_says_which_field(cron, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is compared whole
        parse_cron(cron)
    assert str(caught.value) == message


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
