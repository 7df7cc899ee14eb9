"""LVM2: the linear logical volumes of the physical volumes on one device. Refuses the others by their names.

Read here and not by libvslvm, whose Python binding tells nothing of segments: a striped volume would be read as if it
were linear. The metadata is the text that vgcfgbackup writes too (man lvm.conf, lvm2's lib/format_text).
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.device import Fetchable, Mapped, Readable

Value: TypeAlias = "int | str | list[Value] | Section"
Section: TypeAlias = dict[str, "Value"]

SECTOR = 512
MAX_METADATA = 16 << 20
MAX_DEPTH = 16
MAX_SEGMENTS = 100_000
_TOKEN = re.compile(r'\s+|#[^\n]*|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z0-9_.+/-]+)|(?P<mark>[={}\[\],])')


@dataclass(frozen=True)
class PhysicalVolume:
    """One physical volume and where it lies; `metadata` is the text of its volume group."""

    identifier: str
    device: Fetchable
    metadata: str


@dataclass(frozen=True)
class LogicalVolume:
    """A logical volume: `device` is None where `refusal` says why it cannot be read."""

    name: str
    device: Mapped | None
    refusal: str = ""


def is_physical_volume(device: Readable) -> bool:
    """Whether one of the first four sectors holds the label."""
    return device.size >= 4 * SECTOR and _label(device) is not None


def read_physical_volume(device: Fetchable) -> PhysicalVolume:
    """Label, header and the newest metadata of a physical volume."""
    found = _label(device)
    if found is None:
        raise DamagedError("the LVM2 label in the first four sectors is missing")
    sector, place = found
    start = place + struct.unpack_from("<I", sector, 20)[0]
    header = device.pread(start, SECTOR)
    identifier = _dashed(header[:32].decode("ascii", "replace"))
    areas = list(_areas(header, 40))
    _, metadata_areas = areas[: areas.index((0, 0))], areas[areas.index((0, 0)) + 1 :]
    for offset, size in metadata_areas:
        if offset:
            return PhysicalVolume(identifier, device, _metadata(device, offset, size))
    raise UnsupportedError(
        f"the LVM2 physical volume {identifier} holds no metadata of its own",
        "its volume group keeps them on other disks",
        "Name the snapshot of a disk that holds them",
    )


def logical_volumes(physical: Sequence[PhysicalVolume]) -> list[LogicalVolume]:
    """The visible logical volumes of all volume groups that these physical volumes belong to."""
    found: dict[str, LogicalVolume] = {}
    by_id = {each.identifier: each.device for each in physical}
    for one in physical:
        for name, group in parse(one.metadata).items():
            if isinstance(group, dict) and "extent_size" in group:
                for volume in _of_group(name, group, by_id):
                    found.setdefault(volume.name, volume)
    return list(found.values())


def _of_group(name: str, group: Section, by_id: Mapping[str, Fetchable]) -> Iterator[LogicalVolume]:
    extent = _integer(group, "extent_size") * SECTOR
    starts = {
        key: (by_id.get(str(each.get("id"))), _integer(each, "pe_start") * SECTOR)
        for key, each in _sections(group, "physical_volumes")
    }
    for key, volume in _sections(group, "logical_volumes"):
        status = volume.get("status")
        if isinstance(status, list) and "VISIBLE" in status:
            yield _volume(f"{name}/{key}", volume, extent, starts)


def _volume(
    name: str, volume: Section, extent: int, starts: Mapping[str, tuple[Fetchable | None, int]]
) -> LogicalVolume:
    count = _integer(volume, "segment_count")
    if not 0 < count <= MAX_SEGMENTS:
        raise DamagedError(f"the LVM2 logical volume {name} is damaged", f"it has {count} segments")
    pieces, below = [], None
    for number in range(1, count + 1):
        segment = volume.get(f"segment{number}")
        if not isinstance(segment, dict):
            raise DamagedError(f"the LVM2 logical volume {name} is damaged", f"segment{number} is missing")
        kind, stripes = str(segment.get("type")), segment.get("stripes")
        if kind != "striped" or segment.get("stripe_count") != 1 or not isinstance(stripes, list) or len(stripes) != 2:
            kind = "striped over several disks" if kind == "striped" else kind
            return LogicalVolume(name, None, f"LVM2 volume of type {kind}, only linear ones are read")
        device, start = starts.get(str(stripes[0]), (None, 0))
        if device is None:
            return LogicalVolume(name, None, "LVM2 volume that lies partly on another disk")
        if below is not None and device is not below:
            return LogicalVolume(name, None, "LVM2 volume over several partitions of one disk")
        below = device
        at = stripes[1] if isinstance(stripes[1], int) else 0
        pieces.append((start + at * extent, _integer(segment, "extent_count") * extent))
    return LogicalVolume(name, Mapped(below, pieces) if below is not None else None)


def parse(text: str) -> Section:
    """The sections of a metadata text; `DamagedError` where it is none."""
    tokens = list(_tokens(text))
    section, end = _section(tokens, 0, 0)
    if end != len(tokens):
        raise DamagedError("the LVM2 metadata is damaged", f"there is something left after token {end}")
    return section


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise DamagedError("the LVM2 metadata is damaged", f"{text[at : at + 20]!r} at character {at}")
        at = found.end()
        if found.lastgroup:
            yield found[found.lastgroup]


def _section(tokens: list[str], at: int, depth: int) -> tuple[Section, int]:
    if depth > MAX_DEPTH:
        raise DamagedError("the LVM2 metadata is damaged", f"sections nest deeper than {MAX_DEPTH}")
    section: Section = {}
    while at + 1 < len(tokens) and tokens[at] != "}":
        name, mark = tokens[at], tokens[at + 1]
        if mark == "{":
            section[name], at = _section(tokens, at + 2, depth + 1)
            if tokens[at : at + 1] != ["}"]:
                raise DamagedError("the LVM2 metadata is damaged", f"section {name} does not end")
            at += 1
        elif mark == "=":
            section[name], at = _value(tokens, at + 2)
        else:
            raise DamagedError("the LVM2 metadata is damaged", f"{mark!r} after {name!r}")
    return section, at


def _value(tokens: list[str], at: int) -> tuple[Value, int]:
    if at < len(tokens) and tokens[at] == "[":
        values: list[Value] = []
        at += 1
        while at < len(tokens) and tokens[at] != "]":
            if tokens[at] != ",":
                values.append(_scalar(tokens[at]))
            at += 1
        return values, at + 1
    if at >= len(tokens):
        raise DamagedError("the LVM2 metadata is damaged", "it ends in the middle")
    return _scalar(tokens[at]), at + 1


def _scalar(token: str) -> Value:
    if token.startswith('"'):
        return token[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return int(token) if re.fullmatch(r"-?\d{1,20}", token) else token


def _sections(group: Section, name: str) -> Iterator[tuple[str, Section]]:
    inner = group.get(name)
    for key, value in (inner if isinstance(inner, dict) else {}).items():
        if isinstance(value, dict):
            yield key, value


def _integer(section: Section, name: str) -> int:
    value = section.get(name)
    if not isinstance(value, int) or value < 0:
        raise DamagedError("the LVM2 metadata is damaged", f"{name} is {value!r}")
    return value


def _label(device: Readable) -> tuple[bytes, int] | None:
    head = device.pread(0, 4 * SECTOR)
    for number in range(4):
        sector = head[number * SECTOR : (number + 1) * SECTOR]
        if sector[:8] == b"LABELONE" and sector[24:32] == b"LVM2 001":
            return sector, number * SECTOR
    return None


def _areas(header: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Data areas, an end (0, 0), metadata areas, an end."""
    ends = 0
    while ends < 2 and at + 16 <= len(header):
        offset, size = struct.unpack_from("<QQ", header, at)
        yield offset, size
        ends += (offset, size) == (0, 0)
        at += 16
    if ends < 2:
        raise DamagedError("the LVM2 physical volume header is damaged", "its lists of areas do not end")


def _metadata(device: Readable, area: int, area_size: int) -> str:
    header = device.pread(area, SECTOR)
    if header[4:20] != b" LVM2 x[5A%r0N*>":
        raise DamagedError(f"the LVM2 metadata area at offset {area} is damaged", "its signature is missing")
    offset, size = struct.unpack_from("<QQ", header, 40)
    if not SECTOR <= offset < area_size or not 0 < size <= min(area_size, MAX_METADATA):
        raise DamagedError(f"the LVM2 metadata area at offset {area} is damaged", f"{size} bytes at {offset}")
    first = min(size, area_size - offset)
    text = device.pread(area + offset, first)
    if first < size:
        # The area is a ring; its first sector is the header.
        text += device.pread(area + SECTOR, size - first)
    return text.rstrip(b"\0").decode("utf-8", "replace")


def _dashed(identifier: str) -> str:
    """The 32 characters of an id as the metadata writes them."""
    cuts = (0, 6, 10, 14, 18, 22, 26, 32)
    return "-".join(identifier[start:end] for start, end in itertools.pairwise(cuts))
