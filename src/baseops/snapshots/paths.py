"""Paths inside snapshots, and from there to local ones. Names are hostile: nothing leads out of where it should be."""

from __future__ import annotations

import os
from pathlib import Path

from baseops.errors import DamagedError, SnapshotError

MAX_NAME = 1024


def text(name: bytes) -> str:
    """A name as text; bytes that are not UTF-8 come back by `raw`."""
    return name.decode("utf-8", "surrogateescape")


def raw(path: str | bytes) -> bytes:
    """A path as the bytes that it has in the file system."""
    return path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")


def parts(path: str | bytes) -> list[bytes]:
    """The names in a path, from the root of the file system; . and empty ones left out."""
    return [each for each in raw(path).split(b"/") if each not in (b"", b".")]


def joined(directory: str, name: str) -> str:
    """A path in a directory."""
    return f"{directory.rstrip('/')}/{name}"


def checked(name: bytes, directory: str) -> bytes:
    """A name as it stands in a directory; `DamagedError` for one that could not be made there."""
    if not name or len(name) > MAX_NAME or name in (b".", b"..") or b"/" in name or b"\0" in name:
        raise DamagedError(f"the directory {directory!r} is damaged", f"it holds a file with the name {name[:80]!r}")
    return name


def safe_join(folder: str | os.PathLike[str], path: str | bytes) -> Path:
    """A path of a snapshot below a local folder; `SnapshotError` for one that would leave it.

    What exists there already is looked at too: no part of the way may be a symbolic link.
    """
    names = parts(path)
    if any(name == b".." or b"\0" in name for name in names):
        raise SnapshotError(f"{text(raw(path))!r} leads out of {folder}", "it holds ..", "Name the folder itself")
    place = Path(folder)
    for number, name in enumerate(names):
        place = place / os.fsdecode(name)
        if number + 1 < len(names) and place.is_symlink():
            raise SnapshotError(f"{place} is a symbolic link", "what is below it would leave the folder", "Remove it")
    return place
