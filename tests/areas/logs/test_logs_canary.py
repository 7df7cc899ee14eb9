"""Which lines make which alarm ring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baseops.areas.logs.canary import Lots, canary
from baseops.areas.logs.spec import Alarm, Metric
from baseops.semantics import filters

ERRORS = Metric(pattern="{ $.status >= 500 }")
BYTES = Metric(pattern="{ $.bytes = * }", value="$.bytes")


def alarm(**more):
    return Alarm(**{"metric": "Errors", "period": 60, "threshold": 20, **more})


def test_as_many_lines_as_one_period_takes():
    found = canary(ERRORS, alarm(comparison="GreaterThanThreshold", evaluation_periods=3, datapoints_to_alarm=2))

    assert (len(found.lines), found.periods, found.period_seconds, found.window_seconds) == (21, 2, 60, 180)
    assert all(filters.compile(ERRORS.pattern).matches(each) for each in found.lines)
    assert not filters.compile(ERRORS.pattern).matches(found.quiet)


def test_at_the_threshold_is_enough_where_the_comparison_says_so():
    assert len(canary(ERRORS, alarm()).lines) == 20


def test_values_that_lines_carry_add_up():
    # The derived lines carry 1, 2, 3, … bytes: 1+2+3+4+5+6 is the first sum over 20.
    assert len(canary(BYTES, alarm(comparison="GreaterThanThreshold")).lines) == 6


def test_every_period_of_the_window_where_nothing_else_is_said():
    assert canary(ERRORS, alarm(evaluation_periods=3)).periods == 3


def test_a_pattern_that_matches_everything_has_no_quiet_line():
    assert canary(Metric(pattern=""), alarm()).quiet is None


@pytest.mark.parametrize(
    ("metric", "alarm", "reason"),
    [
        (ERRORS, alarm(comparison="LessThanThreshold"), "it rings when too little comes"),
        (ERRORS, alarm(period=3600, evaluation_periods=2), "its window is 120 minutes"),
        (ERRORS, alarm(threshold=1_000_000), "no lines derived from the pattern"),
        (ERRORS, alarm(statistic="Average"), "no lines derived from the pattern"),
        (Metric(pattern="[a, b]", value="$b"), alarm(), "no lines derived from the pattern"),
    ],
)
def test_why_there_are_no_lines(metric, alarm, reason):
    assert canary(metric, alarm).startswith(reason)


BEGIN = datetime(2026, 1, 18, 2, 0, 5, tzinfo=UTC)


def lots():
    found = canary(ERRORS, alarm(comparison="GreaterThanThreshold", evaluation_periods=3, datapoints_to_alarm=2))
    return Lots(found, BEGIN)


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def test_each_lot_is_in_a_period_of_its_own():
    written = lots()
    assert not written.is_due(at(-1))
    assert written.is_due(at(0))
    assert written.wrote(at(0), at(1))
    assert not written.is_due(at(54))
    assert written.is_due(at(55))
    assert written.wrote(at(55), at(56))
    assert not written.is_due(at(300))


def test_a_lot_that_took_longer_than_its_period_does_not_count():
    written = lots()
    assert written.wrote(at(0), at(1))
    assert not written.wrote(at(60), at(130))
    assert written.wrote(at(135), at(136))
    assert written.is_due(at(195))


def test_a_lot_that_is_out_of_the_window_is_written_again():
    written = lots()
    assert written.wrote(at(0), at(1))
    assert written.wrote(at(180), at(181))
    assert written.is_due(at(240))
