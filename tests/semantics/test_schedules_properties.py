"""Cron expressions held against a checker that looks at every minute, written apart from the code under test."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.schedules import ScheduleError, dlm_interval, parse, parse_cron

DAY = timedelta(days=1)
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def spans(low, high):
    """A field and the numbers that it means, both made from the same draw."""
    number = st.integers(low, high)
    single = number.map(lambda n: (str(n), {n}))
    every = st.just(("*", set(range(low, high + 1))))
    ranged = st.tuples(number, number).map(sorted).map(lambda ab: (f"{ab[0]}-{ab[1]}", set(range(ab[0], ab[1] + 1))))
    stepped = st.tuples(number, st.integers(1, high)).map(
        lambda pair: (f"{pair[0]}/{pair[1]}", set(range(pair[0], high + 1, pair[1])))
    )
    listed = st.lists(single | ranged, min_size=1, max_size=3).map(
        lambda parts: (",".join(text for text, _ in parts), set().union(*(numbers for _, numbers in parts)))
    )
    return every | listed | stepped


def last_day(day):
    return calendar.monthrange(day.year, day.month)[1]


def weekday_name(day):
    return WEEKDAYS[(day.weekday() + 1) % 7]


def nearest_working_day(number):
    """The date that is nearest among the working days of the month."""

    def fits(day):
        if number > last_day(day):
            return False
        working = [each for each in range(1, last_day(day) + 1) if day.replace(day=each).weekday() < 5]
        return day.day == min(working, key=lambda each: (abs(each - number), each))

    return fits


DAY_RULES = st.one_of(
    spans(1, 31).map(lambda field: (f"{field[0]} {{}} ?", lambda day, numbers=field[1]: day.day in numbers)),
    st.just(("L {} ?", lambda day: day.day == last_day(day))),
    st.integers(1, 31).map(lambda n: (f"{n}W {{}} ?", nearest_working_day(n))),
    st.sampled_from(WEEKDAYS).map(lambda name: (f"? {{}} {name}", lambda day: weekday_name(day) == name)),
    st.sampled_from(WEEKDAYS).map(
        lambda name: (f"? {{}} {name}L", lambda day: weekday_name(day) == name and day.day + 7 > last_day(day))
    ),
    st.tuples(st.sampled_from(WEEKDAYS), st.integers(1, 5)).map(
        lambda each: (
            f"? {{}} {each[0]}#{each[1]}",
            lambda day: weekday_name(day) == each[0] and 7 * (each[1] - 1) < day.day <= 7 * each[1],
        )
    ),
)
START = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(spans(0, 59), spans(0, 23), DAY_RULES, spans(1, 12), START, st.integers(0, 1439))
def test_a_cron_fires_at_every_minute_that_its_fields_name_and_at_no_other(minutes, hours, rule, months, start, offset):
    text, is_day = rule
    cron = parse_cron(f"{minutes[0]} {hours[0]} {text.format(months[0])} *")
    begin = datetime.combine(start, time(), UTC) + timedelta(minutes=offset)
    end = begin + 40 * DAY
    days = [start + number * DAY for number in range(42)]
    expected = [
        datetime.combine(day, time(hour, minute), UTC)
        for day in days
        if day.month in months[1] and is_day(day)
        for hour in sorted(hours[1])
        for minute in sorted(minutes[1])
    ]
    expected = [moment for moment in expected if begin <= moment < end]
    assert list(cron.occurrences(begin, end)) == expected
    following = cron.next_after(begin - timedelta(seconds=1))
    assert following == expected[0] if expected else following is None or following >= end


@given(st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]), st.times(), START)
def test_an_interval_fires_at_the_same_times_every_day(hours, start, moment):
    interval = dlm_interval(hours, start.strftime("%H:%M"))
    moment = datetime.combine(moment, time(7, 15), UTC)
    fired = list(interval.occurrences(moment, moment + 3 * DAY))
    assert len(fired) == 3 * 24 // hours
    assert all((each.hour - start.hour) % hours == 0 and each.minute == start.minute for each in fired)


@given(st.text(max_size=30) | st.text("0123456789 *?/-,#LWMON()cronate", max_size=30).map(lambda text: f"cron({text})"))
def test_arbitrary_text_is_a_schedule_or_a_schedule_error(text):
    try:
        schedule = parse(text)
    except ScheduleError as error:
        position = error.position
    else:
        position = 0
        schedule.next_after(datetime(2026, 11, 23, tzinfo=UTC))
    assert 0 <= position <= len(text)
