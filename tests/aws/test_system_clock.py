"""The real clock, and tasks side by side."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, timedelta

import pytest

from baseops.aws.clock import SystemClock
from baseops.errors import Interrupted


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


def test_now_is_in_utc(clock):
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now().tzinfo is UTC


def test_sleep_lets_time_pass(clock):
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() - before >= timedelta(milliseconds=10)


def test_gather_runs_at_most_bound_tasks_at_once(clock):
    running, most, lock = [0], [0], threading.Lock()

    def task() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        clock.sleep(0.01)
        with lock:
            running[0] -= 1

    clock.gather([task] * 6, bound=2)
    assert most == [2]


def test_gather_runs_tasks_at_the_same_time(clock):
    barrier = threading.Barrier(3)
    assert sorted(clock.gather([lambda: barrier.wait(10)] * 3)) == [0, 1, 2]


@pytest.mark.parametrize("bound", [1, 2, 8])
def test_gather_gives_results_in_order(clock, bound):
    assert clock.gather([lambda number=number: number * 2 for number in range(5)], bound=bound) == [0, 2, 4, 6, 8]


def test_gather_of_nothing_or_one(clock):
    assert clock.gather([]) == []
    assert clock.gather([lambda: "one"]) == ["one"]


def test_bound_0_is_refused(clock):
    with pytest.raises(ValueError, match="bound must be at least 1, not 0"):
        clock.gather([lambda: 1], bound=0)


@pytest.mark.parametrize("bound", [1, 3])
def test_all_tasks_end_before_the_first_error_is_raised(clock, bound):
    ended = []

    def fails(text: str) -> None:
        raise RuntimeError(text)

    with pytest.raises(RuntimeError, match="one") as caught:
        clock.gather([lambda: fails("one"), lambda: fails("two"), lambda: ended.append(3)], bound=bound)
    assert ended == [3]
    assert caught.value.__notes__ == ["Also failed: RuntimeError: two"]


def test_ctrl_c_wakes_the_sleepers_once_and_starts_nothing_more(clock):
    seen = []

    def interrupter() -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def sleeper() -> None:
        try:
            clock.sleep(30)
        except Interrupted:
            clock.sleep(0.001)
            seen.append("cleaned up")
            raise

    with pytest.raises(KeyboardInterrupt):
        clock.gather([sleeper, sleeper, interrupter], bound=3)
    assert seen == ["cleaned up", "cleaned up"]
    assert clock.gather([lambda: clock.sleep(0), lambda: 1]) == [None, 1]


def test_gather_inside_gather(clock):
    inner = [lambda: 1, lambda: 2]
    assert clock.gather([lambda: clock.gather(inner), lambda: clock.gather(inner)]) == [[1, 2], [1, 2]]
