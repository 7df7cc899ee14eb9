"""Reads a declaration and its lock from disk, with the areas that this package has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from baseops import declaration
from baseops.contract.lock import Lock
from baseops.contract.types import AreaName
from baseops.declaration import Declaration
from baseops.errors import DeclarationError, UsageError
from baseops.registry import AREAS

if TYPE_CHECKING:
    from baseops.contract.area import SpecPart

LOCK_NAME = "baseops.lock"


class _Specs(Mapping[AreaName, "SpecPart"]):
    """The areas' models; one is imported when a declaration mentions its area."""

    _areas = {area.name: area for area in AREAS}  # noqa: RUF012  # never changed

    def __getitem__(self, name: AreaName) -> SpecPart:
        return self._areas[name].spec

    def __contains__(self, name: object) -> bool:
        return name in self._areas

    def __iter__(self) -> Iterator[AreaName]:
        return iter(self._areas)

    def __len__(self) -> int:
        return len(self._areas)


SPECS: Mapping[AreaName, SpecPart] = _Specs()


def load(path: str | Path) -> Declaration:
    """The declaration in a file, validated; raises `DeclarationError` with every problem found."""
    return declaration.load(Path(path), SPECS)


def lock_path(of: Declaration) -> Path:
    """Where the lock of a declaration lies: beside it."""
    return of.path.parent / LOCK_NAME


def load_lock(of: Declaration) -> Lock:
    """The lock beside the declaration; an empty one when there is none.

    Raises `DeclarationError` when it belongs to another declaration: places and bases of two would mix.
    """
    lock = declaration.read_lock(lock_path(of))
    if lock.declaration and lock.declaration != of.site.name:
        raise DeclarationError(
            f"{lock_path(of)} is the lock of the declaration {lock.declaration}, not of {of.site.name}",
            "it says where the resources of one declaration live, and which versions they have",
            f"Give {of.path.name} a folder of its own; if it was renamed, write the new name into the lock.",
        )
    return lock


def save_lock(of: Declaration, lock: Lock) -> bool:
    """Write the lock, under the declaration's name, when it differs from what lies there; whether it did."""
    named = replace(lock, declaration=of.site.name)
    if load_lock(of) == named:
        return False
    declaration.write_lock(lock_path(of), named)
    return True


def check_lock(of: Declaration, lock: Lock) -> None:
    """Raise `UsageError` when the lock on disk is not the one that compiling gives."""
    if load_lock(of) != replace(lock, declaration=of.site.name):
        raise UsageError(
            f"{lock_path(of)} would have to change",
            "the declaration needs places, versions or fingerprints that it does not hold",
            "Run baseops compile without --locked and commit the lock.",
        )
