"""Small XFS images with a log, written by hand: one allocation group, blocks of 4 KiB, inodes of 512 bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import google_crc32c

BLOCK, SECTOR = 4096, 512
BLOCKS = 64
LOG_AT, LOG_BLOCKS = 16, 32
LOG_SECTORS = LOG_BLOCKS * BLOCK // SECTOR
UUID = bytes(range(100, 116))
START, COMMIT, CONTINUES, CONTINUED, END, UNMOUNT = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20

Regions = list[bytes]


class XfsImage:
    """An image in the making; `bytes()` gives it. `tail` is what records name as the oldest that counts."""

    def __init__(
        self, *, cycle: int = 1, start: int = 0, version: int = 5, log: int = LOG_AT, size: int = 32768
    ) -> None:
        self.image = bytearray(BLOCK * BLOCKS)
        self.cycle = cycle
        self.sector = start
        self.tail = cycle << 32 | start
        self.size = size
        for number in range(LOG_SECTORS if cycle > 1 else 0):
            stamp = cycle if number < start else cycle - 1
            self.put(LOG_AT * BLOCK + number * SECTOR, struct.pack(">I", stamp))
        self._superblock(version, log)

    def __bytes__(self) -> bytes:
        return bytes(self.image)

    def put(self, offset: int, data: bytes) -> None:
        self.image[offset : offset + len(data)] = data

    def _superblock(self, version: int, log: int) -> None:
        data = bytearray(SECTOR)
        struct.pack_into(">4sIQ", data, 0, b"XFSB", BLOCK, BLOCKS)
        data[32:48] = UUID
        struct.pack_into(">Q", data, 48, log)
        struct.pack_into(">IIII", data, 84, BLOCKS, 1, 0, LOG_BLOCKS)
        struct.pack_into(">HHHH", data, 100, 0xB4A0 | version, SECTOR, 512, 8)
        data[120:125] = bytes((12, 9, 9, 3, 6))
        struct.pack_into(">I", data, 180, 4)
        data[224:228] = google_crc32c.value(bytes(data)).to_bytes(4, "little")
        self.put(0, data)

    def superblock_field(self, at: int, data: bytes) -> None:
        self.put(at, data)
        self.put(224, bytes(4))
        self.put(224, google_crc32c.value(bytes(self.image[:SECTOR])).to_bytes(4, "little"))

    def lsn(self) -> int:
        """The sequence number of the next record."""
        return self.cycle << 32 | self.sector

    def record(
        self, operations: Iterable[tuple[int, int, bytes]], *, right: bool = True, written: int | None = None
    ) -> None:
        """A record of (transaction, flags, data); only its first `written` sectors reach the disk."""
        listed = list(operations)
        data = b"".join(
            struct.pack(">IIBBH", number, len(part), 0x69, flags, 0) + part for number, flags, part in listed
        )
        length = len(data)
        padded = bytearray(data.ljust(-(-length // SECTOR) * SECTOR, b"\0"))
        headers = max(1, -(-self.size // 32768))
        head = bytearray(SECTOR * headers)
        struct.pack_into(">IIIIQQ", head, 0, 0xFEEDBABE, self.cycle, 2, length, self.lsn(), self.tail)
        struct.pack_into(">II", head, 36, 0, len(listed))
        struct.pack_into(">I16sI", head, 300, 1, UUID, self.size)
        for number in range(1, headers):
            struct.pack_into(">I", head, number * SECTOR, self.cycle)
        self._stamp(head, padded, headers)
        crc = google_crc32c.value(bytes(head[:328]))
        for number in range(1, -(-length // 32768)):
            crc = google_crc32c.extend(crc, bytes(head[number * SECTOR : number * SECTOR + 260]))
        crc = google_crc32c.extend(crc, bytes(padded[:length])) ^ (0 if right else 1)
        head[32:36] = crc.to_bytes(4, "little")
        self._write(bytes(head + padded), written)

    def _stamp(self, head: bytearray, data: bytearray, headers: int) -> None:
        for number in range(len(data) // SECTOR):
            block, index = divmod(number, 64)
            at = block * SECTOR + 4 + 4 * index if block else 44 + 4 * index
            head[at : at + 4] = data[number * SECTOR : number * SECTOR + 4]
            wrapped = self.sector + headers + number >= LOG_SECTORS
            struct.pack_into(">I", data, number * SECTOR, self.cycle + wrapped)

    def _write(self, record: bytes, written: int | None) -> None:
        for number in range(len(record) // SECTOR):
            if self.sector == LOG_SECTORS:
                self.sector, self.cycle = 0, self.cycle + 1
            if written is None or number < written:
                self.put(LOG_AT * BLOCK + self.sector * SECTOR, record[number * SECTOR : (number + 1) * SECTOR])
            self.sector += 1
        if self.sector == LOG_SECTORS:
            self.sector, self.cycle = 0, self.cycle + 1

    def transaction(self, *items: Regions, number: int = 0x77, **how: object) -> None:
        """A whole transaction in one record."""
        self.record(operations(items, number), **how)  # type: ignore[arg-type]

    def unmount(self) -> None:
        self.record([(0xB0C0D0D0, UNMOUNT, struct.pack("<HHI", 0x556E, 0, 0))])


def operations(items: Iterable[Regions], number: int = 0x77) -> list[tuple[int, int, bytes]]:
    listed = list(items)
    header = struct.pack("<IIII", 0x5452414E, 40, number, len(listed))
    middle = [(number, 0, region) for item in listed for region in item]
    return [(number, START, b""), (number, 0, header), *middle, (number, COMMIT, b"")]


def buffer_item(sector: int, chunks: dict[int, bytes], *, sectors: int = 8, flags: int = 0) -> Regions:
    """A buffer with whole chunks of 128 bytes, side by side ones in one region."""
    bitmap = sum(1 << chunk for chunk in chunks)
    words = struct.pack("<II", bitmap & 0xFFFFFFFF, bitmap >> 32)
    regions: list[bytes] = []
    for chunk in sorted(chunks):
        data = chunks[chunk].ljust(128, b"\0")
        if chunk - 1 in chunks:
            regions[-1] += data
        else:
            regions.append(data)
    form = struct.pack("<HHHHqI", 0x123C, 1 + len(regions), flags, sectors, sector, 2) + words
    return [form, *regions]


def cancel_item(sector: int, sectors: int = 8) -> Regions:
    return [struct.pack("<HHHHqI", 0x123C, 1, 2, sectors, sector, 2) + bytes(8)]


def inode_on_disk(number: int, *, lsn: int = 0, mode: int = 0) -> bytes:
    inode = bytearray(512)
    struct.pack_into(">HHBB", inode, 0, 0x494E, mode, 3, 2)
    inode[96:100] = b"\xff" * 4
    struct.pack_into(">Q", inode, 112, lsn)
    struct.pack_into(">Q16s", inode, 152, number, UUID)
    return bytes(inode)


def inode_core(
    number: int, *, mode: int = 0o100644, size: int = 0, fork: int = 0, form: int = 2, flags2: int = 8
) -> bytes:
    core = bytearray(176)
    struct.pack_into("<HHBBHIII", core, 0, 0x494E, mode, 3, form, 0, 1000, 1001, 2)
    struct.pack_into("<QQQ", core, 32, 0x1122334455667788, 0x99, 0xAA)
    struct.pack_into("<QQIIHBB", core, 56, size, 3, 0, 2, 1, fork, 2)
    struct.pack_into("<QQQ", core, 104, 5, 0, flags2)
    struct.pack_into("<QQ16s", core, 144, 0xBB, number, UUID)
    return bytes(core)


def inode_item(number: int, core: bytes, fields: int, *forks: bytes, sector: int, place: int) -> Regions:
    form = struct.pack("<HHIHHIQ16sqii", 0x123B, 2 + len(forks), fields, 0, 0, 0, number, bytes(16), sector, 32, place)
    return [form, core, *forks]
