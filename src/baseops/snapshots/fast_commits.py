"""Fast commits in an ext4 journal: how many there are that ordinary replay does not show. They are not applied.

https://docs.kernel.org/filesystems/ext4/journal.html#fast-commits
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

from baseops.snapshots.checksums import crc32c_raw
from baseops.snapshots.jbd2 import Journal

TAIL, HEAD = 8, 9


def count_fast_commits(journal: Journal, sequence: int) -> int:
    """The whole fast commits that follow the last ordinary one; `sequence` is the number that follows it."""
    found = state = 0
    begun = False
    for kind, record in _records(journal):
        if kind == HEAD:
            begun = True
            if record[8:12] != sequence.to_bytes(4, "little"):
                return found
        if not begun:
            return 0
        if kind != TAIL:
            state = crc32c_raw(state, record)
            continue
        number, checksum = unpack_from("<II", record.ljust(12, b"\0"), 4)
        if number != sequence or checksum != crc32c_raw(state, record[:8]):
            return found
        found, state = found + 1, 0
    return found


def _records(journal: Journal) -> Iterator[tuple[int, bytes]]:
    for number in range(journal.layout.last + 1, journal.layout.length):
        block = journal.block(number)
        at = 0
        while at + 4 <= len(block):
            kind, length = unpack_from("<HH", block, at)
            if not 0 < kind <= HEAD or at + 4 + length > len(block):
                return
            yield kind, block[at : at + 4 + length]
            at += 4 + length
