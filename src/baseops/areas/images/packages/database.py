"""Finds the package database of an image and reads it, whichever package manager it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from baseops.areas.images.packages import dpkg, rpm
from baseops.areas.images.packages.package import Package
from baseops.errors import UnsupportedError
from baseops.snapshots.files import Snapshot

_READERS: Mapping[str, Callable[[Snapshot, str], list[Package]]] = {
    **dict.fromkeys(rpm.DATABASES, rpm.rpm_packages),
    **dict.fromkeys(dpkg.DATABASES, dpkg.dpkg_packages),
}
_UNREAD = {
    "/var/lib/rpm/Packages": "RPM's Berkeley DB",
    "/usr/lib/sysimage/rpm/Packages.db": "RPM's ndb",
    "/lib/apk/db/installed": "Alpine's apk",
    "/var/lib/pacman/local": "pacman's folder",
}


def installed(snapshot: Snapshot) -> list[Package]:
    """The installed packages. Raises `UnsupportedError` that says what was looked for; also for an empty database."""
    for place, read in _READERS.items():
        if snapshot.exists(place):
            found = read(snapshot, place)
            if found:
                return found
            raise UnsupportedError("the package database tells nothing", f"{place} lists no package")
    other = next((f"there is {place}, {what}" for place, what in _UNREAD.items() if snapshot.exists(place)), "")
    looked = f"looked for {', '.join(_READERS)}"
    raise UnsupportedError(
        "the image has no package database that is read here", f"{looked}; {other}" if other else looked
    )
