"""What a device holds: its partitions and logical volumes, each with the kind of its content by signature."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from baseops.errors import SnapshotError
from baseops.snapshots import lvm
from baseops.snapshots.device import Fetchable, Mapped, Readable
from baseops.snapshots.partitions import read_table

READABLE = ("ext4", "ext3", "ext2", "xfs", "ntfs", "fat", "exfat")


@dataclass(frozen=True)
class Volume:
    """Something on a device. `label` is what `@` names: a partition's number, "0" for a whole disk, or group/volume.

    `kind` is a file system's name or what else it is; `refusal` says why it cannot be read, "" if it can.
    """

    label: str
    kind: str
    name: str
    device: Fetchable
    offset: int
    refusal: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether it holds a file system that baseops reads."""
        return not self.refusal

    @property
    def size(self) -> int:
        """Bytes."""
        return self.device.size


def volumes_of(device: Fetchable) -> list[Volume]:
    """Everything on a device, in the order of its table; logical volumes last."""
    table = read_table(device)
    if table.scheme == "none":
        parts = [_volume("0", "", device, 0)]
    else:
        parts = [
            _volume(str(each.number), each.name, Mapped(device, [(each.offset, each.size)]), each.offset)
            for each in table.partitions
        ]
    return [*parts, *_logical([each for each in parts if each.kind == "lvm2"])]


def _logical(parts: list[Volume]) -> Iterator[Volume]:
    if not parts:
        return
    physical = [lvm.read_physical_volume(each.device) for each in parts]
    for found in lvm.logical_volumes(physical):
        if found.device is None:
            yield Volume(found.name, "lvm2", found.name, parts[0].device, parts[0].offset, found.refusal)
        else:
            yield _volume(found.name, found.name, found.device, parts[0].offset)


def _volume(label: str, name: str, device: Fetchable, offset: int) -> Volume:
    kind, refusal = _kind(device)
    return Volume(label, kind, name, device, offset, refusal)


def _kind(device: Readable) -> tuple[str, str]:
    try:
        for kind, is_it in _SIGNATURES.items():
            if is_it(device):
                return kind, "" if kind in READABLE else _REFUSALS[kind]
    except SnapshotError as error:
        return "damaged", str(error)
    if device.size <= 1 << 20:
        return "unknown", "too small for a file system"
    return "unknown", "no file system that baseops knows has its signature here"


def _at(device: Readable, offset: int, length: int) -> bytes:
    return device.pread(offset, length) if offset >= 0 and offset + length <= device.size else b""


def _starts(offset: int, *values: bytes) -> Callable[[Readable], bool]:
    return lambda device: any(_at(device, offset, len(value)) == value for value in values)


def _is_ext(*, version: int) -> Callable[[Readable], bool]:
    def is_it(device: Readable) -> bool:
        block = _at(device, 1024, 256)
        if block[56:58] != b"\x53\xef":
            return False
        compatible, incompatible, read_only = struct.unpack_from("<III", block, 92)
        # Extents, 64bit, flex_bg, inline data…; huge files, nlink, checksums: what ext3 does not have.
        is_fourth = bool(incompatible & ~0x1F or read_only & ~0x7)
        found = 4 if is_fourth else 3 if compatible & 0x4 else 2
        return found == version

    return is_it


def _is_fat(device: Readable) -> bool:
    boot = _at(device, 0, 512)
    if boot[510:] != b"\x55\xaa" or boot[0] not in (0xEB, 0xE9):
        return False
    return boot[54:59] in (b"FAT12", b"FAT16") or boot[82:87] == b"FAT32"


_MD = b"\xfc\x4e\x2b\xa9"


def _is_raid(device: Readable) -> bool:
    """The superblock of versions 0.90 and 1.0 lies at the end: only looked for where nothing else was found."""
    end = device.size // 65536 * 65536 - 65536
    places = (0, (device.size // 512 - 16) // 8 * 8 * 512, end)
    return any(_at(device, place, 4) == _MD for place in places)


_SIGNATURES: dict[str, Callable[[Readable], bool]] = {
    "luks": _starts(0, b"LUKS\xba\xbe"),
    "raid": _starts(4096, _MD),
    "lvm2": lvm.is_physical_volume,
    "bitlocker": _starts(3, b"-FVE-FS-"),
    "xfs": _starts(0, b"XFSB"),
    "ntfs": _starts(3, b"NTFS    "),
    "exfat": _starts(3, b"EXFAT   "),
    "btrfs": _starts(65600, b"_BHRfS_M"),
    "bcache": _starts(4120, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    "zfs": _starts(131072, b"\x0c\xb1\xba\x00"),
    "swap": _starts(4086, b"SWAPSPACE2", b"SWAP-SPACE"),
    "ext4": _is_ext(version=4),
    "ext3": _is_ext(version=3),
    "ext2": _is_ext(version=2),
    "fat": _is_fat,
    "old raid": _is_raid,
}

_REFUSALS = {
    "luks": "LUKS: the content is encrypted inside the volume, and baseops has no key",
    "raid": "Linux software RAID (md): its members are not assembled",
    "old raid": "Linux software RAID (md): its members are not assembled",
    "lvm2": "an LVM2 physical volume; its logical volumes are listed by their names",
    "bitlocker": "BitLocker: the content is encrypted inside the volume, and baseops has no key",
    "btrfs": "Btrfs is not read",
    "bcache": "bcache is not read",
    "zfs": "ZFS is not read",
    "swap": "swap space holds no files",
}
