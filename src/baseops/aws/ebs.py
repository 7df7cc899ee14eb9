"""A snapshot's blocks through the EBS direct APIs: listed in windows as needed, verified, tried again, paced.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html
"""

from __future__ import annotations

import hmac
import http.client
import threading
from array import array
from base64 import b64encode
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from baseops.aws.block_requests import BlockRequests, Listing, Received
from baseops.aws.errors import translated
from baseops.aws.spending import Pace, Spending
from baseops.contract.clock import Clock
from baseops.errors import AwsError

T = TypeVar("T")
FIRST_RESULTS, MOST_RESULTS = 1000, 10_000
KEPT_WINDOWS = 48
ATTEMPTS = 8
LONGEST_PAUSE = 20.0
BEFORE_EXPIRY = timedelta(minutes=5)
_BROKEN = (
    BotoConnectionError,
    HTTPClientError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    BlockingIOError,
)


class BrokenBlockError(Exception):
    """A block came cut off, or its checksum is wrong; tried again before anybody hears of it."""


@dataclass(frozen=True)
class Window:
    """The blocks within [start, end) of the volume, in two arrays: a page of ten thousand takes under a megabyte."""

    start: int
    end: int
    indexes: array[int]
    tokens: bytes
    width: int
    expires: datetime

    @classmethod
    def of(cls, start: int, end: int, blocks: list[tuple[int, str]], expires: datetime) -> Window:
        """Pack what was listed."""
        width = max((len(token) for _, token in blocks), default=0)
        tokens = b"".join(token.encode().ljust(width) for _, token in blocks)
        return cls(start, end, array("Q", (index for index, _ in blocks)), tokens, width, expires)

    def token(self, index: int) -> str | None:
        """The token of a block; None where it was never written."""
        at = bisect_left(self.indexes, index)
        if at == len(self.indexes) or self.indexes[at] != index:
            return None
        return self.tokens[at * self.width : (at + 1) * self.width].rstrip().decode()


class EbsBlocks:
    """The blocks of one snapshot; a `BlockSource`, safe to read from several threads."""

    def __init__(
        self,
        snapshot_id: str,
        requests: BlockRequests,
        clock: Clock,
        spending: Spending,
        pace: Pace,
    ) -> None:
        """List the first window: it says how large the volume is."""
        self.snapshot_id = snapshot_id
        self._requests = requests
        self._clock = clock
        self._spending = spending
        self._pace = pace
        self._windows: OrderedDict[int, Window] = OrderedDict()
        self._lock = threading.Lock()
        self._results = FIRST_RESULTS
        first = self._list(0, FIRST_RESULTS, None)
        self.size = first.volume_bytes
        self.block_size = first.block_size
        self.count = self.size // self.block_size
        self.is_empty = not first.blocks and not first.following
        self._keep(self._window(0, first))

    def present(self, index: int) -> bool:
        """Whether the block was ever written; lists a window where it is not known yet."""
        return self._token(index) is not None

    def read(self, index: int) -> bytes:
        """A block, verified."""
        return bytes(self.fetch(index, self._token(index) or ""))

    def fetch(self, index: int, token: str, into: memoryview | None = None) -> bytes | bytearray | memoryview:
        """The same with a token from `listed`, into memory of the caller's where that is possible.

        A token that AWS does not take any more is renewed once.
        """
        try:
            return self._verified(index, token, into)
        except AwsError as error:
            if error.code != "ValidationException":
                raise
            with self._lock:
                self._windows.clear()
            renewed = self._token(index)
            if renewed is None:
                raise
            return self._verified(index, renewed, into)

    def listed(self) -> Iterator[tuple[int, str]]:
        """Every written block with its token, streamed: nothing is kept of the pages."""
        token = None
        while True:
            page = self._list(0, MOST_RESULTS, token)
            yield from page.blocks
            token = page.following
            if not token:
                return

    def _token(self, index: int) -> str | None:
        with self._lock:
            window = self._known(index)
            if window is None:
                window = self._window(index, self._list(index, self._results, None))
                self._keep(window)
                self._results = MOST_RESULTS if len(self._windows) > 4 else FIRST_RESULTS
            return window.token(index)

    def _known(self, index: int) -> Window | None:
        for start, window in reversed(self._windows.items()):
            if start <= index < window.end:
                if self._clock.now() < window.expires - BEFORE_EXPIRY:
                    return window
                del self._windows[start]
                return None
        return None

    def _window(self, start: int, page: Listing) -> Window:
        """What a page covers; an empty one is followed until something comes."""
        while not page.blocks and page.following:
            page = self._list(start, MOST_RESULTS, page.following)
        end = page.blocks[-1][0] + 1 if page.following else page.volume_bytes // page.block_size
        return Window.of(start, max(end, start + 1), page.blocks, page.expires)

    def _keep(self, window: Window) -> None:
        self._windows[window.start] = window
        if len(self._windows) > KEPT_WINDOWS:
            self._windows.popitem(last=False)

    def _list(self, start: int, results: int, token: str | None) -> Listing:
        def ask() -> Listing:
            self._spending.listed()
            return self._requests.list_blocks(self.snapshot_id, start, results, token)

        return self._patiently(ask, f"cannot list the blocks of {self.snapshot_id}")

    def _verified(self, index: int, token: str, into: memoryview | None) -> bytes | bytearray | memoryview:
        def ask() -> bytes | bytearray | memoryview:
            self._pace.take()
            self._spending.asked()
            received = self._requests.get_block(self.snapshot_id, index, token, into)
            self._spending.received(len(received.data))
            check(received, self.block_size)
            return received.data

        return self._patiently(ask, f"cannot read block {index} of {self.snapshot_id}")

    def _patiently(self, ask: Callable[[], T], what: str) -> T:
        return patiently(ask, what, self._clock, self._spending, self._pace)


