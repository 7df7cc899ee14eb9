"""Mails of drills that run side by side: one a second, all together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from baseops.areas.email.pacing import Pace
from baseops.sandbox.clock import VirtualClock

AT = datetime(2026, 1, 11, 2, 0, tzinfo=UTC)


def test_two_drills_side_by_side_send_one_mail_a_second_together() -> None:
    clock, pace = VirtualClock(AT), Pace()
    sent: list[datetime] = []

    def drill(mails: int) -> None:
        for _ in range(mails):
            pace.await_turn(clock)
            sent.append(clock.now())

    clock.gather([partial(drill, 7), partial(drill, 3)])

    assert sorted(sent) == [AT + timedelta(seconds=number) for number in range(10)]


def test_a_mail_long_after_the_last_one_waits_for_nothing() -> None:
    clock, pace = VirtualClock(AT), Pace()
    pace.await_turn(clock)
    clock.sleep(60)

    pace.await_turn(clock)

    assert clock.now() == AT + timedelta(seconds=60)
