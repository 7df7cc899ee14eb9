"""Reads a declaration and its lock from disk, with the areas that this package has."""

from __future__ import annotations

from pathlib import Path

from baseops import declaration
from baseops.contract.lock import Lock
from baseops.declaration import Declaration
from baseops.registry import AREAS

LOCK_NAME = "baseops.lock"


def load(path: str | Path) -> Declaration:
    """The declaration in a file, validated; raises `DeclarationError` with every problem found."""
    return declaration.load(Path(path), {area.name: area.spec for area in AREAS})


def lock_path(of: Declaration) -> Path:
    """Where the lock of a declaration lies: beside it."""
    return Path(of.path).parent / LOCK_NAME


def load_lock(of: Declaration) -> Lock:
    """The lock beside the declaration; an empty one when there is none."""
    return declaration.read_lock(lock_path(of))


def save_lock(of: Declaration, lock: Lock) -> bool:
    """Write the lock when it differs from what lies there; whether it did."""
    if declaration.read_lock(lock_path(of)) == lock:
        return False
    declaration.write_lock(lock_path(of), lock)
    return True
