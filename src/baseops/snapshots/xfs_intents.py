"""Work that an XFS transaction announced: what no later one finished, in words. It is not carried out."""

from __future__ import annotations

from struct import unpack_from

from baseops.snapshots.xlog_transactions import Item

_SPACE = "only the count of free space is behind"
_INTENTS = {
    0x1236: ("extents to free", _SPACE),
    0x1240: ("entries of the reverse map", _SPACE),
    0x1242: ("counts of shared blocks", _SPACE),
    0x124A: ("realtime extents to free", _SPACE),
    0x124C: ("entries of the realtime reverse map", _SPACE),
    0x124E: ("counts of shared realtime blocks", _SPACE),
    0x1244: ("changes of a file's extents", "a file that was just being cloned or swapped may show its former content"),
    0x1246: ("changes of extended attributes", "an attribute may show its former value"),
    0x1248: ("exchanges between two files", "the two files may show a mixture of old and new content"),
}
"""Intents by kind; the record that one is done has the next number."""


class Intents:
    """What is announced and not done yet."""

    def __init__(self) -> None:
        """Nothing announced."""
        self._open: dict[tuple[int, int], int] = {}
        self._unknown: set[int] = set()

    def see(self, item: Item) -> None:
        """An item that changes nothing by itself."""
        if len(item.regions[0]) < 16:
            raise ValueError(f"an item of kind 0x{item.kind:04x} is cut off")
        number = unpack_from("<Q", item.regions[0], 8)[0]
        if item.kind in _INTENTS:
            self._open[item.kind, number] = max(1, unpack_from("<I", item.regions[0], 4)[0] & 0xFFFF)
        elif item.kind - 1 in _INTENTS:
            self._open.pop((item.kind - 1, number), None)
        else:
            raise ValueError(f"an item of kind 0x{item.kind:04x} is not known")

    def notes(self) -> tuple[str, ...]:
        """What was left undone, and what that means."""
        kinds = sorted({kind for kind, _ in self._open})
        found = []
        for kind in kinds:
            count = sum(1 for each, _ in self._open if each == kind)
            name, meaning = _INTENTS[kind]
            found.append(f"{count} unfinished intents ({name}): {meaning}")
        return tuple(found)
