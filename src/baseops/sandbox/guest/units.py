"""systemd's unit files in a root folder: which there are, and which are enabled, by their links."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from baseops.sandbox.guest.paths import entry, within

_ETC = "/etc/systemd/system"
_FOLDERS = (_ETC, "/usr/lib/systemd/system")


def full_name(unit: str) -> str:
    """`nginx` is nginx.service."""
    return unit if re.search(r"\.(service|socket|timer|target|path|mount)$", unit) else f"{unit}.service"


def find(root: Path, unit: str) -> Path | None:
    """The file of a unit; None where there is none. A masked one is a link to /dev/null."""
    return next(
        (place for folder in _FOLDERS if os.path.lexists(place := entry(root, f"{folder}/{full_name(unit)}"))), None
    )


def is_masked(root: Path, unit: str) -> bool:
    """Whether a unit is masked."""
    place = entry(root, f"{_ETC}/{full_name(unit)}")
    return place.is_symlink() and str(place.readlink()) == "/dev/null"


def state_of(root: Path, unit: str) -> str:
    """As `systemctl is-enabled` says it."""
    place = find(root, unit)
    if place is None:
        return "not-found"
    if is_masked(root, unit):
        return "masked"
    if any(os.path.lexists(link) for link in _links(root, unit)):
        return "enabled"
    return "disabled" if _wanting(place) else "static"


def enable(root: Path, unit: str) -> list[tuple[str, str]]:
    """Make the links of [Install]; gives (link, target) of those that are new."""
    place, made = find(root, unit), []
    for link in _links(root, unit) if place else ():
        if place and not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            target = "/" + place.relative_to(root).as_posix()
            link.symlink_to(target)
            made.append(("/" + link.relative_to(root).as_posix(), target))
    return made


def disable(root: Path, unit: str) -> list[str]:
    """Remove them."""
    gone = [link for link in _links(root, unit) if os.path.lexists(link)]
    for link in gone:
        link.unlink()
    return ["/" + link.relative_to(root).as_posix() for link in gone]


def mask(root: Path, unit: str) -> bool:
    """Link a unit to /dev/null; not where a file of its own is in the way."""
    place = entry(root, f"{_ETC}/{full_name(unit)}")
    if os.path.lexists(place):
        return is_masked(root, unit)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to("/dev/null")
    return True


def unmask(root: Path, unit: str) -> None:
    """Take that back."""
    if is_masked(root, unit):
        (entry(root, f"{_ETC}/{full_name(unit)}")).unlink()


def known(root: Path) -> list[str]:
    """The names of all units with a file."""
    folders = [place for folder in _FOLDERS if (place := within(root, folder)).is_dir()]
    found = {each.name for folder in folders for each in folder.iterdir()}
    return sorted(name for name in found if name == full_name(name))


def _links(root: Path, unit: str) -> Iterator[Path]:
    place = find(root, unit)
    for target in _wanting(place) if place else ():
        yield entry(root, f"{_ETC}/{target}.wants/{full_name(unit)}")


def _wanting(place: Path) -> list[str]:
    if place.is_symlink() or not place.is_file():
        return []
    lines = re.findall(r"^WantedBy=(.+)$", place.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return [target for line in lines for target in line.split()]
