"""Paths below a root folder as the guest sees them: links are followed inside it, and never lead outside."""

from __future__ import annotations

from pathlib import Path

_MAX_LINKS = 40


def within(root: Path, path: str) -> Path:
    """The place of a path, all its links followed as for whom `root` is `/`."""
    place, pending = root, _names(path)
    links = 0
    while pending:
        name = pending.pop()
        if name == "..":
            place = place if place == root else place.parent
            continue
        inner = place / name
        if inner.is_symlink() and links < _MAX_LINKS:
            links += 1
            target = str(inner.readlink())
            place = root if target.startswith("/") else place
            pending += _names(target)
        else:
            place = inner
    return place


def entry(root: Path, path: str) -> Path:
    """The same, with the last part as it is: a link itself, not where it leads."""
    parent, _, name = path.rstrip("/").rpartition("/")
    return within(root, parent) / name


def _names(path: str) -> list[str]:
    return [each for each in path.split("/") if each not in ("", ".")][::-1]
