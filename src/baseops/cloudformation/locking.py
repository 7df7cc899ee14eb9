"""Moves a lock on to what the areas now need: versions of new contents, fingerprints of what is frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from baseops.contract.lock import Lock, LockedComponent
from baseops.contract.needs import Needs

FIRST_VERSION = "1.0.0"


def advanced(lock: Lock, needs: Sequence[Needs]) -> Lock:
    """The lock with what it did not know yet: a content it knows keeps its version, a fingerprint its value.

    What is no longer needed is forgotten, except a fingerprint: what it guards may still exist.
    """
    contents = {owner: names for each in needs for owner, names in each.components.items()}
    frozen = {name: value for each in needs for name, value in each.frozen.items()}
    return replace(
        lock,
        components={owner: _versions(names, lock.components.get(owner, {})) for owner, names in contents.items()},
        frozen={**frozen, **lock.frozen},
    )


def _versions(contents: Mapping[str, str], known: Mapping[str, LockedComponent]) -> dict[str, LockedComponent]:
    return {name: _version(sha256, known.get(name)) for name, sha256 in contents.items()}


def _version(sha256: str, known: LockedComponent | None) -> LockedComponent:
    if known is None:
        return LockedComponent(FIRST_VERSION, sha256)
    if known.sha256 == sha256:
        return known
    major, minor, patch = known.version.split(".")
    return LockedComponent(f"{major}.{minor}.{int(patch) + 1}", sha256)
