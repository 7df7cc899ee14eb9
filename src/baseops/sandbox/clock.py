"""Virtual time: it moves only when every thread that takes part sleeps, to whatever comes next.

A thread takes part when it made the clock, while it runs a task of `gather`, or within `taking_part()`. One that
waits in `gather` for its tasks does not hold time back. By default one thread runs at a time and hands over when it
sleeps, waits or ends: the sandbox answers one call at a time anyway, and so the same seed gives the same account.
A thread that neither sleeps nor ends for `stall` real seconds loses that privilege: the others go on beside it.
"""

from __future__ import annotations

import _thread
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from typing import Protocol, TypeVar

from baseops.aws.clock import Outcome, interruption, settle
from baseops.contract.clock import Clock
from baseops.errors import Interrupted, SandboxError
from baseops.sandbox.ticker import Entry, Ticker

T = TypeVar("T")
SAME_INSTANT_LIMIT = 100_000
log = logging.getLogger(__name__)


class TickingClock(Clock, Protocol):
    """The clock of a sandbox account: one at whose times things happen."""

    @property
    def ticker(self) -> Ticker:
        """What will happen when; for services: `clock.ticker.after(30, self.finish, "snapshot snap-0a1")`."""

    def may_sleep(self) -> bool:
        """Whether the calling thread may sleep now; not while it answers a call or runs an action."""

    def asleep_until(self) -> datetime:
        """Until when all who take part sleep; now, where somebody does not, or where that cannot be known."""

    def refresh(self) -> None:
        """Bring the process's own time (`datetime.now`) up to this clock's."""

    def close(self) -> None:
        """Stop what the clock runs by itself."""


class State(Enum):
    """What a thread that takes part is doing."""

    RUNNING = "running"
    READY = "ready"
    ASLEEP = "asleep"
    WAITING = "waiting"


@dataclass
class Place:
    """A thread's part in time. `until` and `number` order those asleep, `number` alone those ready."""

    condition: threading.Condition
    state: State = State.RUNNING
    until: datetime = datetime(9999, 1, 1, tzinfo=UTC)
    number: int = 0
    is_worker: bool = False
    error: SandboxError | Interrupted | None = None


@dataclass
class Round:
    """The tasks of one `gather`, and how they ended."""

    tasks: Sequence[Callable[[], object]]
    owner: Place
    outcomes: dict[int, Outcome[object]] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self._next = iter(range(len(self.tasks)))

    def take(self) -> int | None:
        """The next task's place in the list."""
        return None if self.is_stopped else next(self._next, None)

    def all_outcomes(self) -> list[Outcome[object]]:
        """In the tasks' order; those never begun were interrupted."""
        never_begun = Outcome[object](error=interruption())
        return [self.outcomes.get(index, never_begun) for index in range(len(self.tasks))]


