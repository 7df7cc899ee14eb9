"""One run at a time in an account: a lease in the evidence store, renewed while the run works, taken over when it ends.

Nothing is deleted to release it (drill roles may delete no evidence): a released lease is one more content.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from baseops.contract.clock import Clock
from baseops.errors import InconclusiveError, NotFoundError
from baseops.evidence.records import canonical, parse_timestamp, timestamp
from baseops.evidence.store import Store

LEASE = timedelta(minutes=3)
RENEW_AFTER = timedelta(minutes=1)
_PROCESSES = 2**31
"""Process ids are smaller; one below 1 would mean many processes."""


class Lease:
    """The lock while it is held; `renew` is called with every request and sleep of a drill."""

    def __init__(self, store: Store, account: str, holder: str, clock: Clock) -> None:
        """Nothing is taken yet."""
        self._store = store
        self._key = _key(account)
        self._holder = holder
        self._clock = clock
        self._content = b""
        self._nonce = secrets.token_hex(8)
        self._renewed = clock.now()
        self._run: dict[str, str] = {}
        self._busy = threading.Lock()
        self.is_lost = False

    def take(self) -> None:
        """Take it; raises `InconclusiveError` while another run holds it."""
        content = self._lease()
        if not self._store.put_new(self._key, content):
            former = self._store.read(self._key)
            self._require_free(former)
            self._run = {name: value for name, value in _parsed(former).items() if name in ("run", "region")}
            if not self._store.replace(self._key, content, former):
                raise self._held("another run was quicker")
        self._content, self._renewed = content, self._clock.now()

    def renew(self) -> None:
        """Make the lease last when it has been a while; raises `InconclusiveError` from when another run took it."""
        if self.is_lost:
            raise self._held("it was taken over, or away")
        if self._clock.now() - self._renewed < RENEW_AFTER or not self._busy.acquire(blocking=False):
            return
        try:
            self._renewed = self._clock.now()
            content = self._lease()
            if not self._store.replace(self._key, content, self._content):
                self.is_lost = True
                raise self._held("it was taken over, or away")
            self._content = content
        finally:
            self._busy.release()

    def sealed(self, run: str, region: str) -> None:
        """The run has kept its head: the lock will remember it, and `verify` ask for it."""
        self._run = {"run": run, "region": region}

    def release(self) -> None:
        """Let the next run in."""
        done = canonical({"holder": self._holder, "released": True, **self._run})
        self._store.replace(self._key, done, self._content)

    def _lease(self) -> bytes:
        expires = timestamp(self._clock.now() + LEASE)
        lease = {"holder": self._holder, "expires": expires, "host": socket.gethostname(), "process": os.getpid()}
        # Two that begin at the same moment must not write the same: the store takes that for a repeated answer.
        return canonical({**lease, **self._run, "nonce": self._nonce})

    def _require_free(self, content: bytes) -> None:
        lease = _parsed(content)
        if not lease:
            raise InconclusiveError(
                f"the lock of the evidence in {self._store.url} cannot be read",
                f"{self._key} is no lease of ours",
                "Make sure that no run is going on, then remove that file.",
            )
        if lease.get("released") or parse_timestamp(lease["expires"]) <= self._clock.now() or _is_dead(lease):
            return
        raise self._held(f"{lease['holder']} holds it until {lease['expires']}")

    def _held(self, why: str) -> InconclusiveError:
        return InconclusiveError(
            f"the lock of the evidence in {self._store.url} is not free",
            why,
            "Wait until the other run has ended, and run the same command again.",
        )


def last_run(store: Store, account: str, region: str) -> str:
    """The last run that held the lock and kept its head; empty where nothing tells."""
    try:
        lease = _parsed(store.read(_key(account)))
    except NotFoundError:
        return ""
    return str(lease.get("run", "")) if lease.get("region") == region else ""


def _key(account: str) -> str:
    return f"lock/account={account}.json"


def _parsed(content: bytes) -> dict[str, Any]:
    """The lease; empty where it is none."""
    try:
        lease = json.loads(content)
        usable = lease.get("released") is True or parse_timestamp(lease["expires"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(lease) if usable else {}


def _is_dead(lease: dict[str, object]) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    process = lease.get("process")
    if lease.get("host") != socket.gethostname() or not isinstance(process, int) or process == os.getpid():
        return False
    if not 0 < process < _PROCESSES:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def held(store: Store, account: str, holder: str, clock: Clock) -> Iterator[Lease]:
    """The lock for the time of a run; a run that dies loses it after `LEASE`."""
    lease = Lease(store, account, holder, clock)
    lease.take()
    try:
        yield lease
    finally:
        lease.release()
