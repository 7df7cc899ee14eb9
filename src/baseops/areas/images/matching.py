"""What a path with wildcards leads to in an image, through symbolic links: `/sbin` may be one, and `/var/run`."""

from __future__ import annotations

import re

from baseops.areas.images.image_accounts import is_folder
from baseops.errors import NoSuchPathError
from baseops.snapshots.files import Snapshot
from baseops.snapshots.globbing import matching_names


def matching(snapshot: Snapshot, pattern: str) -> list[str]:
    """The paths that exist, links that lead nowhere included; `**` is any number of directories."""
    if "**" in pattern.split("/"):
        return [each.path for each in snapshot.glob(pattern)]
    found = [""]
    for part in filter(None, pattern.split("/")):
        found = [each for path in found for each in _below(snapshot, path, part)]
    return found


def _below(snapshot: Snapshot, path: str, part: str) -> list[str]:
    if not re.search(r"[*?\[]", part):
        return [f"{path}/{part}"] if _is_there(snapshot, f"{path}/{part}") else []
    matches = matching_names(part)
    inside = snapshot.scandir(path or "/") if is_folder(snapshot, path or "/") else ()
    return [f"{path}/{each.name}" for each in inside if matches(each.name)]


def _is_there(snapshot: Snapshot, path: str) -> bool:
    try:
        snapshot.entry(path, follow_symlinks=False)
    except NoSuchPathError:
        return False
    return True
