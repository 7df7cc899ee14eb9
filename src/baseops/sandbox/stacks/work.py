"""Runs tasks on the sandbox's time, side by side where none needs another; knows nothing of stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from baseops.sandbox.ticker import Entry, Ticker


class TaskError(Exception):
    """A task failed; the text is the reason that its event shows."""


@dataclass(frozen=True)
class Task:
    """A piece of work. `begin` does it and gives the seconds until `finish` (None: done, nothing to finish).

    `cancel` is called when the work is broken off between the two.
    """

    name: str
    needs: frozenset[str]
    begin: Callable[[], float | None]
    finish: Callable[[], None]
    cancel: Callable[[], None] = lambda: None


@dataclass
class Run:
    """Tasks in work. `done` gets the names of those that failed, in the order of failure.

    With `goes_on` a failure only keeps those from starting that need the failed one; without it, nothing starts
    any more and what is under way is cancelled.
    """

    ticker: Ticker
    tasks: dict[str, Task]
    done: Callable[[list[str]], None]
    goes_on: bool = False
    _waiting: dict[str, set[str]] = field(default_factory=dict)
    _active: dict[str, Entry] = field(default_factory=dict)
    _failed: list[str] = field(default_factory=list)
    _is_over: bool = False

    def start(self) -> None:
        """Begin whatever needs nothing; when there is no task at all it is done at once."""
        self._waiting = {name: {*task.needs} & self.tasks.keys() for name, task in self.tasks.items()}
        self._begin([name for name, needs in self._waiting.items() if not needs])

    def stop(self) -> list[str]:
        """Break off: cancel what is under way, start nothing more, call nobody; the names that did not get done."""
        self._is_over = True
        self._cancel()
        return self._failed

    def _begin(self, names: Iterable[str]) -> None:
        ready = list(names)
        while ready and not self._is_over:
            name = ready.pop(0)
            del self._waiting[name]
            try:
                seconds = self.tasks[name].begin()
            except TaskError:
                self._fail(name)
                ready = ready if self.goes_on else []
                continue
            if seconds is None:
                ready += self._released_by(name)
            else:
                self._active[name] = self.ticker.after(seconds, partial(self._finish, name), f"resource {name}")
        self._settle()

    def _finish(self, name: str) -> None:
        del self._active[name]
        try:
            self.tasks[name].finish()
        except TaskError:
            self._fail(name)
            self._settle()
            return
        self._begin(self._released_by(name))

    def _released_by(self, name: str) -> list[str]:
        """The tasks that waited for nothing but this one."""
        released = []
        for other, needs in self._waiting.items():
            if name in needs:
                needs.discard(name)
                if not needs:
                    released.append(other)
        return released

    def _fail(self, name: str) -> None:
        self._failed.append(name)
        if not self.goes_on:
            self._waiting.clear()
            self._cancel()

    def _cancel(self) -> None:
        for name, entry in list(self._active.items()):
            entry.cancel()
            self.tasks[name].cancel()
            self._failed.append(name)
        self._active.clear()

    def _settle(self) -> None:
        if self._active or self._is_over:
            return
        self._is_over = True
        self.done(self._failed)
