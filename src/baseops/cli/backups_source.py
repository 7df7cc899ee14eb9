"""What the commands about snapshots share: options, opening a source, progress, and what it cost in the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import printable, say

if TYPE_CHECKING:
    from baseops.aws.sources import Opened, Sources
    from baseops.cli.options import Connection
    from baseops.contract.clients import Clients
    from baseops.snapshots.files import Snapshot


def source_options(function: Callable[..., None]) -> Callable[..., None]:
    """How sources are found and read, and the options of a session."""
    for option in (
        click.option("--at", metavar="DATE", help="With latest: the newest before this date or time (UTC)."),
        click.option("--tag", metavar="KEY=VALUE", help="With `latest:/path`: a tag whose value holds :/."),
        click.option("--share", default=20, show_default=True, metavar="PERCENT", help="Of the account's block quota."),
        click.option("--max-bytes", type=int, metavar="N", help="Stop after so many bytes read from AWS."),
        click.option("--max-usd", type=float, metavar="USD", help="Stop at this cost."),
        click.option("--cache", metavar="DIR", help="Keep blocks in DIR during the run; gone with it."),
    ):
        function = option(function)
    return options.aws_options(function)


class Reader:
    """Opens the sources of one command and says in the end what reading them took."""

    def __init__(self, given: dict[str, Any]) -> None:
        """`given` are the values of `source_options`."""
        from baseops.aws.clock import SystemClock

        self.clock = SystemClock()
        self._given = given
        self._opened: list[Opened] = []
        self._sources: Sources | None = None

    @property
    def sources(self) -> Sources:
        """The sources, made on first use."""
        if self._sources is None:
            from baseops.aws.sources import Reading, Sources

            given = self._given
            reading = Reading(given["share"] / 100, given["max_bytes"], given["max_usd"], given["cache"])
            self._sources = Sources(self._connect, self.clock, reading)
        return self._sources

    def open(self, text: str) -> Opened:
        """Open one; closed when the command ends."""
        from baseops.aws.source_names import parse
        from baseops.aws.sources import parse_time

        at = parse_time(self._given["at"]) if self._given["at"] else None
        opened = self.sources.open_name(parse(text, tag=self._given["tag"]), at=at)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close all."""
        for each in self._opened:
            each.close()

    def took(self) -> dict[str, Any]:
        """What reading took, as every JSON answer has it."""
        spending = self.sources.spending
        return {
            "blocks_read": sum(each.device.blocks_read for each in self._opened) or spending.block_requests,
            "bytes": spending.bytes or sum(each.device.blocks_read * each.device.block_size for each in self._opened),
            "requests": spending.requests,
            "cost_usd": round(spending.usd, 8),
        }

    def say_took(self) -> None:
        """The same for people, on stderr."""
        took = self.took()
        text = f"{took['blocks_read']:,} blocks, {size(took['bytes'])}"
        if took["requests"]:
            text += f", {took['requests']:,} requests, {took['cost_usd']:.6f} USD"
        say(click.style(text, dim=True))

    def _connect(self) -> Clients:
        return connected(self._given["connection"])


@contextmanager
def reading(given: dict[str, Any]) -> Iterator[Reader]:
    """A reader that is closed in the end."""
    reader = Reader(given)
    try:
        yield reader
    finally:
        reader.close()


def connected(connection: Connection) -> Clients:
    """A session where no declaration says the region."""
    from baseops.aws.session import Session

    return Session(profile=connection.profile, region=connection.region, endpoint_url=connection.endpoint_url)


def about(opened: Opened, snapshot: Snapshot | None = None) -> dict[str, Any]:
    """Which source was read, as every JSON answer has it."""
    found: dict[str, Any] = {"source": opened.identifier, "started": opened.started}
    if snapshot is not None:
        found["filesystem"] = {"kind": snapshot.kind, "volume": snapshot.volume.label}
        found["journal"] = {"dirty": snapshot.replay.dirty, "transactions": snapshot.replay.transactions}
        found["not_replayed"] = list(snapshot.notes)
    return found


def say_notes(snapshot: Snapshot) -> None:
    """What was not replayed, never silently."""
    for each in snapshot.notes:
        say(click.style("note: ", fg="yellow") + printable(each))


def shown(path: str) -> str:
    """A hostile name for a terminal: no control characters, no bytes that are not UTF-8."""
    return printable(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")).replace("\n", "?")


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


class Meter:
    """A moving line on a terminal; nothing elsewhere."""

    def __init__(self, reader: Reader, total: int | None = None) -> None:
        """`total` in bytes, where it is known."""
        self._clock = reader.clock
        self._total = total
        self._done = 0
        self._begun = self._last = self._clock.now()
        self._moves = sys.stderr.isatty()

    def __enter__(self) -> Meter:  # noqa: PYI034  # nobody subclasses it
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self._moves:
            click.echo("\r\x1b[K", nl=False, err=True)

    def add(self, count: int, what: str = "") -> None:
        """So many bytes more."""
        self._done += count
        now = self._clock.now()
        if not self._moves or (now - self._last).total_seconds() < 0.1:
            return
        self._last = now
        rate = self._done / max(0.001, (now - self._begun).total_seconds())
        share = f" of {size(self._total)}" if self._total else ""
        click.echo(f"\r\x1b[K{size(self._done)}{share}, {size(rate)}/s  {shown(what)[-60:]}", nl=False, err=True)
