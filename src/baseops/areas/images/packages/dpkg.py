"""Reads the package database of Debian and Ubuntu from an image: `status`, and the times of the files in `info`.

dpkg keeps no dates. But it unpacks a package's control files with the times that its build gave them, and writes the
list of a package's files when it installs it: `libc6:amd64.md5sums` was built, `libc6:amd64.list` was installed then.
https://man7.org/linux/man-pages/man1/dpkg.1.html (FILES)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from baseops.areas.images.packages.package import Package
from baseops.errors import SnapshotError
from baseops.snapshots.files import Snapshot

DATABASES = ("/var/lib/dpkg/status",)
MOST_BYTES = 64 << 20
_INFO = "/var/lib/dpkg/info"
_CORE = ("required", "important", "standard")
"""What a system has whatever is put on it: https://www.debian.org/doc/debian-policy/ch-archive.html#priorities."""


def dpkg_packages(snapshot: Snapshot, place: str) -> list[Package]:
    """The installed packages of the database at `place`."""
    size = snapshot.stat(place).size
    if size > MOST_BYTES:
        raise SnapshotError(f"{place} is not read", f"it has {size:,} bytes, more than any package database")
    with snapshot.open(place) as file:
        text = file.read().decode(errors="replace")
    times = _times(snapshot)
    return [_package(fields, times) for fields in paragraphs(text) if _is_installed(fields)]


def paragraphs(text: str) -> Iterator[Mapping[str, str]]:
    """The fields of each paragraph of a control file, by their names in lower case; continued lines are left out."""
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            name, mark, value = line.partition(":")
            if mark and not line.startswith((" ", "\t")):
                fields[name.lower()] = value.strip()
        if "package" in fields:
            yield fields


def _is_installed(fields: Mapping[str, str]) -> bool:
    return fields.get("status", "").split()[-1:] == ["installed"]


def _package(fields: Mapping[str, str], times: Mapping[str, datetime]) -> Package:
    name = fields["package"]
    stems = (f"{name}:{fields.get('architecture', '')}", name)
    return Package(
        name,
        fields.get("version", ""),
        _time(times, stems, "md5sums"),
        _time(times, stems, "list"),
        fields.get("maintainer", "").partition("<")[0].strip(),
        is_core=fields.get("priority", "") in _CORE,
    )


def _time(times: Mapping[str, datetime], stems: tuple[str, ...], ending: str) -> datetime | None:
    return next((found for stem in stems if (found := times.get(f"{stem}.{ending}"))), None)


def _times(snapshot: Snapshot) -> Mapping[str, datetime]:
    if not snapshot.exists(_INFO):
        return {}
    return {
        each.name: each.stat.modified
        for each in snapshot.scandir(_INFO)
        if each.kind == "file" and each.name.endswith((".list", ".md5sums"))
    }
