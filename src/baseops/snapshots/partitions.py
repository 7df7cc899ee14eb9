"""Partition tables: GPT, MBR with its extended partitions, or none. Only tells where partitions lie.

GPT: UEFI Specification 2.10, chapter 5. Counts and chains are bounded, whatever a table says.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from baseops.errors import DamagedError
from baseops.snapshots.device import Readable

SECTOR_SIZES = (512, 4096)
MAX_ENTRIES = 1024
MAX_LOGICAL = 128
EXTENDED = {0x05, 0x0F, 0x85}
PROTECTIVE = 0xEE
UNUSED = UUID(int=0)


@dataclass(frozen=True)
class Partition:
    """One entry of a table. `number` is the table's own, as in /dev/nvme0n1p1; `type` a GUID or an MBR type."""

    number: int
    offset: int
    size: int
    type: str
    name: str = ""


@dataclass(frozen=True)
class Table:
    """A partition table: `scheme` is gpt, mbr or none."""

    scheme: str
    partitions: tuple[Partition, ...] = ()


def read_table(device: Readable) -> Table:
    """The partition table of a device; `DamagedError` for a GPT whose two copies are both bad."""
    if device.size < 1024:
        return Table("none")
    boot = device.pread(0, 512)
    if boot[510:512] != b"\x55\xaa":
        return _gpt(device) or Table("none")
    entries = list(_mbr_entries(boot))
    if any(kind == PROTECTIVE for _, kind, _, _ in entries):
        found = _gpt(device) or _gpt_backup(device)
        if found is None:
            raise DamagedError(
                "the GPT header at offset 512 is damaged",
                "a protective MBR announces it and its signature is missing",
                "Name another snapshot",
            )
        return found
    if not entries or _is_boot_sector(boot) or not _plausible(entries, device.size):
        return Table("none")
    return Table("mbr", tuple(_mbr(device, entries)))


def _is_boot_sector(boot: bytes) -> bool:
    """Whether it is the first sector of FAT or NTFS, which end with the same two bytes as an MBR."""
    jump = boot[0] in (0xEB, 0xE9)
    return boot[3:11] == b"NTFS    " or boot[3:11] == b"EXFAT   " or (jump and boot[11:13] in _BYTES_PER_SECTOR)


_BYTES_PER_SECTOR = {struct.pack("<H", size) for size in (512, 1024, 2048, 4096)}


def _mbr_entries(sector: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(number, type, first sector, sectors) of the entries in use."""
    for number in range(4):
        status, kind, start, count = struct.unpack_from("<B3xB3xII", sector, 446 + 16 * number)
        if kind and count and status in (0, 0x80):
            yield number + 1, kind, start, count


def _plausible(entries: list[tuple[int, int, int, int]], size: int) -> bool:
    return any(start and (start + count) * 512 <= size for _, _, start, count in entries)


def _mbr(device: Readable, entries: list[tuple[int, int, int, int]]) -> Iterator[Partition]:
    for number, kind, start, count in entries:
        if kind in EXTENDED:
            yield from _logical(device, start)
        else:
            yield _within(device, Partition(number, start * 512, count * 512, f"{kind:#04x}"))


def _logical(device: Readable, base: int) -> Iterator[Partition]:
    """The chain of extended boot records: each names one partition and the next record."""
    here, seen = base, set[int]()
    for number in range(5, 5 + MAX_LOGICAL):
        if here in seen:
            raise DamagedError(f"the extended boot record at offset {here * 512} is damaged", "its chain is a circle")
        seen.add(here)
        record = device.pread(here * 512, 512)
        if record[510:512] != b"\x55\xaa":
            raise DamagedError(f"the extended boot record at offset {here * 512} is damaged", "it has no signature")
        following = None
        for _, kind, start, count in _mbr_entries(record):
            if kind in EXTENDED:
                following = base + start
            else:
                place = Partition(number, (here + start) * 512, count * 512, f"{kind:#04x}")
                yield _within(device, place)
        if following is None:
            return
        here = following


def _within(device: Readable, partition: Partition) -> Partition:
    if partition.offset + partition.size > device.size:
        raise DamagedError(
            f"partition {partition.number} at offset {partition.offset} is damaged",
            f"its {partition.size} bytes end beyond the device, which has {device.size}",
            "The image is damaged or cut off",
        )
    return partition


def _gpt(device: Readable) -> Table | None:
    """The primary table: its header is the second sector, whatever a sector's size."""
    for sector in SECTOR_SIZES:
        found = _gpt_at(device, sector, sector)
        if found is not None:
            return found
    return None


def _gpt_backup(device: Readable) -> Table | None:
    """The copy at the end of the device, for when the first is bad."""
    for sector in SECTOR_SIZES:
        found = _gpt_at(device, device.size - sector, sector)
        if found is not None:
            return found
    return None


def _gpt_at(device: Readable, place: int, sector: int) -> Table | None:
    if place < 0 or place + 512 > device.size:
        return None
    header = device.pread(place, 512)
    if header[:8] != b"EFI PART":
        return None
    length, crc = struct.unpack_from("<II", header, 12)
    start, count, size, entries_crc = struct.unpack_from("<QIII", header, 72)
    if not 92 <= length <= 512 or zlib.crc32(header[:16] + bytes(4) + header[20:length]) != crc:
        return None
    if count > MAX_ENTRIES or not 128 <= size <= 4096:
        raise DamagedError(f"the GPT header at offset {place} is damaged", f"{count} entries of {size} bytes")
    entries = device.pread(start * sector, count * size)
    if zlib.crc32(entries) != entries_crc:
        return None
    found = [_gpt_entry(entries[at * size : (at + 1) * size], at + 1, sector) for at in range(count)]
    return Table("gpt", tuple(_within(device, each) for each in found if each is not None))


def _gpt_entry(entry: bytes, number: int, sector: int) -> Partition | None:
    kind = UUID(bytes_le=entry[:16])
    if kind == UNUSED:
        return None
    first, last = struct.unpack_from("<QQ", entry, 32)
    name = entry[56:128].decode("utf-16-le", "replace").split("\0")[0]
    return Partition(number, first * sector, max(0, last - first + 1) * sector, str(kind), name)