class VirtualClock:
    """Fulfils `contract.clock.Clock`. `lock` is held while an entry of the ticker runs; nobody sleeps holding it."""

    def __init__(
        self,
        start: datetime,
        *,
        lock: _thread.RLock | None = None,
        set_time: Callable[[datetime], None] = lambda _: None,
        at_once: int = 1,
        stall: float = 30.0,
    ) -> None:
        self.ticker = Ticker(self.now)
        self._account_lock = lock or threading.RLock()
        self._set_time = set_time
        self._at_once = at_once
        self._stall = stall
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()
        self._advancing = threading.Lock()
        self._numbers = count(1)
        self._driver: int | None = None
        self._at_this_instant = 0
        self._rounds: list[Round] = []
        self._places = {threading.get_ident(): Place(threading.Condition(self._lock))}
        self._set_time(self._now)

    def now(self) -> datetime:
        """The virtual time, aware, in UTC."""
        return self._now

    def may_sleep(self) -> bool:
        """Whether the calling thread takes part and is not answering a call or running an action."""
        return threading.get_ident() in self._places and not self._is_acting()

    def asleep_until(self) -> datetime:
        """The earliest wake-up, while something scheduled happens; now, where a thread works."""
        with self._lock:
            if self._in_state(State.RUNNING) or self._in_state(State.READY):
                return self._now
            return min((place.until for place in self._in_state(State.ASLEEP)), default=self._now)

    def refresh(self) -> None:
        """Nothing to do: every move sets the process's time."""

    def close(self) -> None:
        """Nothing to stop: time moves in the threads of others."""

    def sleep(self, seconds: float) -> None:
        """Sleep until the time has come; 0 lets the others have their turn."""
        if seconds < 0:
            raise ValueError(f"cannot sleep {seconds} s")
        distance = timedelta(seconds=seconds)
        self._sleep_until(self._now + (max(distance, timedelta.resolution) if seconds else distance))

    def advance(self, *, by: timedelta | float | None = None, to: datetime | None = None) -> datetime:
        """Let time pass, with all that happens in it; for tests and the control endpoint. Gives the new time."""
        if (by is None) == (to is None):
            raise ValueError("say either `by` or `to`")
        with self._advancing, self.taking_part():
            distance = by if isinstance(by, timedelta) else timedelta(seconds=by or 0)
            target = to.astimezone(UTC) if to else self._now + distance
            if target < self._now:
                raise ValueError(f"time cannot go back from {self._now} to {target}")
            self._sleep_until(target)
        return self._now

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        """Let the calling thread take part, where it does not already."""
        me = threading.get_ident()
        with self._lock:
            if me in self._places:
                joined = False
            else:
                joined = True
                self._places[me] = Place(threading.Condition(self._lock))
        try:
            yield
        finally:
            if joined:
                with self._lock:
                    del self._places[me]
                    self._hand_over()

    @contextmanager
    def standing_aside(self) -> Iterator[None]:
        """Let the calling thread hold time back no longer, while it waits for something outside (a server)."""
        me = threading.get_ident()
        with self._lock:
            place = self._places.pop(me, None)
            self._hand_over()
        try:
            yield
        finally:
            if place:
                with self._lock:
                    self._places[me] = place

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        """Run the tasks in at most `bound` threads; all have ended when it returns or raises."""
        if bound < 1:
            raise ValueError(f"bound must be at least 1, not {bound}")
        threads = min(bound, len(tasks))
        if threads <= 1:
            return settle([Outcome.of(task) for task in tasks]) if len(tasks) > 1 else [task() for task in tasks]
        job = Round(tasks, self._place())
        self._run_side_by_side(job, threads)
        outcomes = job.all_outcomes()
        if any(isinstance(outcome.error, Interrupted) for outcome in outcomes):
            job.owner.error = None
        return settle(outcomes)  # type: ignore[arg-type]  # the tasks give T

    # --- threads ------------------------------------------------------------------------------------------

    def _place(self) -> Place:
        try:
            return self._places[threading.get_ident()]
        except KeyError:
            name = threading.current_thread().name
            raise SandboxError(
                f"thread {name} cannot wait on the virtual clock",
                "time does not know when it works and when it sleeps",
                "Start its work through clock.gather, or within clock.taking_part()",
            ) from None

    def _run_side_by_side(self, job: Round, threads: int) -> None:
        job.places = [Place(threading.Condition(self._lock), State.READY, is_worker=True) for _ in range(threads)]
        workers = [
            threading.Thread(target=self._work, args=(job, place), name=f"gather-{number}", daemon=True)
            for number, place in enumerate(job.places, 1)
        ]
        with self._lock:
            for place in job.places:
                place.number = next(self._numbers)
            job.owner.state = State.WAITING
            for worker in workers:
                worker.start()
            for worker, place in zip(workers, job.places, strict=True):
                self._places[worker.ident or 0] = place
            self._rounds.append(job)
            try:
                self._wait_for(job)
            finally:
                self._rounds.remove(job)
        for worker in workers:
            worker.join()

    def _wait_for(self, job: Round) -> None:
        try:
            self._await_turn(job.owner)
        except KeyboardInterrupt:
            self._interrupt_workers()
            if job.places:
                job.owner.state = State.WAITING
                self._await_turn(job.owner)
            raise

    def _interrupt_workers(self) -> None:
        for job in self._rounds:
            job.is_stopped = True
        for place in self._places.values():
            if place.is_worker:
                self._fail(place, interruption())

    def _fail(self, place: Place, error: SandboxError | Interrupted) -> None:
        place.error = error
        if place.state is State.ASLEEP:
            self._make_ready(place)

    def _work(self, job: Round, place: Place) -> None:
        with self._lock:
            self._await_turn(place)
        while True:
            with self._lock:
                index = job.take()
            if index is None:
                break
            job.outcomes[index] = Outcome.of(job.tasks[index])
        with self._lock:
            del self._places[threading.get_ident()]
            job.places.remove(place)
            if not job.places:
                self._make_ready(job.owner)
            self._hand_over()

    # --- turns --------------------------------------------------------------------------------------------

    def _sleep_until(self, when: datetime) -> None:
        self._refuse_sleep_inside_an_action()
        with self._lock:
            place = self._place()
            if place.error is None:
                place.until, place.number, place.state = when, next(self._numbers), State.ASLEEP
                self._await_turn(place)
            error, place.error = place.error, None
        if error:
            raise error

    def _refuse_sleep_inside_an_action(self) -> None:
        if self._is_acting():
            raise SandboxError(
                "a service of the sandbox wanted to sleep",
                "nothing else can happen while a call or a scheduled action is being answered",
                "Schedule what comes later: clock.ticker.after(seconds, action, name)",
            )

    def _is_acting(self) -> bool:
        holds_lock: bool = self._account_lock._is_owned()  # type: ignore[attr-defined]  # it has no public name
        return holds_lock or self._driver == threading.get_ident()

    def _await_turn(self, place: Place) -> None:
        """With the lock held: go on when it is this thread's turn."""
        try:
            self._hand_over()
            while place.state is not State.RUNNING:
                if not place.condition.wait(self._stall):
                    self._go_beside(place)
        except BaseException:
            place.state = State.RUNNING
            raise

    def _go_beside(self, place: Place) -> None:
        if place.state is not State.READY:
            return
        holding = [ident for ident, other in self._places.items() if other.state is State.RUNNING]
        names = ", ".join(thread.name for thread in threading.enumerate() if thread.ident in holding)
        place.state = State.RUNNING
        log.warning("virtual time stands still: %s neither slept nor ended in %s real seconds", names, self._stall)

    def _make_ready(self, place: Place) -> None:
        place.number, place.state = next(self._numbers), State.READY

    def _in_state(self, state: State) -> list[Place]:
        return [place for place in self._places.values() if place.state is state]

    def _hand_over(self) -> None:
        """With the lock held: wake whose turn it is; when nobody's is, move time until somebody's is."""
        while len(self._in_state(State.RUNNING)) < self._at_once:
            ready = self._in_state(State.READY)
            if ready:
                chosen = min(ready, key=lambda place: place.number)
                chosen.state = State.RUNNING
                chosen.condition.notify()
            elif self._in_state(State.RUNNING) or self._driver or not self._in_state(State.ASLEEP):
                return
            else:
                self._move()

    # --- time ---------------------------------------------------------------------------------------------

    def _move(self) -> None:
        """To the earliest wake-up or entry; entries go first, so that who wakes sees what has happened."""
        asleep = self._in_state(State.ASLEEP)
        wake_up = min(place.until for place in asleep)
        entry = self.ticker.take(wake_up)
        if self._runs_away(max(entry.when, self._now) if entry else wake_up):
            for place in asleep:
                self._fail(place, _runaway(self._now, entry))
        elif entry:
            self._run_entry(entry)
        else:
            for place in sorted(asleep, key=lambda place: (place.until, place.number)):
                if place.until <= wake_up:
                    self._make_ready(place)

    def _run_entry(self, entry: Entry) -> None:
        self._driver = threading.get_ident()
        self._lock.release()
        try:
            with self._account_lock:
                self.ticker.run(entry)
        finally:
            self._lock.acquire()
            self._driver = None

    def _runs_away(self, when: datetime) -> bool:
        """Set the time; True when too much has happened at one instant."""
        self._at_this_instant = self._at_this_instant + 1 if when == self._now else 0
        self._now = when
        self._set_time(when)
        if self._at_this_instant <= SAME_INSTANT_LIMIT:
            return False
        self._at_this_instant = 0
        return True


def _runaway(when: datetime, entry: Entry | None) -> SandboxError:
    last = entry.name if entry else "a thread that woke"
    return SandboxError(
        f"virtual time does not get past {when:%Y-%m-%d %H:%M:%S}",
        f"more than {SAME_INSTANT_LIMIT} things happened at this very instant, the last of them {last}",
        "Something schedules itself again without a delay, or sleeps 0 s in a loop",
    )
