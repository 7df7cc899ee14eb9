"""What must not move by itself between two runs: `baseops.lock` as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LockedBase:
    """The base image of one of ours: the AMI, its name, and the release its packages are locked to.

    Amazon Linux 2023 AMIs are release-locked: https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html
    """

    image_id: str
    name: str
    release_version: str
    source: str


@dataclass(frozen=True)
class LockedComponent:
    """The version that belongs to a component's content; a new content takes the next version."""

    version: str
    sha256: str


@dataclass(frozen=True)
class Lock:
    """The whole lock. `places` says for each of our stacks which part each unit of resources lives in.

    `frozen` holds fingerprints of what must stay as it was first applied, because a change would replace live data
    (how a secret was generated). An area refuses to compile against another fingerprint; who wants the replacement
    takes that one line out of the lock. `declaration` is the name of the declaration that it belongs to.
    """

    bases: Mapping[str, LockedBase] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, LockedComponent]] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    frozen: Mapping[str, str] = field(default_factory=dict)
    declaration: str = ""
