"""What metric filters publish, and what statistics CloudWatch makes of it; expected values by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics import filters
from baseops.semantics.metrics import (
    UNITS,
    Datum,
    Transformation,
    aggregated,
    emitted,
    makes_too_many_pairs,
    points,
    problems,
    series,
    statistic,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COUNT = Transformation("Errors", "Acme")
JSON = filters.compile('{ $.latency = * && $.path = "/api/*" }')


def at(minutes, seconds=0):
    return NOON + timedelta(minutes=minutes, seconds=seconds)


def published(transformation, pattern, *events):
    data = emitted(transformation, filters.compile(pattern), events)
    return [((datum.when - NOON) / timedelta(minutes=1), datum.value) for datum in data]


def test_each_matching_event_counts_one_in_its_minute():
    found = published(COUNT, "ERROR", (at(0, 1), "an ERROR"), (at(0, 59), "ERROR"), (at(1), "fine"), (at(2), "ERROR"))
    assert found == [(0, 1.0), (0, 1.0), (2, 1.0)]


def test_the_default_stands_for_minutes_with_events_and_no_match_only():
    zero = Transformation("Errors", "Acme", default=0)
    events = [(at(0), "ERROR"), (at(0, 5), "fine"), (at(1), "fine"), (at(1, 5), "fine"), (at(4), "fine")]
    assert published(zero, "ERROR", *events) == [(0, 1.0), (1, 0), (4, 0)]


def test_a_value_is_taken_from_a_json_field():
    latency = Transformation("Latency", "Acme", value="$.latency", default=0)
    events = [
        (at(0), '{"latency": 50, "path": "/api/a"}'),
        (at(1), '{"latency": 12.5, "path": "/other"}'),
        (at(2), '{"latency": "slow", "path": "/api/a"}'),
    ]
    assert published(latency, '{ $.latency = * && $.path = "/api/*" }', *events) == [(0, 50.0), (1, 0)]


def test_a_value_is_taken_from_a_field_between_spaces():
    size = Transformation("Bytes", "Acme", value="$bytes")
    assert published(size, "[ip, status = 4*, bytes]", (at(0), "::1 404 1534"), (at(0), "::1 200 9")) == [(0, 1534.0)]
    assert published(Transformation("Bytes", "Acme", value="$3"), "[ip, status, ]", (at(0), "::1 404 7")) == [(0, 7.0)]


def test_dimensions_are_part_of_the_metric():
    by_path = Transformation("Latency", "Acme", "$.latency", unit="Milliseconds", dimensions=(("Path", "$.path"),))
    data = emitted(
        by_path,
        JSON,
        [(at(0), '{"latency": 1, "path": "/api/a"}'), (at(0), '{"latency": 2, "path": "/api/b"}'), (at(0), "{}")],
    )
    assert series(data) == {
        (("Path", "/api/a"),): [Datum(NOON, 1.0, "Milliseconds", (("Path", "/api/a"),))],
        (("Path", "/api/b"),): [Datum(NOON, 2.0, "Milliseconds", (("Path", "/api/b"),))],
    }


def test_an_event_without_the_dimension_gives_no_value():
    optional = filters.compile("{ $.latency = * || $.path = * }")
    by_path = Transformation("Latency", "Acme", "$.latency", dimensions=(("Path", "$.path"),))
    assert emitted(by_path, optional, [(at(0), '{"latency": 1}'), (at(0), '{"path": "/a"}')]) == []


@pytest.mark.parametrize(
    ("transformation", "pattern", "expected"),
    [
        (COUNT, "ERROR", ()),
        (Transformation("E", "N", "2.5e1"), "ERROR", ()),
        (
            Transformation("E", "N", "$.latency", dimensions=(("Path", "$.path"),)),
            "{ $.latency = * && $.path = * }",
            (),
        ),
        (
            Transformation("E", "N", "$.size"),
            "{ $.latency = * }",
            ("the metric value $.size is neither a number nor a field of the pattern ($.latency); write 1 to count",),
        ),
        (
            Transformation("E", "N", dimensions=(("A", "$.a"),), default=0),
            "{ $.a = * }",
            ("a metric with dimensions has no default value; leave one of them out",),
        ),
        (
            Transformation("E", "N", dimensions=(("A", "$.a"),)),
            "ERROR",
            ("dimensions need a JSON or space-delimited pattern; write one, or leave the dimensions out",),
        ),
        (
            Transformation("E", "N", dimensions=(("A", "$.a"),)),
            "{ $.b = * }",
            ("dimension A takes $.a, which the pattern does not name; add `$.a = *` to the pattern",),
        ),
        (
            Transformation("E", "N", dimensions=tuple((name, "$a") for name in "wxyz")),
            "[a, b]",
            ("a metric filter has at most 3 dimensions, not 4; leave some out",),
        ),
        (
            Transformation("E", "N", unit="ms"),
            "ERROR",
            ("ms is no unit of CloudWatch; write Count, Bytes, Milliseconds or None",),
        ),
        (
            Transformation("E:1", "N"),
            "ERROR",
            ("a metric's name has 1 to 255 characters without : * $, unlike 'E:1'; leave them out",),
        ),
    ],
)
def test_what_aws_would_refuse_is_said_with_what_to_write(transformation, pattern, expected):
    assert problems(transformation, filters.compile(pattern)) == expected


def test_the_units_are_those_of_cloudwatch():
    assert len(UNITS) == 27
    assert {"Bytes", "Kilobits/Second", "Terabytes", "Count/Second", "None"} <= UNITS


def test_a_thousand_pairs_within_the_hour_are_too_many():
    def data(count):
        return [Datum(at(number % 60), 1, dimensions=(("Id", str(number)),)) for number in range(count)]

    assert not makes_too_many_pairs(data(999))
    assert makes_too_many_pairs(data(1000))
    assert not makes_too_many_pairs(
        [Datum(at(60 * number), 1, dimensions=(("Id", str(number)),)) for number in range(2000)]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sum", 15.0),
        ("Average", 3.0),
        ("Minimum", 1.0),
        ("Maximum", 5.0),
        ("SampleCount", 5.0),
        ("p50", 3.0),
        ("p90", 5.0),
        ("p20", 1.0),
        ("p0", 1.0),
        ("p100", 5.0),
        ("p99.9", 5.0),
    ],
)
def test_statistics(name, expected):
    assert statistic(name, [5.0, 3.0, 1.0, 2.0, 4.0]) == expected
    assert statistic(name, []) is None


def test_the_99th_percentile_leaves_out_the_highest_hundredth():
    assert statistic("p99", [float(value) for value in range(1, 1001)]) == 990.0


def test_negative_values_have_no_percentile():
    assert statistic("p50", [-1.0, 1.0]) is None


@pytest.mark.parametrize("name", ["sum", "p", "p101", "tm99", "Median", ""])
def test_unknown_statistics_are_refused(name):
    with pytest.raises(ValueError, match="is not known: write Sum"):
        statistic(name, [1.0])


DATA = [Datum(at(minute), float(minute)) for minute in (0, 1, 2, 4, 7)]


def test_points_look_back_from_the_moment_of_evaluation():
    # Minutes 3-7 and 8-12 hold 4, 7 and nothing.
    assert points(DATA, until=at(13), period=timedelta(minutes=5), count=2, statistic_name="Sum") == [11.0, None]
    # One minute later the window has slid: 4-8 and 9-13.
    assert points(DATA, until=at(14), period=timedelta(minutes=5), count=2, statistic_name="Sum") == [11.0, None]
    assert points(DATA, until=at(3), period=timedelta(minutes=1), count=4, statistic_name="Maximum") == [None, 0, 1, 2]


def test_a_graph_has_points_where_there_are_values():
    graph = aggregated(DATA, start=NOON, end=at(9), period=timedelta(minutes=3), statistic_name="SampleCount")
    assert graph == [(at(0), 3.0), (at(3), 1.0), (at(6), 1.0)]
    assert aggregated(DATA[3:], start=NOON, end=at(5), period=timedelta(minutes=3), statistic_name="Sum") == [
        (at(3), 4.0)
    ]


def test_a_graph_leaves_out_what_lies_at_its_end_or_after():
    graph = aggregated(DATA, start=at(3), end=at(7), period=timedelta(minutes=3), statistic_name="Sum")
    assert graph == [(at(3), 4.0)]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 100))
def test_a_percentile_is_a_value_that_at_least_that_share_does_not_exceed(values, percent):
    found = statistic(f"p{percent}", values)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-6