def patiently(ask: Callable[[], T], what: str, clock: Clock, spending: Spending, pace: Pace | None = None) -> T:
    """Ask, and ask again after throttling, a server's error, a broken connection or a broken block.

    The account's throttling also slows the pace down; a snapshot's own (RequestThrottledException) only waits.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            with translated(what, _REMEDY):
                return ask()
        except (AwsError, *_BROKEN, BrokenBlockError) as error:
            if not _passes(error):
                raise
            if pace is not None and _is_of_account(error):
                pace.slow_down()
        spending.tried_again()
        clock.sleep(min(LONGEST_PAUSE, 0.1 * 2**attempt))
    try:
        with translated(what, _REMEDY):
            return ask()
    except (*_BROKEN, BrokenBlockError) as error:
        raise AwsError(what, f"after {ATTEMPTS} attempts: {error}", "Run the same command again.") from error


_REMEDY = "See: aws ec2 describe-snapshots --snapshot-ids ID"


def check(received: Received, block_size: int) -> None:
    """`BrokenBlockError` for a block that is cut off or whose SHA-256 differs."""
    if len(received.data) != block_size:
        raise BrokenBlockError(f"it has {len(received.data)} bytes instead of {block_size}")
    if received.algorithm != "SHA256":
        raise BrokenBlockError(f"its checksum is by {received.algorithm or 'nothing'}")
    if not hmac.compare_digest(b64encode(sha256(received.data).digest()).decode(), received.checksum):
        raise BrokenBlockError("its checksum differs")


def _passes(error: BaseException) -> bool:
    """Whether trying again may help."""
    cause = error.__cause__ if isinstance(error, AwsError) else error
    if not isinstance(cause, ClientError):
        return isinstance(cause, (*_BROKEN, BrokenBlockError))
    status: int = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool("Throttl" in cause.response["Error"]["Code"] or status >= 500)


def _is_of_account(error: BaseException) -> bool:
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    code, reason = cause.response["Error"]["Code"], cause.response.get("Reason", "")
    return bool(code == "ThrottlingException" or reason == "ACCOUNT_THROTTLED")
