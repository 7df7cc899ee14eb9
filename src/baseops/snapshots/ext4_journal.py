"""Replay of ext4's journal as an overlay: what the kernel would write at the next mount, without writing it.

The rules are the kernel's (jbd2: scan, revoke, replay): a transaction without its commit block is dropped, a revoked
block is not brought back from that transaction or an older one, a checksum that is wrong inside what was committed is
an error. The clean-up of orphans is not done: no name leads to them.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from struct import unpack_from

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.checksums import ONES, crc32_big_endian
from baseops.snapshots.device import Fetchable
from baseops.snapshots.ext4_mapping import read_mapping
from baseops.snapshots.ext4_superblock import JOURNAL_DEVICE, Superblock, read_inode, read_superblock
from baseops.snapshots.fast_commits import count_fast_commits
from baseops.snapshots.jbd2 import (
    ASYNC_COMMIT,
    COMMIT,
    DESCRIPTOR,
    MAGIC,
    MAGIC_BYTES,
    OLD_CHECKSUM,
    REVOKE,
    Journal,
    Tag,
)
from baseops.snapshots.overlay import CLEAN, Patches, Replay

ORPHANS = "files that were deleted while open, or being cut short, keep their space: no name leads to what is left"
LEAST_AHEAD, MOST_AHEAD = 512 << 10, 8 << 20
WORD = 0xFFFFFFFF


def replay(device: Fetchable) -> Replay:
    """What the journal of the ext2, ext3 or ext4 file system on the device changes.

    Two small reads where it is clean; else the used part of the journal, once. Errors: `DamagedError`,
    `UnsupportedError` (the journal lies on another device, or has features that are not known).
    """
    superblock = read_superblock(device)
    if superblock.incompatible & JOURNAL_DEVICE:
        raise UnsupportedError(
            "this is the journal of an ext4 file system", "the file system is on another device", "Name that device"
        )
    if not (superblock.has_journal and superblock.needs_recovery):
        return CLEAN
    journal = open_journal(device, superblock)
    notes = (ORPHANS,) if superblock.has_orphans else ()
    if not journal.layout.start:
        return Replay(dirty=True, not_replayed=notes)
    return _replay(journal, superblock, notes)


def open_journal(device: Fetchable, superblock: Superblock) -> Journal:
    """The journal inside the file system."""
    if not superblock.journal_inode:
        raise UnsupportedError(
            "the ext4 journal lies on another device",
            "the file system was in use when it was copied and cannot be read rightly without it",
            "Restore both volumes and mount them",
        )
    mapping = read_mapping(device, superblock, read_inode(device, superblock, superblock.journal_inode))
    return Journal(device, mapping, superblock.block_size)


def _replay(journal: Journal, superblock: Superblock, notes: tuple[str, ...]) -> Replay:
    scan = Scan(journal)
    pieces: dict[int, bytes | int] = {}
    for transaction in scan.transactions:
        _apply(journal, superblock, transaction, scan.revoked, pieces)
    fast = count_fast_commits(journal, scan.sequence)
    if fast:
        notes = (*notes, f"{fast} fast commits after transaction {scan.sequence - 1}: the newest changes are missing")
    return Replay(Patches(journal.block_size, pieces), True, len(scan.transactions), notes)


@dataclass(frozen=True)
class Transaction:
    """A committed transaction: its number, and where in the journal its descriptor blocks are."""

    sequence: int
    descriptors: array[int] = field(default_factory=lambda: array("Q"))


class Scan:
    """One walk over the used part of a journal: its committed transactions in order, and what they revoke."""

    def __init__(self, journal: Journal) -> None:
        """Walk to the end of what was committed."""
        self.journal = journal
        self.sequence = journal.layout.sequence
        self.transactions: list[Transaction] = []
        self.revoked: dict[int, int] = {}
        self._open = Transaction(self.sequence)
        self._open_revokes: list[tuple[int, bytes]] = []
        self._suspect: str = ""
        self._newest = 0
        self._checksum = ONES
        self._left = journal.layout.length
        self._fetched = 0
        self._walk(journal.layout.start)

    def _walk(self, number: int) -> None:
        while True:
            self._look_ahead(number)
            block = self.journal.block(number)
            magic, kind, sequence = unpack_from(">III", block)
            if magic != MAGIC or sequence != self.sequence or kind not in {DESCRIPTOR, COMMIT, REVOKE}:
                return
            taken = 1
            if kind == DESCRIPTOR:
                taken += self._descriptor(number, block)
            elif kind == REVOKE:
                self._revoke(number, block)
            elif not self._commit(number, block):
                return
            self._left -= taken
            if self._left < 0:
                raise DamagedError("the ext4 journal", "its transactions are longer than the journal itself")
            number = self.journal.after(number, taken)

    def _look_ahead(self, number: int) -> None:
        """Fetch what comes next, a quarter as much as has been walked: the end of the used part is not known."""
        walked = (self.journal.layout.length - self._left) * self.journal.block_size
        if walked >= self._fetched:
            ahead = min(max(walked // 4, LEAST_AHEAD), MOST_AHEAD)
            self.journal.fetch(number, ahead // self.journal.block_size)
            self._fetched = walked + ahead

    def _descriptor(self, number: int, block: bytes) -> int:
        count = sum(1 for _ in self.journal.tags(block))
        if count + 1 > self._left:
            raise DamagedError(f"block {number} of the ext4 journal", "its transaction is longer than the journal")
        if not self.journal.tail_is_right(block):
            self._suspect = f"the descriptor block {number}"
        elif self.journal.layout.compatible & OLD_CHECKSUM and not self._suspect:
            self._add_checksum(number, block, count)
        self._open.descriptors.append(number)
        return count

    def _add_checksum(self, number: int, block: bytes, count: int) -> None:
        self._checksum = crc32_big_endian(self._checksum, block)
        for step in range(1, count + 1):
            self._checksum = crc32_big_endian(self._checksum, self.journal.block(self.journal.after(number, step)))

    def _revoke(self, number: int, block: bytes) -> None:
        if not self.journal.tail_is_right(block):
            self._suspect = f"the revoke block {number}"
        self._open_revokes.append((number, block))

    def _commit(self, number: int, block: bytes) -> bool:
        """Whether the transaction counts; an error if it was committed and is wrong all the same."""
        seconds = unpack_from(">Q", block, 48)[0]
        if not self._suspect and not self._is_whole(block):
            self._suspect = f"the commit block {number}"
        if self._suspect:
            # A time before the last one: a leftover of the journal's earlier life that happens to fit.
            if seconds < self._newest or self.journal.layout.incompatible & ASYNC_COMMIT:
                return False
            raise DamagedError(
                f"transaction {self.sequence} of the ext4 journal",
                f"the checksum of {self._suspect} (offset {self.journal.offset(number)} or before) is wrong",
                "The image is damaged: the kernel refuses to mount it, too",
            )
        self._close(seconds)
        return True

    def _is_whole(self, block: bytes) -> bool:
        if not self.journal.layout.compatible & OLD_CHECKSUM:
            return self.journal.commit_is_right(block)
        kind, size, stated = block[12], block[13], unpack_from(">I", block, 16)[0]
        return (kind, size, stated) in {(1, 4, self._checksum), (0, 0, 0)}

    def _close(self, seconds: int) -> None:
        for number, block in self._open_revokes:
            self.revoked.update(dict.fromkeys(self.journal.revoked(block, number), self.sequence))
        self.transactions.append(self._open)
        self.sequence = (self.sequence + 1) & WORD
        self._newest = seconds
        self._checksum = ONES
        self._open = Transaction(self.sequence)
        self._open_revokes = []


def _apply(
    journal: Journal,
    superblock: Superblock,
    transaction: Transaction,
    revoked: dict[int, int],
    pieces: dict[int, bytes | int],
) -> None:
    for number in transaction.descriptors:
        place = number
        for tag in journal.tags(journal.block(number)):
            place = journal.after(place)
            if tag.block in revoked and _not_after(transaction.sequence, revoked[tag.block]):
                continue
            _check(journal, superblock, tag, transaction.sequence, place)
            escaped = MAGIC_BYTES + journal.block(place)[4:] if tag.escaped else None
            pieces[tag.block] = escaped or journal.offset(place)


def _check(journal: Journal, superblock: Superblock, tag: Tag, sequence: int, place: int) -> None:
    if tag.block >= superblock.blocks:
        raise DamagedError(
            f"transaction {sequence} of the ext4 journal", f"it changes block {tag.block} of {superblock.blocks}"
        )
    if not journal.data_is_right(tag, sequence, journal.block(place)):
        raise DamagedError(
            f"block {place} of the ext4 journal at offset {journal.offset(place)}",
            f"its checksum is wrong (block {tag.block} of the file system, transaction {sequence})",
            "The image is damaged: the kernel refuses to mount it, too",
        )


def _not_after(sequence: int, other: int) -> bool:
    """Whether one number comes no later than another, where numbers wrap at 32 bits."""
    return (other - sequence) & WORD < 1 << 31
