"""`baseops backups find`: files by name, path, kind, size and age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from baseops.snapshots.files import Entry, ErrorListener, Snapshot
from baseops.snapshots.globbing import matching_names


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None means any. Sizes in bytes."""

    name: str | None = None
    kind: str | None = None
    larger_than: int | None = None
    smaller_than: int | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None

    def matcher(self) -> Callable[[Entry], bool]:
        """Whether an entry is one of those."""
        is_named = matching_names(self.name) if self.name is not None else None

        def matches(entry: Entry) -> bool:
            return (
                (is_named is None or is_named(entry.name))
                and (self.kind is None or entry.kind == self.kind)
                and (self.larger_than is None or entry.size > self.larger_than)
                and (self.smaller_than is None or entry.size < self.smaller_than)
                and (self.modified_after is None or entry.stat.modified >= self.modified_after)
                and (self.modified_before is None or entry.stat.modified < self.modified_before)
            )

        return matches


def find(snapshot: Snapshot, top: str, wanted: Wanted, on_error: ErrorListener) -> Iterator[Entry]:
    """What matches below a directory; what cannot be read goes to `on_error`."""
    matches = wanted.matcher()
    return (entry for entry in snapshot.walk(top, on_error=on_error) if matches(entry))
