"""What reading blocks costs, how fast it may go, and where it stops. Knows prices and quotas, makes no call."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from baseops.contract.clock import Clock
from baseops.errors import SnapshotError

LIST_USD = 0.0006 / 1000
GET_USD = 0.003 / 1000
"""Of each request, in US dollars. https://aws.amazon.com/ebs/pricing/ (EBS direct APIs)."""

QUOTA_PER_SECOND = 1000
"""GetSnapshotBlock, for each account and region. https://docs.aws.amazon.com/general/latest/gr/ebs-service.html"""

SHARE = 0.2
"""Backup vendors read by the same quota."""


@dataclass
class Spending:
    """Counts requests and bytes, and stops at a cap. Shared by everything that one command reads."""

    max_bytes: int | None = None
    max_usd: float | None = None
    list_requests: int = 0
    block_requests: int = 0
    bytes: int = 0
    retries: int = 0

    def __post_init__(self) -> None:
        """One lock for all counters."""
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """All requests that AWS bills."""
        return self.list_requests + self.block_requests

    @property
    def usd(self) -> float:
        """What they cost at the list price."""
        return self.list_requests * LIST_USD + self.block_requests * GET_USD

    def listed(self) -> None:
        """A listing is about to be asked for."""
        with self._lock:
            self.list_requests += 1
        self._check()

    def asked(self) -> None:
        """A block is about to be asked for."""
        with self._lock:
            self.block_requests += 1
        self._check()

    def received(self, length: int) -> None:
        """So many bytes of a block came."""
        with self._lock:
            self.bytes += length

    def tried_again(self) -> None:
        """A request failed and is made again."""
        with self._lock:
            self.retries += 1

    def _check(self) -> None:
        if self.max_bytes is not None and self.bytes > self.max_bytes:
            raise SnapshotError(
                f"stopped after {self.bytes:,} bytes", f"the cap is {self.max_bytes:,} bytes", "Raise --max-bytes."
            )
        if self.max_usd is not None and self.usd > self.max_usd:
            raise SnapshotError(
                f"stopped after {self.requests:,} requests", f"the cap is {self.max_usd} US dollars", "Raise --max-usd."
            )


class Pace:
    """A token bucket on a clock: so many blocks a second, with a short burst; slower after the account's throttling."""

    def __init__(self, clock: Clock, per_second: float = QUOTA_PER_SECOND * SHARE, burst: int = 64) -> None:
        """Full at first."""
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._filled = clock.now()
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        """The rate now."""
        return self._per_second

    def take(self) -> None:
        """Wait until one more may be asked for."""
        with self._lock:
            now = self._clock.now()
            passed = max(0.0, (now - self._filled).total_seconds())
            self._tokens = min(self._burst, self._tokens + passed * self._per_second) - 1
            self._filled = now
            wait = -self._tokens / self._per_second
        if wait > 0:
            self._clock.sleep(wait)

    def slow_down(self) -> None:
        """The account is throttled: whoever shares the quota needs it too."""
        with self._lock:
            self._per_second = max(1.0, self._per_second / 2)
            self._tokens = min(self._tokens, 0.0)
