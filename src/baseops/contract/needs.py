"""What an area asks of the foundation: keys, publishers to the alert topic, uploads, drill permissions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from baseops.contract.types import DrillClass, Json, Purpose


@dataclass(frozen=True)
class KeyNeed:
    """A KMS key for a purpose in a region, and the AWS services that must be able to use it.

    `services` are rows of `semantics.keys` (`logs`, `cloudwatch`, `events`, `sns`, `ses`, …).
    `shared_with` are account ids; only the images and backups keys may name any. `organizations` are ids
    such as `o-abc123` (for AMIs shared with an organisation).
    """

    purpose: Purpose
    region: str
    services: frozenset[str] = frozenset()
    shared_with: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Artifact:
    """Bytes that have to be in the artifact bucket before a stack names them (a function, a component)."""

    name: str
    content: bytes

    @property
    def key(self) -> str:
        """The object key: the content's SHA-256 makes each upload immutable."""
        return f"artifacts/{hashlib.sha256(self.content).hexdigest()[:32]}/{self.name}"


@dataclass(frozen=True)
class Needs:
    """All that one area needs. `publishers` are AWS services that publish to the alert topic of a region.

    `drill_statements` are IAM statements that the area's drills need, by class. `frozen` are fingerprints, by
    stable names such as `secrets/app/db-password`, that the lock remembers from the first compile on: those it does
    not know are added to `Lock.frozen`, known ones are never changed (the area's `build` refuses a difference).
    `components` are the SHA-256 of versioned contents, by owner and name: the lock gives each content a version,
    and a new content the next one (`Lock.components`), before the area builds. `drill_instance`: the area's drills
    start instances, and so need the profile that `Refs.drill_profile` names.
    """

    keys: tuple[KeyNeed, ...] = ()
    publishers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    drill_statements: Mapping[DrillClass, tuple[Mapping[str, Json], ...]] = field(default_factory=dict)
    frozen: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    drill_instance: bool = False
