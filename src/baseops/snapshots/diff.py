"""What differs between two snapshots, file by file. Blocks that are known to be equal are not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from baseops.snapshots.files import Entry, ErrorListener, Snapshot

PIECE = 4 << 20
ChangedBlocks = Callable[[int], bool]
"""Whether a block of the device differs between the two."""


@dataclass(frozen=True)
class Difference:
    """A path and what became of it; `what` names what changed: content, mode, owner, target, attributes, kind."""

    path: str
    change: Literal["added", "removed", "changed"]
    kind: str
    size: int
    what: tuple[str, ...] = ()


def diff(
    first: Snapshot,
    second: Snapshot,
    top: str = "/",
    *,
    is_changed: ChangedBlocks | None = None,
    on_error: ErrorListener | None = None,
) -> Iterator[Difference]:
    """Differences below a directory, sorted by path. Times alone are no difference.

    `is_changed` comes from a comparison of blocks; without it the content of files of equal size is read.
    """
    comparison = _Comparison(first, second, is_changed)
    old = {each.path: each for each in first.walk(top, on_error=on_error)}
    new = {each.path: each for each in second.walk(top, on_error=on_error)}
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before is None and after is not None:
            yield Difference(path, "added", after.kind, after.size)
        elif after is None and before is not None:
            yield Difference(path, "removed", before.kind, before.size)
        elif before is not None and after is not None:
            what = comparison.of(before, after)
            if what:
                yield Difference(path, "changed", after.kind, after.size, what)


class _Comparison:
    def __init__(self, first: Snapshot, second: Snapshot, is_changed: ChangedBlocks | None) -> None:
        self._first = first
        self._second = second
        self._is_changed = is_changed

    def of(self, before: Entry, after: Entry) -> tuple[str, ...]:
        if before.kind != after.kind:
            return ("kind",)
        found = []
        if before.stat.permissions != after.stat.permissions:
            found.append("mode")
        if (before.stat.uid, before.stat.gid) != (after.stat.uid, after.stat.gid):
            found.append("owner")
        if before.kind == "symlink" and self._first.target(before) != self._second.target(after):
            found.append("target")
        if before.kind == "file" and not self._same_content(before, after):
            found.append("content")
        if before.stat.changed_ns != after.stat.changed_ns and self._attributes_differ(before, after):
            found.append("attributes")
        return tuple(found)

    def _attributes_differ(self, before: Entry, after: Entry) -> bool:
        ours = self._first.filesystem.attributes(before.node)
        return ours != self._second.filesystem.attributes(after.node)

    def _same_content(self, before: Entry, after: Entry) -> bool:
        if before.size != after.size:
            return False
        return not before.size or self._same_blocks(before, after) or self._same_bytes(before, after)

    def _same_blocks(self, before: Entry, after: Entry) -> bool:
        """Whether both lie in the same place, in blocks that have not changed, and no journal touches them."""
        if self._is_changed is None or self._first.volume.label != self._second.volume.label:
            return False
        extents = self._first.filesystem.extents(before.node)
        if extents != self._second.filesystem.extents(after.node) or any(each.data is not None for each in extents):
            return False
        written = [(each.position, each.length) for each in extents if each.position is not None]
        if any(self._is_patched(place, length) for place, length in written):
            return False
        blocks = {index for place, length in written for index in self._second.blocks_of(place, length)}
        return not any(self._is_changed(index) for index in blocks)

    def _is_patched(self, place: int, length: int) -> bool:
        return any(len(each.replay.patches.within(place, length)) for each in (self._first, self._second))

    def _same_bytes(self, before: Entry, after: Entry) -> bool:
        with self._first.open(before) as old, self._second.open(after) as new:
            while True:
                ours, theirs = old.read(PIECE), new.read(PIECE)
                if ours != theirs:
                    return False
                if not ours:
                    return True
