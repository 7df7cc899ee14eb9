"""Where an XFS log begins and ends: the head by cycle numbers, torn records dropped, the tail from the last good one.

The rules are the kernel's: what comes last may be torn, but only within as many records as can have been on their way.
"""

from __future__ import annotations

from dataclasses import dataclass

from baseops.errors import DamagedError
from baseops.snapshots.xfs_superblock import BASIC_BLOCK
from baseops.snapshots.xlog import IN_FLIGHT, LARGEST_RECORD, MAGIC_BYTES, Header, Ring

RECORD_REACH = LARGEST_RECORD // BASIC_BLOCK + LARGEST_RECORD // (32 * 1024)
FLIGHT_REACH = IN_FLIGHT * LARGEST_RECORD // BASIC_BLOCK
UNMOUNT = 0x20


@dataclass(frozen=True)
class Bounds:
    """The used part of a log: from the sector `tail` up to, not including, `head`; how many records were torn."""

    tail: int
    head: int
    clean: bool
    torn: int = 0


def find_bounds(ring: Ring) -> Bounds:
    """The used part of the log; `clean` when its last record says that the file system was unmounted."""
    head = _find_head(ring)
    if head is None:
        return Bounds(0, 0, clean=True)
    last = _last_header(ring, head)
    if _is_unmount(ring, last, head):
        return Bounds(head, head, clean=True)
    return _verified(ring, last, head)


def _find_head(ring: Ring) -> int | None:
    """Where the next record would go; None in a log that was never written."""
    first, last = ring.cycle(0), ring.cycle(ring.length - 1)
    if not first:
        return None
    if not last:
        if first != 1:
            raise ring.damaged(0, f"its first cycle is {first} and its end was never written")
        head = _validated(ring, _first_with(ring, 0), wanted=0, behind=None)
    elif first == last:
        head = _validated(ring, ring.length, wanted=None, behind=last - 1)
    else:
        head = _validated(ring, _first_with(ring, last), wanted=last, behind=last - 1)
    return _whole_record(ring, head) % ring.length


def _first_with(ring: Ring, cycle: int) -> int:
    """About where the sectors of the earlier cycle begin."""
    low, high = 0, ring.length - 1
    while high - low > 1:
        middle = (low + high) // 2
        if ring.cycle(middle) == cycle:
            high = middle
        else:
            low = middle
    return high


def _validated(ring: Ring, head: int, *, wanted: int | None, behind: int | None) -> int:
    """The head moved back to the first hole: a sector of the earlier cycle among those written last.

    `wanted` is the cycle of holes before the head; `behind` the one at the end of the log, where the stretch of what
    was written last goes round it (or where the head is the very end).
    """
    start = max(0, head - FLIGHT_REACH)
    wrapped = min(FLIGHT_REACH - head, ring.length - head)
    if wrapped > 0 and behind is not None:
        found = _first_hole(ring, ring.length - wrapped, wrapped, behind)
        if found is not None:
            return found
    hole = behind if wanted is None else wanted
    found = _first_hole(ring, start, head - start, hole) if hole is not None else None
    return head if found is None else found


def _first_hole(ring: Ring, sector: int, count: int, cycle: int) -> int | None:
    if count <= 0:
        return None
    cycles = ring.cycles(sector, count)
    return sector + cycles.index(cycle) if cycle in cycles else None


def _whole_record(ring: Ring, head: int) -> int:
    """The head, or the start of the record before it if that is not there in full."""
    at = ring.header_before(head, min(RECORD_REACH + 1, ring.length))
    if at is None:
        raise ring.damaged(head, "no record begins within reach before it")
    try:
        whole = ring.header(at).sectors
    except DamagedError:
        return at
    return head if head - at == whole else at


def _last_header(ring: Ring, head: int) -> Header:
    at = ring.header_before(head, ring.length)
    if at is None:
        raise ring.damaged(head, "no record begins before it")
    return ring.header(at)


def _is_unmount(ring: Ring, last: Header, head: int) -> bool:
    if last.operations != 1 or (last.sector + last.sectors - head) % ring.length:
        return False
    return bool(ring.read(last.sector + last.headers, 1)[9] & UNMOUNT)


def _verified(ring: Ring, last: Header, head: int) -> Bounds:
    """The bounds with torn records at the end dropped, and a tail that was written over moved up."""
    headers = _flight(ring, last)
    good = next((at for at, header in enumerate(headers) if ring.payload(header) is None), len(headers))
    if good < len(headers):
        head = headers[good].sector
        last = headers[good - 1] if good else _last_header(ring, head)
    return Bounds(_good_tail(ring, last, head), head, clean=False, torn=len(headers) - good)


def _flight(ring: Ring, last: Header) -> list[Header]:
    """The last records, oldest first: as many as can have been on their way at once, not beyond the tail."""
    found = [last]
    while len(found) < IN_FLIGHT and found[0].sector != last.tail:
        at = ring.header_before(found[0].sector, min(RECORD_REACH + 1, ring.length))
        if at is None:
            break
        found.insert(0, ring.header(at))
    return found


def _good_tail(ring: Ring, last: Header, head: int) -> int:
    """The tail that the last record names, or a later record where records on their way had written over it."""
    tail = last.tail
    reach = FLIGHT_REACH
    while reach > 0 and tail != last.sector:
        if _is_good(ring, tail):
            return tail
        step = _next_header(ring, tail + 1, (head - tail - 1) % ring.length)
        if step is None:
            break
        reach -= (step - tail) % ring.length
        tail = step % ring.length
    if tail != last.sector:
        raise ring.damaged(last.tail, "the oldest record that counts is not there")
    return tail


def _is_good(ring: Ring, sector: int) -> bool:
    try:
        return ring.payload(ring.header(sector)) is not None
    except DamagedError:
        return False  # it was written over


def _next_header(ring: Ring, sector: int, reach: int) -> int | None:
    for at in range(sector, sector + min(reach, RECORD_REACH)):
        if ring.read(at, 1)[:4] == MAGIC_BYTES:
            return at
    return None
