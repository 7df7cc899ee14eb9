"""The sandbox account as a world builder sees it: clients, a clock, and a folder for block files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.resolver import Resolver


class SandboxAccount(Clients, Protocol):
    """A local AWS account. World builders use ordinary API calls on its clients and nothing else."""

    @property
    def account_id(self) -> str:
        """Twelve digits."""

    @property
    def clock(self) -> Clock:
        """The account's clock (virtual in a rehearsal)."""

    @property
    def resolver(self) -> Resolver:
        """Answers from the public hosted zones of the account."""

    @property
    def folder(self) -> Path:
        """Where the account keeps block files; private to the process."""

    def write_files(self, volume_id: str, files: Mapping[str, bytes | None]) -> None:
        """Create, replace or (None) remove files by path in a volume's file system; it gets an ext4 if it has none.

        They are modified now. Where this machine cannot make a file system (no e2fsprogs) the volume stays as it is.
        """

    def inbox(self, address: str) -> Sequence[str]:
        """What services of AWS wrote to an address themselves (a link that confirms a subscription), oldest first."""

    def visit(self, link: str) -> str:
        """Open a link of such a mail in a browser, as its addressee would; what the page says."""

    def answer_for(self, host: str, status: int = 200) -> None:
        """Somebody outside AWS answers what is posted to a host, with this status from here on.

        Nothing leaves the machine: what is posted to any other host is not taken.
        """

    def repeat(self, action: Callable[[], None], *, every: timedelta, until: datetime, name: str) -> None:
        """Do something again and again on the clock, in copies of the account too: what goes on by itself."""

    def later(self, action: Callable[[], None], *, when: datetime, name: str) -> None:
        """Do something once at a time, in copies of the account too."""

    @property
    def unseen_until(self) -> datetime:
        """Until when nobody looks at the account, for everybody sleeps until then; now, where somebody does not."""
