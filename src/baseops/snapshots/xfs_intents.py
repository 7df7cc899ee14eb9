"""Work that an XFS transaction announced and no later one finished: what is to be carried out, the rest in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import unpack_from
from typing import NamedTuple

from baseops.snapshots.xfs_mappings import Exchange, Mapping, parse_exchange, parse_mapping
from baseops.snapshots.xlog_transactions import Item

EXTENTS, ATTRIBUTES, EXCHANGES = 0x1244, 0x1246, 0x1248
_SPACE = "only the count of free space is behind"
_INTENTS = {
    0x1236: ("extents to free", _SPACE),
    0x1240: ("entries of the reverse map", _SPACE),
    0x1242: ("counts of shared blocks", _SPACE),
    0x124A: ("realtime extents to free", _SPACE),
    0x124C: ("entries of the realtime reverse map", _SPACE),
    0x124E: ("counts of shared realtime blocks", _SPACE),
    EXTENTS: ("changes of extents of attributes or on the realtime device", "the file may show its former content"),
    ATTRIBUTES: ("changes of extended attributes", "an attribute may show its former value"),
    EXCHANGES: ("exchanges of attributes", "the two files may show a mixture of old and new attributes"),
}
"""Intents by kind; the record that one is done has the next number."""
MOST_NAMED = 8
_PARSERS: dict[int, Callable[[bytes], Mapping | Exchange]] = {EXTENTS: parse_mapping, EXCHANGES: parse_exchange}


class Announced(NamedTuple):
    """An intent: the inodes that it names, and the change of extents that can be carried out."""

    inodes: tuple[int, ...]
    change: Mapping | Exchange | None = None


class Intents:
    """What is announced and not done yet."""

    def __init__(self) -> None:
        """Nothing announced."""
        self._open: dict[tuple[int, int], Announced] = {}

    def see(self, item: Item) -> None:
        """An item that changes nothing by itself."""
        region = item.regions[0]
        if len(region) < 16:
            raise ValueError(f"an item of kind 0x{item.kind:04x} is cut off")
        number = unpack_from("<Q", region, 8)[0]
        if item.kind in _INTENTS:
            self._open[item.kind, number] = _announced(item.kind, region)
        elif item.kind - 1 in _INTENTS:
            self._open.pop((item.kind - 1, number), None)
        else:
            raise ValueError(f"an item of kind 0x{item.kind:04x} is not known")

    def changes(self) -> Iterator[Mapping | Exchange]:
        """Changes of the extents of files, in the order in which they were announced."""
        return (each.change for each in self._open.values() if each.change)

    def notes(self) -> tuple[str, ...]:
        """What was left undone, and what that means."""
        undone: dict[int, list[Announced]] = {}
        for (kind, _), each in self._open.items():
            if not each.change:
                undone.setdefault(kind, []).append(each)
        return tuple(_note(kind, undone[kind]) for kind in sorted(undone))


def _announced(kind: int, region: bytes) -> Announced:
    if kind in _PARSERS:
        change = _PARSERS[kind](region)
        return Announced(change.inodes, None if change.elsewhere else change)
    if kind != ATTRIBUTES:
        return Announced(())
    if len(region) < 24:
        raise ValueError(f"an item of kind 0x{kind:04x} is cut off")
    return Announced(unpack_from("<Q", region, 16))


def _note(kind: int, undone: list[Announced]) -> str:
    name, meaning = _INTENTS[kind]
    inodes = sorted({inode for each in undone for inode in each.inodes})
    where = f" of inode {', '.join(map(str, inodes[:MOST_NAMED]))}" if inodes else ""
    more = f" and {len(inodes) - MOST_NAMED} more" if len(inodes) > MOST_NAMED else ""
    return f"{len(undone)} unfinished intents ({name}{where}{more}): {meaning}"
