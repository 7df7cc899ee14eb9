"""Time of a served account: real time, as many times as fast; what is due happens by itself, in order."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from baseops.sandbox.account import open_account
from baseops.sandbox.scaled_clock import ScaledClock

START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock():
    made = ScaledClock(START, speed=3600, lock=threading.RLock())
    yield made
    made.close()


def test_an_hour_passes_in_a_second(clock):
    clock.sleep(180)
    assert timedelta(minutes=3) <= clock.now() - START < timedelta(hours=12)


def test_entries_run_in_order_and_see_their_own_time(clock):
    seen, done = [], threading.Event()
    clock.ticker.after(200, lambda: (seen.append(("b", clock.now())), done.set()), "b")
    clock.ticker.at(START + timedelta(seconds=150), lambda: seen.append(("a", clock.now())), "a")
    assert done.wait(20)
    assert seen[0] == ("a", START + timedelta(seconds=150))
    assert seen[1][0] == "b"
    assert seen[1][1] >= seen[0][1]


def test_an_entry_that_raises_does_not_stop_the_rest(clock, caplog):
    done = threading.Event()
    clock.ticker.after(10, lambda: {}["x"], "broken")
    clock.ticker.after(20, done.set, "next")
    assert done.wait(20)
    assert clock.ticker.failures[0].name == "broken"


def test_a_call_in_progress_may_not_sleep():
    lock = threading.RLock()
    clock = ScaledClock(START, speed=1, lock=lock)
    assert clock.may_sleep()
    with lock:
        assert not clock.may_sleep()
    clock.close()


def test_gather(clock):
    assert clock.gather([lambda: 1, lambda: 2]) == [1, 2]


@pytest.mark.parametrize("speed", [0, -1])
def test_speed_is_above_zero(speed):
    with pytest.raises(ValueError, match="speed must be above 0"):
        ScaledClock(START, speed=speed, lock=threading.RLock())


def test_services_tell_the_fast_time():
    with open_account(start=START, speed=86400) as account:
        account.clock.sleep(86400 / 20)
        account.client("logs").create_log_group(logGroupName="/a")
        [group] = account.client("logs").describe_log_groups()["logGroups"]
        assert group["creationTime"] >= (START + timedelta(seconds=86400 / 20)).timestamp() * 1000
        assert group["creationTime"] <= account.clock.now().timestamp() * 1000


def test_real_time_leaves_the_process_s_time_alone():
    before = datetime.now(UTC)  # noqa: TID251
    with open_account(speed=1) as account:
        assert timedelta(0) <= account.clock.now() - before < timedelta(minutes=5)
