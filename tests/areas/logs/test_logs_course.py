"""One alarm on its way: when it is over, and what it comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baseops.areas.logs.course import Course
from baseops.areas.logs.probe import Notified, Started
from baseops.contract.drill import Verdict

BEGIN = datetime(2026, 1, 18, 2, 0, tzinfo=UTC)


def at(minutes):
    return BEGIN + timedelta(minutes=minutes)


def course(**more):
    given = {"told_ok": True, **more}
    return Course("logs.web/errors", "twin", "errors (twin)", BEGIN, at(1), timedelta(minutes=13), **given)


def notified(state, minutes, alarm="twin"):
    return Notified(alarm, state, at(minutes), at(minutes) + timedelta(seconds=2))


def all_the_way(made):
    made.see("OK", at(-5))
    made.hear(notified("ALARM", 3))
    made.see("ALARM", at(3))
    made.hear(notified("OK", 6))
    return made


def test_all_the_way_and_back_with_its_times():
    made = all_the_way(course())
    found = made.evidence("the twin", made.spans(at(7)))

    assert made.is_over(at(7))
    assert (found.verdict, found.reason) == ("proven", "the twin rang, told the topic and stopped")
    assert dict(found.measures) == {"detect_seconds": 180, "notify_seconds": 2, "ok_seconds": 300}
    assert [(each.state, each.start) for each in found.spans] == [
        ("OK", at(-5)),
        ("ALARM", at(3)),
        ("OK", at(6)),
        ("lines", BEGIN),
    ]


def test_other_alarms_and_earlier_states_do_not_count():
    made = course()
    made.see("ALARM", at(-1))
    made.hear(notified("ALARM", -1))
    made.hear(notified("ALARM", 3, alarm="another"))

    assert made.rang is None


@pytest.mark.parametrize(
    ("seen", "remedied", "over", "reason"),
    [
        ([], False, 14, "did not ring within 13 minutes after the last line; its state is never seen"),
        ([("see", "ALARM", 3)], False, 13, "rang, and the topic delivered no notification of it"),
        ([("hear", "ALARM", 3)], True, 13, "rang, and no rule would have started its remedy"),
        ([("hear", "ALARM", 3)], False, 27, "rang, and did not stop again"),
        (
            [("hear", "ALARM", 3), ("see", "OK", 6)],
            False,
            27,
            "stopped, and the topic delivered no notification of it",
        ),
    ],
)
def test_what_does_not_come_is_waited_for_and_named(seen, remedied, over, reason):
    made = course(remedied=remedied)
    for how, state, minutes in seen:
        made.see(state, at(minutes)) if how == "see" else made.hear(notified(state, minutes))

    assert not made.is_over(at(over) - timedelta(seconds=1))
    assert made.is_over(at(over))
    assert (made.evidence("the twin").verdict, made.evidence("the twin").reason) == ("refuted", f"the twin {reason}")


def test_a_notification_after_the_promised_time_is_late():
    found = all_the_way(course(within=timedelta(minutes=2))).evidence("the twin")

    assert (found.verdict, found.reason) == ("refuted", "the twin was told of after 182 s, promised are 120 s")


def test_a_remedy_that_cannot_be_judged_leaves_a_doubt():
    made = all_the_way(course(remedied=True))
    made.hear(Started("twin", at(3)))
    made.doubt = "its remedy could not be delivered to any of 2 instances"

    assert made.evidence("the live alarm").verdict == "inconclusive"


def test_no_data_is_no_all_clear_and_said():
    made = course(told_ok=False)
    made.hear(notified("ALARM", 3))
    made.see("INSUFFICIENT_DATA", at(8))

    assert made.evidence("the twin").reason == (
        "the twin rang, told the topic and stopped (INSUFFICIENT_DATA: nothing says that all is well)"
    )


def test_a_promise_of_time_is_not_judged_where_aws_answered_slowly():
    found = all_the_way(course(within=timedelta(minutes=1), slow=True)).evidence("the twin")

    assert found.verdict == Verdict.INCONCLUSIVE
    assert found.reason == "AWS answered so slowly that the time until the notification says nothing"
