"""A trail of a quiet account: what it has delivered is judged once it has had something to deliver, and the time to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baseops.areas.secrets.trail import covering_trails

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class OneTrail:
    """CloudTrail with one trail, which last delivered in the night and then after so many minutes."""

    region = "eu-west-1"

    def __init__(self, clock: FakeClock, after: float, *, is_logging: bool = True) -> None:
        self.clock, self.next, self.is_logging = clock, NOON + timedelta(minutes=after), is_logging

    def client(self, service: str, region: str | None = None) -> Any:
        return self

    def describe_trails(self, **_: Any) -> Any:
        return {"trailList": [{"Name": "company", "TrailARN": "arn", "IsMultiRegionTrail": True}]}

    def get_trail_status(self, **_: Any) -> Any:
        delivered = self.next if self.clock.now() >= self.next else NOON - timedelta(hours=9)
        return {"IsLogging": self.is_logging, "LatestDeliveryTime": delivered}


@pytest.mark.parametrize(
    ("after", "waits", "is_fresh"), [(-5, 0, True), (7, 7, True), (19.5, 20, True), (300, 20, False)]
)
def test_a_silent_trail_is_given_the_time_that_delivery_takes(after, waits, is_fresh):
    clock = FakeClock()
    (trail,) = covering_trails(OneTrail(clock, after), "eu-west-1", clock)
    assert (clock.now() - NOON, trail.delivered > NOON - timedelta(hours=1)) == (timedelta(minutes=waits), is_fresh)


def test_nobody_waits_for_a_trail_that_does_not_log():
    clock = FakeClock()
    covering_trails(OneTrail(clock, 7, is_logging=False), "eu-west-1", clock)
    assert clock.now() == NOON
