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


CLEAN = Bounds(0, 0, clean=True)


def find_bounds(ring: Ring) -> Bounds:
    """The used part of the log; `clean` when its last record says that the file system was unmounted."""
    estimate = _estimate(ring)
    if estimate is None:
        return CLEAN
    if _ends_with_unmount(ring, estimate):
        # Written when nothing else was on its way: no need to look for holes before it.
        return CLEAN
    head = _whole_record(ring, _validated(ring, estimate)) % ring.length
    last = _last_header(ring, head)
    if _is_unmount(ring, last, head):
        return CLEAN
    return _verified(ring, last, head)


@dataclass(frozen=True)
class _Estimate:
    """About where the next record would go, and which cycles mark a hole before it and at the end of the log."""

    head: int
    hole: int
    hole_at_end: int | None = None


def _estimate(ring: Ring) -> _Estimate | None:
    """Where cycles change; None in a log that was never written."""
    first, last = ring.cycle(0), ring.cycle(ring.length - 1)
    if not first:
        return None
    if not last:
        if first != 1:
            raise ring.damaged(0, f"its first cycle is {first} and its end was never written")
        return _Estimate(_first_with(ring, 0), hole=0)
    if first == last:
        return _Estimate(ring.length, hole=last - 1)
    return _Estimate(_first_with(ring, last), hole=last, hole_at_end=last - 1)


def _ends_with_unmount(ring: Ring, estimate: _Estimate) -> bool:
    at = ring.header_before(estimate.head, min(RECORD_REACH, ring.length))
    if at is None:
        return False
    try:
        last = ring.header(at)
    except DamagedError:
        return False  # torn, perhaps: the longer way will tell
    return _is_unmount(ring, last, estimate.head) and ring.payload(last) is not None


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


def _validated(ring: Ring, estimate: _Estimate) -> int:
    """The head moved back to the first hole: a sector of the earlier cycle among those written last."""
    head = estimate.head
    wrapped = min(FLIGHT_REACH - head, ring.length - head)
    if wrapped > 0 and estimate.hole_at_end is not None:
        found = _first_hole(ring, ring.length - wrapped, wrapped, estimate.hole_at_end)
        if found is not None:
            return found
    start = max(0, head - FLIGHT_REACH)
    found = _first_hole(ring, start, head - start, estimate.hole)
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
