"""`baseops backups ls`: what is on a device, or in a directory of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from baseops.snapshots.device import Device
from baseops.snapshots.files import Entry, Snapshot
from baseops.snapshots.tree import Stat
from baseops.snapshots.volumes import Volume, volumes_of


@dataclass(frozen=True)
class Listed:
    """One line: a path, its metadata, and where a link leads."""

    path: str
    stat: Stat
    target: str | None = None


def on_device(device: Device) -> list[Volume]:
    """Everything on a device: partitions, logical volumes, what each holds or why it cannot be read."""
    return volumes_of(device)


def in_directory(snapshot: Snapshot, path: str, *, recursive: bool = False) -> Iterator[Listed]:
    """A directory's content sorted by name, or the file itself."""
    if snapshot.stat(path).kind != "dir":
        yield _listed(snapshot, snapshot.entry(path, follow_symlinks=False))
        return
    for entry in snapshot.walk(path) if recursive else snapshot.scandir(path):
        yield _listed(snapshot, entry)


def _listed(snapshot: Snapshot, entry: Entry) -> Listed:
    target = snapshot.target(entry) if entry.kind == "symlink" else None
    return Listed(entry.path, entry.stat, target)
