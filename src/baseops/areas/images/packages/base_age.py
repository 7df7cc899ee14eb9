"""How old the packages of an image's system are: what a fresh build date hides when the base under it is old. Pure.

Amazon Linux 2023 locks all its packages to a release, whose date is in the version of `system-release`
(https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades-usage.html). Other systems have no such date: they
are as young as the newest package of the system, and at least as old as their first installation is ago.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from baseops.areas.images.packages.package import Package

RELEASE = "system-release"
_DATED = re.compile(r"\d{4}\.\d+\.(\d{8})(?:\D|$)")
_BEHIND = timedelta(days=60)
"""How long before its release the newest other package of a release was built, at most: releases come fortnightly."""


@dataclass(frozen=True)
class Dated:
    """From when the packages are, and by what that is known."""

    at: datetime
    by: str


def base_date(packages: Sequence[Package]) -> Dated | None:
    """From when the packages of the system are; None where nothing tells."""
    core = _of_the_system(packages)
    others = [each for each in core if each.name != RELEASE]
    newest = max((each for each in others if each.built), key=_built, default=None)
    release = _release(packages)
    if release is None:
        return _undated(core, newest)
    if newest is not None and _built(newest) < release.at - _BEHIND:
        said = f"{newest.name}-{newest.version} is its newest package of the system, whatever {RELEASE} says"
        return Dated(_built(newest), said)
    return release


def _release(packages: Sequence[Package]) -> Dated | None:
    found = next((each for each in packages if each.name == RELEASE), None)
    dated = _DATED.match(found.version) if found else None
    if found is None or dated is None:
        return None
    try:
        at = datetime.strptime(dated[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Dated(at, f"{RELEASE} is {found.version}")


def _undated(core: Sequence[Package], newest: Package | None) -> Dated | None:
    first = min((each for each in core if each.installed), key=_installed, default=None)
    found = []
    if newest is not None:
        found.append(Dated(_built(newest), f"{newest.name} {newest.version} is its newest package of the system"))
    if first is not None:
        found.append(Dated(_installed(first), f"{first.name} {first.version} was installed first"))
    return max(found, key=lambda each: each.at, default=None)


def _of_the_system(packages: Sequence[Package]) -> list[Package]:
    """Those of the vendor that most are of, and of them what belongs to every system: others may be younger."""
    core = [each for each in packages if each.is_core]
    if any(not each.is_core for each in packages):
        return core
    vendors = Counter(each.vendor for each in core)
    usual = max(vendors, key=lambda each: vendors[each], default="")
    return [each for each in core if each.vendor == usual]


def _built(package: Package) -> datetime:
    return package.built or datetime.min.replace(tzinfo=UTC)


def _installed(package: Package) -> datetime:
    return package.installed or datetime.max.replace(tzinfo=UTC)
