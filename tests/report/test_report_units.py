"""Numbers as people read them."""

from datetime import timedelta

import pytest

from baseops.report.units import amount, count, duration, label

DURATIONS = {
    0: "0 s",
    0.04: "0.04 s",
    0.4: "0.4 s",
    2.34: "2.3 s",
    12: "12 s",
    60: "1 min",
    200: "3 min 20 s",
    5 * 3600: "5.0 h",
    81490: "22.6 h",
    600000: "6.9 d",
    -90: "-1 min 30 s",
}
MEASURES = {
    ("age_seconds", 600000.0): ("age", "6.9 d"),
    ("seconds", 12.0): ("took", "12 s"),
    ("blocks_read", 3.0): ("blocks read", "3"),
    ("requests", 1200.0): ("requests", "1,200"),
    ("bytes", 524288.0): ("size", "512 KiB"),
    ("bytes_read", 3.0): ("bytes read", "3"),
    ("cost_usd", 0.0012): ("cost", "0.0012 USD"),
    ("retention_days", 30.0): ("retention", "30.0 d"),
    ("cpu_percent", 2.5): ("cpu", "2.5 %"),
    ("volumes", 2.0): ("volumes", "2"),
}


@pytest.mark.parametrize(("seconds", "expected"), DURATIONS.items())
def test_a_duration_has_the_figures_that_matter(seconds, expected):
    assert expected == duration(seconds)
    assert expected == duration(timedelta(seconds=seconds))


@pytest.mark.parametrize(("measure", "expected"), MEASURES.items())
def test_a_measure_is_said_with_the_unit_in_its_name(measure, expected):
    assert expected == (label(measure[0]), amount(*measure))


def test_one_is_no_plural():
    assert [count(1, "drill"), count(2, "drill"), count(2000, "target")] == ["1 drill", "2 drills", "2,000 targets"]
