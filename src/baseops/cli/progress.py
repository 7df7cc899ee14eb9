"""Live progress of stacks, drills and sabotage: moving lines on a terminal, elsewhere plain ones."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from baseops.cli.output import console, printable, say

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    from baseops.cloudformation.events import StackEvent
    from baseops.workflow.sabotage import Outcome


class StackProgress:
    """Hears stack events and shows them on stderr; use as a context manager and as the listener."""

    def __init__(self) -> None:
        """A terminal gets moving lines."""
        self._moving = sys.stderr.isatty()
        self._lines: dict[tuple[str, str], tuple[str, int, str]] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin."""
        if self._moving:
            from rich.live import Live

            self._live = Live(console=console(err=True), refresh_per_second=8, transient=False)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def __call__(self, event: StackEvent) -> None:
        """One event of one stack."""
        with self._lock:
            if self._live is None:
                self._tell(event)
                return
            _, done, _ = self._lines.get((event.stack, event.region), ("", 0, ""))
            finished = event.status.endswith("_COMPLETE") and not event.is_of_stack
            doing = event.status if event.is_of_stack else f"{event.logical_id} {event.status}"
            self._lines[event.stack, event.region] = (event.status, done + finished, doing)
            self._live.update(self._table())

    def _tell(self, event: StackEvent) -> None:
        if event.is_of_stack or event.has_failed:
            reason = f" ({printable(event.reason)})" if event.has_failed and event.reason else ""
            say(f"{event.region} {event.stack} {event.logical_id} {event.status}{reason}")

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for (stack, region), (status, done, doing) in self._lines.items():
            colour = "red" if "FAILED" in status or "ROLLBACK" in status else "green"
            table.add_row(region, stack, str(done), Text(printable(doing), style=colour))
        return table


class DrillProgress:
    """Says what each drill found; on a terminal, a last line says which are under way, and for how long."""

    def __init__(self, total: int) -> None:
        """None of so many has begun."""
        self._total = total
        self._done = 0
        self._begun: dict[str, float] = {}
        self._live: Live | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin."""
        if sys.stderr.isatty():
            from rich.live import Live

            shown = Live(get_renderable=self._line, console=console(err=True), refresh_per_second=2, transient=True)
            self._live = shown
            shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the last line away."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def begins(self, drill: str) -> None:
        """A drill begins."""
        with self._lock:
            self._begun[drill] = time.monotonic()

    def ends(self, drill: str, found: str = "") -> None:
        """A drill has ended; `found` is said."""
        with self._lock:
            self._done += self._begun.pop(drill, None) is not None
        if found and self._live:
            self._live.console.print(f"{drill}: {found}")
        elif found:
            say(f"{drill}: {found}")

    def _line(self) -> Text:
        from rich.text import Text

        with self._lock:
            begun = dict(self._begun)
        now = time.monotonic()
        under_way = ", ".join(f"{drill} {_minutes(now - since)}" for drill, since in begun.items())
        line = f"{self._done} of {self._total} drills have ended{f'; under way: {under_way}' if under_way else ''}"
        return Text(line, style="dim", overflow="ellipsis", no_wrap=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class BreakProgress:
    """Says each verb of a rehearsal; on a terminal, counts the sabotage in one line, and leaves those missed.

    It has no thread that would redraw: while one lives, the account cannot be copied.
    """

    def __init__(self) -> None:
        """Nothing has been tried."""
        self._moving = sys.stderr.isatty()
        self._tried = 0

    def verb(self, verb: str) -> None:
        """A verb begins."""
        self._clear()
        say(f"{verb} …")

    def __call__(self, outcome: Outcome, total: int) -> None:
        """A break was tried, out of so many."""
        self._tried += 1
        if not self._moving:
            return
        self._clear()
        if not outcome.caught:
            say(click.style(f"not caught: {outcome.name}", fg="red"))
        text = f"{self._tried} of {total}: {outcome.name}"
        click.echo(text[: shutil.get_terminal_size().columns - 1], nl=False, err=True)

    def _clear(self) -> None:
        if self._moving:
            click.echo("\r\x1b[K", nl=False, err=True)
