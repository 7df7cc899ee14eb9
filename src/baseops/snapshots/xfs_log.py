"""Replay of XFS's log as an overlay: what the kernel would write at the next mount, without writing it.

The rules are the kernel's (log recovery): buffers that were freed later are not brought back, what is newer on the
disk than in the log stays. Of the work that a transaction announced (intents) and no later one finished, changes of
extents are carried out; the rest is not done, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from struct import unpack_from

from baseops.errors import DamagedError
from baseops.snapshots.device import Fetchable
from baseops.snapshots.overlay import CLEAN, Replay
from baseops.snapshots.xfs_buffer_items import CANCEL, INODES, BufferFormat, lsn_on_disk, stretches
from baseops.snapshots.xfs_buffer_items import parse_format as parse_buffer
from baseops.snapshots.xfs_inode_items import MAGIC_BYTES, NEXT_UNLINKED, fresh_inode, replayed_inode
from baseops.snapshots.xfs_inode_items import parse_format as parse_inode
from baseops.snapshots.xfs_intents import Intents
from baseops.snapshots.xfs_mappings import carry_out
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import Superblock, read_superblock
from baseops.snapshots.xlog import Ring
from baseops.snapshots.xlog_bounds import Bounds, find_bounds
from baseops.snapshots.xlog_transactions import Item, Transaction, read_transactions

INODE, BUFFER, QUOTA, CREATION = 0x123B, 0x123C, 0x123D, 0x123F
QUOTA_OFF = 0x123E
NEVER = (1 << 64) - 1
QUOTA_BYTES = 104
KEPT_SECTORS = (16 << 20) // 512
MOST_AT_ONCE = 1 << 10
"""The kernel creates 64 inodes at once, or a block of them."""
MOST_CREATED = 1 << 22


def replay(device: Fetchable) -> Replay:
    """What the log of the XFS on the device changes.

    About ten reads where it is clean; else the used part of the log, twice where that is more than 16 MiB. Errors:
    `DamagedError`, `UnsupportedError` (version 4, a log on another device, features that are not known).
    """
    superblock = read_superblock(device)
    ring = Ring(device, superblock)
    bounds = find_bounds(ring)
    if bounds.clean:
        return CLEAN
    once, again = _walks(ring, bounds)
    recovery = Recovery(device, superblock, _cancellations(once))
    for transaction in again:
        recovery.apply(transaction)
    carry_out(recovery.sectors, superblock, recovery.intents.changes())
    notes = recovery.intents.notes()
    if bounds.torn:
        notes = (f"{bounds.torn} torn records at the end of the log were dropped, as the kernel does", *notes)
    return Replay(recovery.sectors.patches(), True, recovery.transactions, notes)


def _walks(ring: Ring, bounds: Bounds) -> tuple[Iterable[Transaction], Iterable[Transaction]]:
    """The committed transactions for two walks: kept where they are few, else read twice."""
    if (bounds.head - bounds.tail) % ring.length <= KEPT_SECTORS:
        kept = list(read_transactions(ring, bounds))
        return kept, kept
    return read_transactions(ring, bounds), read_transactions(ring, bounds)


def _cancellations(transactions: Iterable[Transaction]) -> Counter[tuple[int, int]]:
    """How often each buffer is freed in the log: up to the last time, it is not brought back."""
    found: Counter[tuple[int, int]] = Counter()
    for transaction in transactions:
        for item in transaction.items:
            if item.kind == BUFFER and len(item.regions[0]) >= 20 and item.regions[0][4] & CANCEL:
                block, sectors = unpack_from("<q", item.regions[0], 8)[0], unpack_from("<H", item.regions[0], 6)[0]
                found[block, sectors] += 1
    return found


class Recovery:
    """The second walk over the log: applies transactions in order."""

    def __init__(self, device: Fetchable, superblock: Superblock, cancelled: Counter[tuple[int, int]]) -> None:
        """`cancelled` is what the first walk found; it is used up."""
        self.superblock = superblock
        self.sectors = Sectors(device, superblock.size)
        self.intents = Intents()
        self.transactions = 0
        self._cancelled = cancelled
        self._created = 0
        self._handlers: dict[int, Callable[[Item, int], None]] = {
            BUFFER: self._buffer,
            INODE: self._inode,
            CREATION: self._creation,
            QUOTA: self._quota,
        }

    def apply(self, transaction: Transaction) -> None:
        """One transaction: buffers first, then what lies in them, then lists of unlinked inodes, then cancellations."""
        self.transactions += 1
        for item in sorted(transaction.items, key=_turn):
            try:
                handler = self._handlers.get(item.kind)
                if handler:
                    handler(item, transaction.lsn)
                elif item.kind != QUOTA_OFF:
                    self.intents.see(item)
            except ValueError as error:
                cycle, sector = transaction.lsn >> 32, transaction.lsn & 0xFFFFFFFF
                raise DamagedError(
                    f"the transaction of the XFS log that begins in sector {sector} of the log (cycle {cycle})",
                    str(error),
                ) from error

    def _buffer(self, item: Item, lsn: int) -> None:
        form = parse_buffer(item.regions[0])
        if form.flags & CANCEL:
            self._cancelled[form.key] -= 1
            return
        if self._cancelled[form.key] > 0 or not form.sectors:
            return
        old = self.sectors.pread(form.offset, min(form.sectors * 512, 512))
        newer = lsn_on_disk(self.superblock, old)
        if newer not in {None, 0, NEVER} and newer >= lsn:
            return
        if form.flags & INODES:
            self._unlinked(form, item.regions)
            return
        for place, data in stretches(form, item.regions):
            self.sectors.write(form.offset + place, data)

    def _unlinked(self, form: BufferFormat, regions: list[bytes]) -> None:
        """Of a buffer of inodes only the pointers to the next unlinked one count: the rest is logged by inode."""
        size = self.superblock.inode_size
        for place, data in stretches(form, regions):
            first = -(-(place - NEXT_UNLINKED.start) // size) * size + NEXT_UNLINKED.start
            for at in range(first, place + len(data) - 3, size):
                self.sectors.write(form.offset + at, data[at - place : at - place + 4])

    def _inode(self, item: Item, lsn: int) -> None:
        form = parse_inode(item.regions[0])
        if self._cancelled[form.buffer, form.buffer_sectors] > 0:
            return
        if form.place < 0 or form.place % self.superblock.inode_size or form.buffer < 0:
            raise ValueError(f"inode {form.number} at {form.place} in the buffer at sector {form.buffer}")
        old = self.sectors.pread(form.offset, self.superblock.inode_size)
        if old[:2] != MAGIC_BYTES:
            raise ValueError(f"there is no inode at offset {form.offset}, where inode {form.number} belongs")
        newer = int.from_bytes(old[112:120], "big")
        if newer in {0, NEVER} or newer <= lsn:
            self.sectors.write(form.offset, replayed_inode(self.superblock, form, item.regions, old, lsn))

    def _creation(self, item: Item, _: int) -> None:
        """A stretch of new inodes, which the log describes instead of writing them out."""
        if len(item.regions[0]) < 28:
            raise ValueError("the creation of inodes is cut off")
        group, block, count, size, length, generation = unpack_from(">IIIIII", item.regions[0], 4)
        superblock = self.superblock
        fits = 0 < block < superblock.group_blocks and 0 < length <= superblock.group_blocks - block
        per_block = superblock.block_size // superblock.inode_size
        if not fits or group >= superblock.groups or size != superblock.inode_size or count != length * per_block:
            raise ValueError(f"it creates {count} inodes in {length} blocks at block {block} of group {group}")
        self._created += count
        if count > MOST_AT_ONCE or self._created > MOST_CREATED:
            raise ValueError(f"it creates {count} inodes at once and {self._created} in all")
        if self._freed(group, block, length):
            return
        number = superblock.inode_number(group, block)
        inodes = (fresh_inode(superblock, number + index, generation) for index in range(count))
        self.sectors.write(superblock.offset(group, block), b"".join(inodes))

    def _freed(self, group: int, block: int, length: int) -> bool:
        cluster = self.superblock.cluster_blocks
        sectors = self.superblock.block_size // 512
        starts = range(block, block + length, cluster)
        keys = ((self.superblock.offset(group, at) // 512, cluster * sectors) for at in starts)
        return any(self._cancelled[key] > 0 for key in keys)

    def _quota(self, item: Item, lsn: int) -> None:
        form = item.regions[0]
        if len(form) < 24 or len(item.regions) < 2 or len(item.regions[1]) < QUOTA_BYTES:
            raise ValueError("a quota record is cut off")
        block, _, place = unpack_from("<qiI", form, 8)
        offset = block * 512 + place
        newer = int.from_bytes(self.sectors.pread(offset + 112, 8), "big") if block >= 0 else NEVER
        if newer in {0, NEVER} or newer < lsn:
            self.sectors.write(offset, item.regions[1][:QUOTA_BYTES])


def _turn(item: Item) -> int:
    if item.kind == CREATION:
        return 0
    if item.kind != BUFFER:
        return 1
    flags = item.regions[0][4] if len(item.regions[0]) > 4 else 0
    return 3 if flags & CANCEL else 2 if flags & INODES else 0
