"""Live progress: moving lines on a terminal, for stacks and for sabotage; elsewhere plain lines, of stacks alone."""

from __future__ import annotations

import shutil
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from baseops.cli.output import console, printable, say

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

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
