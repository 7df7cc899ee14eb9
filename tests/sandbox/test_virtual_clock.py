"""Virtual time moves only when every thread that takes part sleeps, and everything happens in time order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseops.errors import Interrupted, SandboxError
from baseops.sandbox.clock import VirtualClock

START = datetime(2025, 1, 1, tzinfo=UTC)


def seconds(clock: VirtualClock) -> float:
    return (clock.now() - START).total_seconds()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


def test_sleep_takes_virtual_time_and_no_real_time(clock):
    before = time.monotonic()
    clock.sleep(90 * 86400)
    assert clock.now() == datetime(2025, 4, 1, tzinfo=UTC)
    assert time.monotonic() - before < 1


def test_while_all_sleep_the_first_to_wake_is_known(clock):
    found = []
    clock.ticker.after(10, lambda: found.append(clock.asleep_until()), "looks")
    clock.gather([lambda: clock.sleep(30), lambda: clock.sleep(45)])

    assert found == [START + timedelta(seconds=30)]
    assert clock.asleep_until() == clock.now()


def test_sleep_refuses_to_go_back(clock):
    with pytest.raises(ValueError, match="cannot sleep -1 s"):
        clock.sleep(-1)


def test_gather_gives_results_in_the_order_of_the_tasks(clock):
    def task(number: int) -> Callable[[], int]:
        def run() -> int:
            clock.sleep(10 - number)
            return number

        return run

    assert clock.gather([task(number) for number in range(5)]) == [0, 1, 2, 3, 4]
    assert seconds(clock) == 10


def test_gather_of_nothing_is_nothing(clock):
    assert clock.gather([]) == []


def test_two_sleepers_side_by_side_take_the_time_of_the_longer(clock):
    clock.gather([lambda: clock.sleep(30), lambda: clock.sleep(45)])
    assert seconds(clock) == 45


def test_bound_1_runs_one_after_the_other(clock):
    clock.gather([lambda: clock.sleep(30), lambda: clock.sleep(45)], bound=1)
    assert seconds(clock) == 75


def test_bound_2_runs_the_third_when_the_first_has_ended(clock):
    clock.gather([lambda: clock.sleep(10), lambda: clock.sleep(100), lambda: clock.sleep(20)], bound=2)
    assert seconds(clock) == 100


def test_gather_inside_gather(clock):
    def outer(base: int) -> Callable[[], list[float]]:
        def inner() -> float:
            clock.sleep(base)
            return seconds(clock)

        return lambda: clock.gather([inner, inner])

    assert clock.gather([outer(5), outer(7)]) == [[5, 5], [7, 7]]


def test_gather_raises_the_first_error_with_the_others_as_notes_when_all_have_ended(clock):
    ended = []

    def good() -> None:
        clock.sleep(60)
        ended.append("good")

    def bad(text: str, after: int) -> Callable[[], None]:
        def run() -> None:
            clock.sleep(after)
            raise RuntimeError(text)

        return run

    with pytest.raises(RuntimeError, match="first") as caught:
        clock.gather([bad("first", 20), good, bad("second", 10)])
    assert ended == ["good"]
    assert caught.value.__notes__ == ["Also failed: RuntimeError: second"]


def test_no_thread_is_left_after_gather(clock):
    before = threading.active_count()
    clock.gather([lambda: clock.sleep(1)] * 6)
    assert threading.active_count() == before


def test_a_thread_that_works_holds_time_back(clock):
    seen = []

    def worker() -> None:
        clock.sleep(1)
        time.sleep(0.05)  # noqa: TID251  # real work, as it were
        seen.append(seconds(clock))

    clock.gather([worker, lambda: clock.sleep(500)])
    assert seen == [1]


def test_a_stranger_may_not_sleep(clock):
    errors = []

    def stranger() -> None:
        try:
            clock.sleep(1)
        except SandboxError as error:
            errors.append(str(error))

    thread = threading.Thread(target=stranger, name="stranger")
    thread.start()
    thread.join()
    expected = (
        "thread stranger cannot wait on the virtual clock: time does not know when it works and when it sleeps. "
        "Start its work through clock.gather, or within clock.taking_part()"
    )
    assert errors == [expected]


def test_a_stranger_may_take_part_while_the_maker_stands_aside(clock):
    def stranger() -> None:
        with clock.taking_part():
            clock.sleep(7)

    thread = threading.Thread(target=stranger)
    with clock.standing_aside():
        thread.start()
        thread.join()
    assert seconds(clock) == 7


def test_entries_run_at_their_times_in_order_and_before_who_wakes_then(clock):
    seen = []
    clock.ticker.at(START + timedelta(seconds=20), lambda: seen.append(("b", seconds(clock))), "b")
    clock.ticker.after(10, lambda: seen.append(("a", seconds(clock))), "a")
    clock.ticker.after(timedelta(seconds=20), lambda: seen.append(("c", seconds(clock))), "c")
    clock.ticker.after(21, lambda: seen.append(("late", seconds(clock))), "late")
    clock.sleep(20)
    assert seen == [("a", 10), ("b", 20), ("c", 20)]


def test_an_entry_may_schedule_the_next(clock):
    seen = []

    def tick() -> None:
        seen.append(seconds(clock))
        clock.ticker.after(60, tick, "tick")

    clock.ticker.after(60, tick, "tick")
    clock.sleep(200)
    assert seen == [60, 120, 180]


def test_a_cancelled_entry_does_not_run(clock):
    seen = []
    entry = clock.ticker.after(5, lambda: seen.append(1), "never")
    entry.cancel()
    clock.sleep(10)
    assert (seen, clock.ticker.pending()) == ([], [])


def test_an_entry_for_the_past_runs_now(clock):
    seen = []
    clock.ticker.at(START - timedelta(days=1), lambda: seen.append(seconds(clock)), "old")
    clock.sleep(1)
    assert seen == [0]


def test_an_entry_that_raises_is_reported_and_time_goes_on(clock, caplog):
    clock.ticker.after(5, lambda: {}["missing"], "broken policy")
    clock.sleep(10)
    assert [str(failure) for failure in clock.ticker.failures] == [
        "broken policy at 2025-01-01 00:00:05: KeyError: 'missing'"
    ]
    assert "broken policy" in caplog.text


def test_an_entry_that_sleeps_is_told_what_to_do(clock, caplog):
    clock.ticker.after(5, lambda: clock.sleep(1), "sleepy")
    clock.sleep(10)
    assert "a service of the sandbox wanted to sleep" in str(clock.ticker.failures[0])


def test_nobody_sleeps_while_holding_the_account():
    lock = threading.RLock()
    clock = VirtualClock(START, lock=lock)
    with lock, pytest.raises(SandboxError, match="Schedule what comes later"):
        clock.sleep(1)


def test_entries_run_under_the_lock_of_the_account():
    lock = threading.RLock()
    clock = VirtualClock(START, lock=lock)
    taken = []

    def probe() -> None:
        taken.append(lock.acquire(blocking=False))

    def entry() -> None:
        thread = threading.Thread(target=probe)
        thread.start()
        thread.join()

    clock.ticker.after(1, entry, "entry")
    clock.sleep(2)
    assert taken == [False]


def test_what_happens_for_ever_at_one_instant_is_refused(clock):
    def again() -> None:
        clock.ticker.after(0, again, "again and again")

    again()
    with pytest.raises(SandboxError, match="the last of them again and again"):
        clock.sleep(1)


def test_sleeping_nothing_in_a_loop_is_refused(clock):
    def spin() -> None:
        while True:
            clock.sleep(0)

    with pytest.raises(SandboxError, match="sleeps 0 s in a loop"):
        spin()


def test_advance_moves_by_and_to(clock):
    assert clock.advance(by=60) == START + timedelta(seconds=60)
    assert clock.advance(to=datetime(2025, 1, 2, tzinfo=UTC)) == datetime(2025, 1, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="time cannot go back"):
        clock.advance(to=START)
    with pytest.raises(ValueError, match="either"):
        clock.advance()


def test_the_time_of_the_process_follows():
    times = []
    clock = VirtualClock(START, set_time=times.append)
    clock.sleep(5)
    assert times == [START, START + timedelta(seconds=5)]


def test_a_thread_that_never_sleeps_does_not_stop_the_others(caplog):
    clock = VirtualClock(START, stall=0.05)
    talk = threading.Event()

    def waits() -> bool:
        return talk.wait(10)

    assert clock.gather([waits, talk.set]) == [True, None]
    assert "neither slept nor ended" in caplog.text


def test_threads_may_run_at_once_when_asked():
    clock = VirtualClock(START, at_once=2)
    barrier = threading.Barrier(2)
    assert sorted(clock.gather([lambda: barrier.wait(10), lambda: barrier.wait(10)])) == [0, 1]


def test_ctrl_c_wakes_the_sleepers_once_and_is_raised_when_all_have_ended(clock):
    seen = []

    def drill() -> None:
        try:
            clock.sleep(5)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            while not clock._rounds[0].is_stopped:
                time.sleep(0.001)  # noqa: TID251  # until the main thread has it
            clock.sleep(1000)
        except Interrupted:
            clock.sleep(3)
            seen.append(seconds(clock))
            raise

    with pytest.raises(KeyboardInterrupt):
        clock.gather([drill, lambda: clock.sleep(10_000), lambda: seen.append("never begun")], bound=2)
    assert seen == [8]


# --- properties ---------------------------------------------------------------------------------------------

naps = st.lists(st.integers(0, 20), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(naps, min_size=1, max_size=6), st.lists(st.integers(0, 60), max_size=8), st.integers(1, 6))
def test_everyone_wakes_at_the_sum_of_its_naps_and_time_never_goes_back(tasks, entries, bound):
    clock = VirtualClock(START)
    seen: list[float] = []

    def task(lengths: list[int]) -> Callable[[], float]:
        def run() -> float:
            begun = seconds(clock)
            for index, length in enumerate(lengths):
                clock.sleep(length)
                assert seconds(clock) == begun + sum(lengths[: index + 1])
                seen.append(seconds(clock))
            return seconds(clock) - begun

        return run

    for when in entries:
        clock.ticker.after(when, lambda: seen.append(seconds(clock)), f"entry at {when}")
    assert clock.gather([task(lengths) for lengths in tasks], bound=bound) == [sum(lengths) for lengths in tasks]
    assert seen == sorted(seen)


@settings(max_examples=40, deadline=None)
@given(st.lists(naps, min_size=2, max_size=5))
def test_the_same_tasks_take_turns_in_the_same_order_each_time(tasks):
    def story() -> list[tuple[int, float]]:
        clock = VirtualClock(START)
        seen: list[tuple[int, float]] = []

        def task(number: int) -> Callable[[], None]:
            def run() -> None:
                for length in tasks[number]:
                    clock.sleep(length)
                    seen.append((number, seconds(clock)))

            return run

        clock.gather([task(number) for number in range(len(tasks))])
        return seen

    assert story() == story()
