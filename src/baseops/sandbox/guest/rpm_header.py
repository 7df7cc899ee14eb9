"""Headers of RPM packages as the package database holds them: an index of tags, then their data, big-endian.

https://rpm-software-management.github.io/rpm/manual/format_header.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INT16, INT32, STRING, BIN, STRING_ARRAY, I18N = 3, 4, 6, 7, 8, 9
_IMMUTABLE = 63
"""The region that was in the package; tags after it came with the installation."""
_ALIGNMENT = {INT16: 2, INT32: 4}
_ENTRY = struct.Struct(">iIiI")

NAME, VERSION, RELEASE, SUMMARY, DESCRIPTION, BUILDTIME, INSTALLTIME = 1000, 1001, 1002, 1004, 1005, 1006, 1008
SIZE, VENDOR, LICENSE, GROUP, OS, ARCH = 1009, 1011, 1014, 1016, 1021, 1022
FILESIZES, FILEMODES, FILEMTIMES, DIRINDEXES, BASENAMES, DIRNAMES = 1028, 1030, 1034, 1116, 1117, 1118
SOURCERPM, FILEFLAGS, FILEUSERNAME, FILEGROUPNAME = 1044, 1037, 1039, 1040
PROVIDENAME, PROVIDEVERSION, INSTALLTID, PROVIDEFLAGS = 1047, 1113, 1128, 1112
_TYPES = {
    **dict.fromkeys((NAME, VERSION, RELEASE, VENDOR, LICENSE, OS, ARCH, SOURCERPM), STRING),
    **dict.fromkeys((SUMMARY, DESCRIPTION, GROUP), I18N),
    **dict.fromkeys(
        (BUILDTIME, INSTALLTIME, SIZE, FILESIZES, FILEMTIMES, DIRINDEXES, INSTALLTID, PROVIDEFLAGS, FILEFLAGS), INT32
    ),
    **dict.fromkeys((BASENAMES, DIRNAMES, PROVIDENAME, PROVIDEVERSION, FILEUSERNAME, FILEGROUPNAME), STRING_ARRAY),
    FILEMODES: INT16,
}

Value = str | int | Sequence[str] | Sequence[int]
Tags = Mapping[int, Value]


@dataclass(frozen=True)
class _Packed:
    tag: int
    kind: int
    count: int
    data: bytes


def written(package: Tags, installation: Tags) -> bytes:
    """A header: the tags of the package in their region, then those of the installation."""
    inside = [_packed(tag, package[tag]) for tag in sorted(package)]
    after = [_packed(tag, installation[tag]) for tag in sorted(installation)]
    data = bytearray()
    index = [_entry(each, data) for each in inside]
    # The region ends with a trailer that says how far back its index begins.
    trailer = len(data)
    data += _ENTRY.pack(_IMMUTABLE, BIN, -16 * (len(inside) + 1), 16)
    index = [_ENTRY.pack(_IMMUTABLE, BIN, trailer, 16), *index]
    index += [_entry(each, data) for each in after]
    return struct.pack(">II", len(index), len(data)) + b"".join(index) + bytes(data)


def read(blob: bytes) -> dict[int, Value]:
    """The tags of a header that `written` wrote, and of others with the types known here."""
    count, _ = struct.unpack_from(">II", blob)
    start = 8 + 16 * count
    found: dict[int, Value] = {}
    for number in range(count):
        tag, kind, offset, many = _ENTRY.unpack_from(blob, 8 + 16 * number)
        if tag in _TYPES:
            found[tag] = _value(blob, start + offset, kind, many)
    return found


def _packed(tag: int, value: Value) -> _Packed:
    kind = _TYPES[tag]
    if kind in (STRING, I18N):
        return _Packed(tag, kind, 1, str(value).encode() + b"\0")
    items = [value] if isinstance(value, int) else list(value)
    if kind == STRING_ARRAY:
        return _Packed(tag, kind, len(items), b"".join(str(each).encode() + b"\0" for each in items))
    code = "H" if kind == INT16 else "I"
    return _Packed(tag, kind, len(items), struct.pack(f">{len(items)}{code}", *items))


def _entry(packed: _Packed, data: bytearray) -> bytes:
    data += bytes(-len(data) % _ALIGNMENT.get(packed.kind, 1))
    offset = len(data)
    data += packed.data
    return _ENTRY.pack(packed.tag, packed.kind, offset, packed.count)


def _value(blob: bytes, place: int, kind: int, count: int) -> Value:
    if kind in (INT16, INT32):
        numbers = struct.unpack_from(f">{count}{'H' if kind == INT16 else 'I'}", blob, place)
        return int(numbers[0]) if count == 1 else [int(each) for each in numbers]
    texts = blob[place:].split(b"\0", count)[:count]
    decoded = [each.decode(errors="replace") for each in texts]
    return decoded[0] if kind in (STRING, I18N) else decoded
