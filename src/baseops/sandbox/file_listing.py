"""Lists the files of a folder, and says by which debugfs commands one listing becomes another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listed:
    """A file, directory or symbolic link as it was seen. `changed_ns` tells a file that was written again."""

    kind: str
    mode: int
    owner: tuple[int, int]
    modified: int
    size: int = 0
    changed_ns: int = 0
    target: str = ""


Listing = Mapping[str, Listed]
"""By path from the root, such as `/etc/fstab`; the root itself is `/`."""


def give(place: Path, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Set mode and owner of a file or directory as far as this user may; never so that this user cannot read it."""
    is_root = os.geteuid() == 0
    if is_root and owner != (0, 0):
        with suppress(OSError):  # not mapped where root is root of a user namespace alone
            os.chown(place, *owner)
    place.chmod(mode if is_root else mode | (0o700 if place.is_dir() else 0o600))


def listing_of(folder: Path) -> dict[str, Listed]:
    """What a folder holds; sockets and devices are left out, as is what mke2fs makes itself."""
    found = {"/": _seen(folder.lstat(), str(folder))}
    for path, place in _below(str(folder), ""):
        listed = _seen(os.lstat(place), place)
        if listed.kind:
            found[path] = listed
    return found


def _below(folder: str, path: str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            inner = f"{path}/{entry.name}"
            if inner == "/lost+found" or "\n" in entry.name or '"' in entry.name:
                continue
            yield inner, entry.path
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, inner)


def _seen(status: os.stat_result, place: str) -> Listed:
    mode, owner, modified = status.st_mode, (status.st_uid, status.st_gid), int(status.st_mtime)
    if os.geteuid() != 0:
        owner = (0, 0)  # what this user made is root's in the guest
    if stat.S_ISDIR(mode):
        return Listed("dir", mode, owner, modified)
    if stat.S_ISLNK(mode):
        return Listed("symlink", mode, owner, 0, target=str(Path(place).readlink()))
    kind = "file" if stat.S_ISREG(mode) else ""
    return Listed(kind, mode, owner, modified, status.st_size, status.st_ctime_ns)


def rebased(before: Listing, old: Listing, new: Listing) -> dict[str, Listed]:
    """`before` as it reads in a copy: `old` is the folder now, `new` its copy."""
    return {path: new[path] if old.get(path) == each and path in new else each for path, each in before.items()}


def edits(before: Listing, after: Listing, folder: Path) -> list[str]:
    """The commands that bring a file system from one listing to another; contents come from the folder."""
    gone = {path for path, each in before.items() if path not in after or _is_other(each, after[path])}
    removals = [_removal(path, before[path]) for path in sorted(gone, reverse=True)]
    new = [path for path in sorted(after) if path not in before or path in gone]
    additions = [line for path in new for line in _addition(path, after[path], folder)]
    touched = [path for path in sorted(after, reverse=True) if path in new or before[path] != after[path]]
    # The directory of whatever came or went, too: debugfs gives it another time.
    parents = {path.rpartition("/")[0] or "/" for path in (*gone, *new)} & set(after)
    return [*removals, *additions, *(line for path in (*touched, *parents) for line in _attributes(path, after[path]))]


def _is_other(old: Listed, new: Listed) -> bool:
    """Whether it has to be made anew; a directory never, what is in it stays."""
    if old.kind == "dir" == new.kind:
        return False
    return (old.kind, old.size, old.changed_ns, old.target) != (new.kind, new.size, new.changed_ns, new.target)


def _removal(path: str, listed: Listed) -> str:
    return f'{"rmdir" if listed.kind == "dir" else "rm"} "{path}"'


def _addition(path: str, listed: Listed, folder: Path) -> list[str]:
    if listed.kind == "dir":
        return [f'mkdir "{path}"']
    if listed.kind == "symlink":
        return [f'symlink "{path}" "{listed.target}"']
    return [f'write "{folder}{path}" "{path}"']


def _attributes(path: str, listed: Listed) -> list[str]:
    if listed.kind == "symlink":
        return []
    owner, group = listed.owner
    owned = [f'sif "{path}" uid {owner}', f'sif "{path}" gid {group}'] if owner or group else []
    return [f'sif "{path}" mode 0{listed.mode:o}', f'sif "{path}" mtime @{listed.modified}', *owned]
