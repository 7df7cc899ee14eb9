"""Transactions out of an XFS log: operations of records joined to items, items to transactions that were committed.

It interprets no item. What was not committed before the end of the log is left out, as the kernel does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import unpack_from
from typing import NamedTuple

from baseops.snapshots.xfs_superblock import BASIC_BLOCK
from baseops.snapshots.xlog import Header, Ring
from baseops.snapshots.xlog_bounds import Bounds

START, COMMIT, CONTINUES, CONTINUED, END, UNMOUNT = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
CLIENTS = {0x69, 0xAA}
HEADER_MAGIC = 0x5452414E
HEADER_BYTES = 16
MOST_REGIONS = 257
LARGEST_REGION = 128 * 1024
AHEAD = (8 << 20) // BASIC_BLOCK
"""Sectors to fetch side by side: 16 blocks of 512 KiB."""
OPERATION_BYTES = 200
"""About what an operation takes in memory beside its data."""
MOST_OPEN, MOST_PENDING = 1024, 256 << 20
"""Transactions that are open at once, and their bytes: few checkpoints are on their way, of at most 64 MiB each."""


class Item(NamedTuple):
    """A logged change: its kind, and its regions, of which the first describes the others."""

    kind: int
    regions: list[bytes]


@dataclass
class Transaction:
    """A checkpoint: the sequence number of the record where it began, and its items."""

    lsn: int
    items: list[Item] = field(default_factory=list)
    size: int = 0
    _header: bytes = b""
    _missing: int = 0
    _growing: bytearray | None = None

    def add(self, region: bytes) -> None:
        """The next region: of the header, of the item that still misses some, or of a new item."""
        if not region:
            return
        self.size += len(region) + OPERATION_BYTES
        self._settle()
        if len(self._header) < HEADER_BYTES:
            self._begin(region)
        elif self._missing:
            self.items[-1].regions.append(region)
            self._missing -= 1
        else:
            self._open(region)

    def extend(self, region: bytes) -> None:
        """The rest of a region that did not fit into its record."""
        if len(self._header) < HEADER_BYTES:
            self._header += region
        elif self.items:
            self._grow(region)
        if len(self._header) > HEADER_BYTES:
            raise ValueError("the header of a transaction is too long")

    def finished(self) -> list[Item]:
        """The items, none of which may miss a region."""
        self._settle()
        if self._missing:
            raise ValueError(f"its last item misses {self._missing} regions")
        return self.items

    def _grow(self, region: bytes) -> None:
        if self._growing is None:
            self._growing = bytearray(self.items[-1].regions[-1])
        self.size += len(region)
        self._growing += region
        if len(self._growing) > LARGEST_REGION:
            raise ValueError(f"a region has more than {LARGEST_REGION} bytes")

    def _settle(self) -> None:
        if self._growing is not None:
            self.items[-1].regions[-1] = bytes(self._growing)
            self._growing = None

    def _begin(self, region: bytes) -> None:
        if len(region) > HEADER_BYTES or int.from_bytes(region[:4], "little") != HEADER_MAGIC:
            raise ValueError("it does not begin with a transaction header")
        self._header = region

    def _open(self, region: bytes) -> None:
        if len(region) < 4:
            raise ValueError("an item is too short")
        kind, regions = unpack_from("<HH", region)
        if not 0 < regions <= MOST_REGIONS:
            raise ValueError(f"an item claims {regions} regions")
        self.items.append(Item(kind, [region]))
        self._missing = regions - 1


def read_records(ring: Ring, bounds: Bounds) -> Iterator[tuple[Header, bytes]]:
    """The records of the used part, in order, each with what it holds."""
    sector, left = bounds.tail, (bounds.head - bounds.tail) % ring.length
    fetched = left
    while left > 0:
        if left <= fetched:
            ring.fetch(sector, min(left, AHEAD))
            fetched = left - AHEAD
        header = ring.header(sector)
        data = ring.payload(header)
        if data is None:
            raise ring.damaged(sector, "its checksum is wrong")
        yield header, data
        sector, left = (sector + header.sectors) % ring.length, left - header.sectors
    if left:
        raise ring.damaged(bounds.head, "the last record reaches beyond the head of the log")


def read_transactions(ring: Ring, bounds: Bounds) -> Iterator[Transaction]:
    """The committed transactions, in the order in which they were committed."""
    pending: dict[int, Transaction] = {}
    for header, data in read_records(ring, bounds):
        for number, flags, region in _operations(ring, header, data):
            try:
                done = _operate(pending, number, flags, region, header.lsn)
            except ValueError as error:
                raise ring.damaged(header.sector, f"transaction 0x{number:08x}: {error}") from error
            if done:
                yield done
        held = sum(each.size for each in pending.values())
        if len(pending) > MOST_OPEN or held > MOST_PENDING:
            raise ring.damaged(header.sector, f"{len(pending)} transactions with {held} bytes are open at once")


def _operations(ring: Ring, header: Header, data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    for _ in range(header.operations):
        if at + 12 > len(data):
            raise ring.damaged(header.sector, f"{header.operations} operations do not fit into it")
        number, length, client, flags = unpack_from(">IIBB", data, at)
        at += 12
        if client not in CLIENTS or at + length > len(data):
            raise ring.damaged(header.sector, f"an operation of {length} bytes at {at - 12}, client 0x{client:02x}")
        yield number, flags, data[at : at + length]
        at += length


def _operate(pending: dict[int, Transaction], number: int, flags: int, region: bytes, lsn: int) -> Transaction | None:
    transaction = pending.get(number)
    if flags & START:
        if transaction is None:
            pending[number] = Transaction(lsn)
    elif transaction is None:
        return None  # it began before the tail: what it changed has been written in place
    elif flags & COMMIT:
        transaction.finished()
        return pending.pop(number)
    elif flags & UNMOUNT:
        del pending[number]
    elif flags & CONTINUED:
        transaction.extend(region)
    else:
        transaction.add(region)
    return None
