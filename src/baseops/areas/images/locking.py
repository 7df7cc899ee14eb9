"""Finds the base of an image in an account, so that the lock can hold it: the AMI, its name, its release.

Public parameters keep no history, so the lock is the only record of what an image was built on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baseops.areas.images import sources
from baseops.contract.clients import Clients
from baseops.contract.lock import Lock, LockedBase
from baseops.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Base, Section

_AL2023 = re.compile(r"al2023-ami-(?:[a-z-]+-)?(\d{4}\.\d+\.\d{8})\.\d+-")


@dataclass(frozen=True)
class Move:
    """What locking would do with the base of one image; `before` is None where none was locked."""

    image: str
    before: LockedBase | None
    after: LockedBase

    @property
    def is_change(self) -> bool:
        """Whether the lock would change."""
        return self.before != self.after


def release_version(name: str) -> str:
    """The release in the name of an Amazon Linux 2023 AMI, as `dnf --releasever` takes it; "" for other systems.

    https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades-usage.html
    """
    found = _AL2023.match(name)
    return found[1] if found else ""


def resolve(image: str, base: Base, clients: Clients) -> LockedBase:
    """The AMI that a base means now. Raises `NotFoundError` where there is none.

    AWS calls: ssm:GetParameter, ec2:DescribeImages.
    """
    image_id, source = _found(image, base, clients)
    described = sources.ami(clients, clients.region, image_id)
    if described is None:
        raise NotFoundError(
            f"images.{image}: there is no AMI {image_id} in {clients.region}",
            "it was deregistered, is not shared with this account, or belongs to another region",
            "Correct `base`, then run: baseops images lock",
            code="InvalidAMIID.NotFound",
        )
    name = str(described.get("Name", ""))
    return LockedBase(image_id, name, release_version(name), source)


def _found(image: str, base: Base, clients: Clients) -> tuple[str, str]:
    region = clients.region
    if base.image_id:
        return base.image_id, base.image_id
    if base.parameter:
        value = sources.parameter(clients, region, base.parameter)
        if value is None:
            raise NotFoundError(
                f"images.{image}: there is no parameter {base.parameter} in {region}",
                "Parameter Store does not know it",
                f"Correct `base`; public ones: aws ssm get-parameters-by-path --path {_parent(base.parameter)}",
                code="ParameterNotFound",
            )
        return value, base.parameter
    named = sources.amis_named(clients, region, base.name or "", base.owner or "", base.architecture)
    if not named:
        raise NotFoundError(
            f"images.{image}: {base.owner} has no AMI named {base.name} in {region}",
            "none is available, or none is shared with this account",
            "Correct `base`, then run: baseops images lock",
            code="InvalidAMIID.NotFound",
        )
    return str(named[-1]["ImageId"]), f"{base.owner}/{base.name}"


def _parent(name: str) -> str:
    return name.rpartition("/")[0] or "/"


def complete(section: Section, lock: Lock, clients: Clients) -> Lock:
    """The lock with the bases that it lacks; those it has stay, whatever is newer."""
    missing = {
        name: resolve(name, entry.base, clients)
        for name, entry in section.managed.items()
        if entry.base is not None and name not in lock.bases
    }
    return replace(lock, bases={**lock.bases, **missing}) if missing else lock


def moves(section: Section, lock: Lock, clients: Clients, images: Iterable[str] = ()) -> list[Move]:
    """Where the bases of images (of all, when none is named) would move to. Raises `UsageError` for an unknown name."""
    named = list(images) or list(section.managed)
    unknown = [name for name in named if name not in section.managed]
    if unknown:
        known = ", ".join(section.managed) or "none"
        raise UsageError(
            f"there is no image {unknown[0]!r} to lock", f"the declaration builds: {known}", "Name one of them"
        )
    found = []
    for name in named:
        base = section.managed[name].base
        if base is not None:
            found.append(Move(name, lock.bases.get(name), resolve(name, base, clients)))
    return found


def moved(lock: Lock, made: Iterable[Move]) -> Lock:
    """The lock after the moves."""
    bases: Mapping[str, LockedBase] = {**lock.bases, **{each.image: each.after for each in made}}
    return replace(lock, bases=bases)
