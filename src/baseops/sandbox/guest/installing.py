"""Puts packages of the catalogue into a root folder: their files, links, enabled units, and the package database."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from baseops.sandbox.file_listing import give
from baseops.sandbox.guest import rpm_database
from baseops.sandbox.guest.catalogue import PACKAGES, Package, built, texts_of
from baseops.sandbox.guest.paths import entry, within
from baseops.sandbox.guest.rpm_database import Installed
from baseops.sandbox.guest.units import enable


def install(root: Path, names: Iterable[str], release: str, architecture: str, now: datetime) -> None:
    """Install packages of a release; the files are as old as their packages."""
    wanted = [PACKAGES[name] for name in names]
    rpm_database.install(root, [_put(root, each, release, architecture, now) for each in wanted])
    for each in wanted:
        for unit in each.enables:
            enable(root, unit)


def _put(root: Path, package: Package, release: str, architecture: str, now: datetime) -> Installed:
    when = int(built(package, release).timestamp())
    files: dict[str, tuple[int, int]] = {}
    for path in package.folders:
        within(root, path).mkdir(parents=True, exist_ok=True)
    for path, (text, mode) in texts_of(package.name).items():
        place = within(root, path)
        content = text.replace("@RELEASE@", release).encode()
        files[path] = (len(content), 0o100000 | mode)
        if not _is_kept(place, path):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            give(place, mode)
            os.utime(place, (when, when))
    for path, target in package.links.items():
        place = entry(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)
    return Installed(
        package.name,
        package.version or release,
        package.release,
        package.architecture or architecture,
        when,
        int(now.timestamp()),
        package.summary,
        files,
    )


def _is_kept(place: Path, path: str) -> bool:
    """Configuration that is there stays, as rpm's %config(noreplace) does; what says the release does not."""
    return path.startswith("/etc/") and place.exists() and place.name not in ("amazon-linux-release", "releasever")
