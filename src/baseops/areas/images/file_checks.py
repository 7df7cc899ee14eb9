"""Whether what the declaration says of an image's files and packages is true of its root file system."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from baseops.areas.images.image_accounts import accounts
from baseops.areas.images.matching import matching
from baseops.areas.images.shown import listed, shown
from baseops.snapshots.files import Snapshot

if TYPE_CHECKING:
    from baseops.areas.images.spec import ImageCheck

LARGEST = 64 << 20
"""How much of a file is read for a text that should stand in it."""


def faults(snapshot: Snapshot, checks: Sequence[ImageCheck], packages: Collection[str]) -> list[str]:
    """What does not hold, in words; `packages` are the names of those installed. Commands are somebody else's."""
    found = [_fault(snapshot, each, packages) for each in checks]
    return [each for each in found if each]


def _fault(snapshot: Snapshot, check: ImageCheck, packages: Collection[str]) -> str:
    if check.file:
        return _file_fault(snapshot, check, check.file)
    if check.absent:
        there = matching(snapshot, check.absent)
        return f"{listed([shown(each) for each in there])} should be absent" if there else ""
    if check.package and check.package not in packages:
        return f"the package {check.package} is not installed"
    return ""


def _file_fault(snapshot: Snapshot, check: ImageCheck, path: str) -> str:
    if not snapshot.exists(path):
        return f"{path} is missing"
    stat = snapshot.stat(path)
    if stat.kind != "file":
        return f"{path} is a {stat.kind}, not a file"
    if check.mode and stat.permissions != int(check.mode, 8):
        return f"{path} has the mode {stat.permissions:04o}, not {check.mode}"
    if check.owner and (said := _owner_fault(snapshot, path, stat.uid, check.owner)):
        return said
    if check.contains and not _contains(snapshot, path, check.contains):
        return f"{path} does not hold the declared text"
    return ""


def _owner_fault(snapshot: Snapshot, path: str, uid: int, owner: str) -> str:
    names = [each.name for each in accounts(snapshot) if each.uid == uid]
    return "" if owner in names else f"{path} belongs to {names[0] if names else uid}, not to {owner}"


def _contains(snapshot: Snapshot, path: str, wanted: str) -> bool:
    with snapshot.open(path) as file:
        return wanted.encode() in file.read(LARGEST)
