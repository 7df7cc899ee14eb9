"""Reads the header of an RPM package as the database keeps it: an index of entries, and their data behind it.

https://rpm-software-management.github.io/rpm/manual/format_header.html: two counts, then sixteen bytes for each entry
(tag, type, offset, count), all big-endian. What the database keeps lacks the magic number in front.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from baseops.areas.images.packages.package import Package
from baseops.errors import DamagedError

NAME, VERSION, RELEASE, BUILT, INSTALLED, VENDOR = 1000, 1001, 1002, 1006, 1008, 1011
_TEXTS = {NAME, VERSION, RELEASE, VENDOR}
_TIMES = {BUILT, INSTALLED}
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_COUNTS, _ENTRY = struct.Struct(">II"), struct.Struct(">IIII")
MOST_ENTRIES, MOST_BYTES = 0xFFFF, 256 << 20
"""As rpm itself bounds them."""


def package(blob: bytes) -> Package:
    """The package of a header; raises `DamagedError` for what is none."""
    found = values(blob)
    version = "-".join(str(found[tag]) for tag in (VERSION, RELEASE) if tag in found)
    return Package(
        str(found.get(NAME, "")), version, _moment(found, BUILT), _moment(found, INSTALLED), str(found.get(VENDOR, ""))
    )


def values(blob: bytes) -> Mapping[int, str | int]:
    """The first value of each tag that is known here."""
    entries, length = _counts(blob)
    start = _COUNTS.size + entries * _ENTRY.size
    data = blob[start : start + length]
    found: dict[int, str | int] = {}
    for tag, kind, offset, count in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
        if tag not in _TEXTS | _TIMES or not count:
            continue
        if offset >= len(data):
            raise DamagedError(f"tag {tag} of a package's header lies behind its data", f"at offset {offset}")
        if tag in _TEXTS and kind in (_STRING, _STRINGS, _TRANSLATED):
            found[tag] = data[offset : data.index(b"\0", offset) if b"\0" in data[offset:] else None].decode(
                errors="replace"
            )
        elif tag in _TIMES and kind == _INT32 and offset + 4 <= len(data):
            found[tag] = int.from_bytes(data[offset : offset + 4], "big")
    return found


def _counts(blob: bytes) -> tuple[int, int]:
    if len(blob) < _COUNTS.size:
        raise DamagedError("a package's header is cut off", f"it has {len(blob)} bytes")
    entries, length = _COUNTS.unpack_from(blob)
    if not entries or entries > MOST_ENTRIES or length > MOST_BYTES:
        raise DamagedError("a package's header is damaged", f"it counts {entries} entries and {length} bytes")
    if len(blob) < _COUNTS.size + entries * _ENTRY.size + length:
        raise DamagedError("a package's header is cut off", f"it has {len(blob)} bytes")
    return entries, length


def _moment(found: Mapping[int, str | int], tag: int) -> datetime | None:
    seconds = found.get(tag)
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds else None
