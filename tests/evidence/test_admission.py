"""When drills may run: classes that are allowed, windows, freezes."""

from datetime import UTC, datetime

import pytest

from baseops.contract.drill import Drill
from baseops.contract.site import Drills
from baseops.errors import InconclusiveError, UsageError
from baseops.evidence.admission import is_frozen, is_open, require_admitted

SUNDAY_3 = datetime(2026, 1, 11, 3, 0, tzinfo=UTC)


def drill(drill_class):
    return Drill("logs/toy", "a toy works", (), lambda ctx: [], drill_class=drill_class)


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        ("Sun 02:00-05:00 UTC", SUNDAY_3, True),
        ("Sun 02:00-05:00 UTC", SUNDAY_3.replace(hour=5), False),
        ("Sun 02:00-05:00 UTC", SUNDAY_3.replace(day=12), False),
        ("02:00-05:00 UTC", SUNDAY_3.replace(day=12), True),
        ("Fri-Sun 02:00-05:00 UTC", SUNDAY_3.replace(day=9), True),
        ("Sat-Mon 02:00-05:00 UTC", SUNDAY_3.replace(day=12), True),
        ("Mon,Sun 02:00-05:00 UTC", SUNDAY_3.replace(day=10), False),
        ("Sat 22:00-04:00 UTC", SUNDAY_3, True),
        ("Sun 22:00-04:00 UTC", SUNDAY_3, False),
        ("Sun 22:00-04:00 UTC", SUNDAY_3.replace(hour=23), True),
    ],
)
def test_a_window_is_open(window, moment, expected):
    assert expected == is_open(window, moment)


@pytest.mark.parametrize(("day", "expected"), [(19, False), (20, True), (31, True)])
def test_a_freeze_holds_both_its_days(day, expected):
    assert expected == is_frozen("2026-12-20/2026-12-31", datetime(2026, 12, day, 23, 59, tzinfo=UTC))


def test_a_class_that_is_not_allowed_is_refused_with_what_to_write():
    with pytest.raises(UsageError, match=r"Write: drills: \{allow: \[observe, exercise\]\}"):
        require_admitted([drill("exercise")], Drills(), SUNDAY_3)


def test_the_window_holds_for_drills_that_do_more_than_read():
    rules = Drills(("observe", "exercise"), "Sat 02:00-05:00 UTC")

    require_admitted([drill("observe")], rules, SUNDAY_3)
    with pytest.raises(InconclusiveError, match=r"outside drills\.window"):
        require_admitted([drill("exercise")], rules, SUNDAY_3)


def test_no_drill_runs_in_a_freeze():
    with pytest.raises(InconclusiveError, match="freezes 2026-01-10/2026-01-12"):
        require_admitted([drill("observe")], Drills(freeze=("2026-01-10/2026-01-12",)), SUNDAY_3)
