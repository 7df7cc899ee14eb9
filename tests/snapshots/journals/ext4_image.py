"""Small ext4 images with a journal, written by hand: blocks of 1 KiB, the journal in one extent of inode 8."""

from __future__ import annotations

import struct

import google_crc32c

BLOCK = 1024
BLOCKS = 128
JOURNAL_AT = 40
UUID = bytes(range(16))
MAGIC = 0xC03B3998
WIDE, ASYNC, CHECKSUM_2, CHECKSUM_3, FAST = 0x2, 0x4, 0x8, 0x10, 0x20
ONES = 0xFFFFFFFF


def crc(seed: int, data: bytes) -> int:
    return google_crc32c.extend(seed ^ ONES, data) ^ ONES


class Ext4Image:
    """An image in the making; `bytes()` gives it."""

    def __init__(
        self, features: int = CHECKSUM_3, *, length: int = 32, start: int = 1, sequence: int = 7, recover: bool = True
    ) -> None:
        self.features = features
        self.length = length
        self.at = start
        self.seed = crc(ONES, UUID)
        self.image = bytearray(BLOCK * BLOCKS)
        self._superblock(recover)
        self.journal_superblock(start=start, sequence=sequence)

    def __bytes__(self) -> bytes:
        return bytes(self.image)

    def put(self, block: int, data: bytes) -> None:
        self.image[block * BLOCK : block * BLOCK + len(data)] = data

    def _superblock(self, recover: bool) -> None:
        data = bytearray(BLOCK)
        struct.pack_into("<II", data, 0, 16, BLOCKS)
        struct.pack_into("<II", data, 20, 1, 0)
        struct.pack_into("<I", data, 40, 16)
        struct.pack_into("<H", data, 56, 0xEF53)
        struct.pack_into("<I", data, 76, 1)
        struct.pack_into("<H", data, 88, 128)
        struct.pack_into("<III", data, 92, 0x4, 0x40 | (0x4 if recover else 0), 0)
        struct.pack_into("<I", data, 224, 8)
        self.put(1, data)
        self.put(2, struct.pack("<III", 3, 4, 5))
        inode = bytearray(128)
        struct.pack_into("<HHI", inode, 0, 0o100600, 0, self.length * BLOCK)
        struct.pack_into("<I", inode, 32, 0x80000)
        struct.pack_into("<HHHHI", inode, 40, 0xF30A, 1, 4, 0, 0)
        struct.pack_into("<IHHI", inode, 52, 0, self.length, 0, JOURNAL_AT)
        self.image[5 * BLOCK + 7 * 128 : 5 * BLOCK + 8 * 128] = inode

    def journal_superblock(self, *, start: int, sequence: int, compatible: int = 0) -> None:
        data = bytearray(BLOCK)
        struct.pack_into(">IIIIIIII", data, 0, MAGIC, 4, 0, BLOCK, self.length, 1, sequence, start)
        struct.pack_into(">II", data, 36, compatible, self.features)
        data[48:64] = UUID
        data[80] = 4
        struct.pack_into(">I", data, 84, 8)
        struct.pack_into(">I", data, 252, crc(ONES, bytes(data)))
        self.put(JOURNAL_AT, data)

    @property
    def checked(self) -> bool:
        return bool(self.features & (CHECKSUM_2 | CHECKSUM_3))

    def journal(self, data: bytes) -> int:
        """Write the next block of the journal; gives the device's block."""
        at = JOURNAL_AT + self.at
        self.put(at, data)
        last = self.length - (8 if self.features & FAST else 0)
        self.at = self.at + 1 if self.at + 1 < last else 1
        return at

    def descriptor(self, sequence: int, changes: dict[int, bytes]) -> None:
        data = bytearray(struct.pack(">III", MAGIC, 1, sequence))
        stored = []
        for number, (block, wanted) in enumerate(changes.items()):
            escaped = wanted[:4] == MAGIC.to_bytes(4, "big")
            content = (bytes(4) + wanted[4:] if escaped else wanted).ljust(BLOCK, b"\0")
            flags = (0x2 if number else 0) | (0x1 if escaped else 0)
            if number == len(changes) - 1:
                flags |= 0x8
            stored.append(content)
            data += self._tag(block, flags, crc(crc(self.seed, struct.pack(">I", sequence)), content))
            if not number:
                data += UUID
        self.journal(self._tailed(data))
        for content in stored:
            self.journal(content)

    def _tag(self, block: int, flags: int, checksum: int) -> bytes:
        low, high = block & ONES, block >> 32
        if self.features & CHECKSUM_3:
            return struct.pack(">IIII", low, flags, high, checksum)
        tag = struct.pack(">IHH", low, checksum & 0xFFFF if self.features & CHECKSUM_2 else 0, flags)
        if self.features & WIDE:
            tag += struct.pack(">I", high)
        return tag + (bytes(2) if self.features & CHECKSUM_2 else b"")

    def _tailed(self, data: bytes) -> bytes:
        data = bytes(data).ljust(BLOCK, b"\0")
        return data[:-4] + struct.pack(">I", crc(self.seed, data[:-4] + bytes(4))) if self.checked else data

    def revoke(self, sequence: int, blocks: list[int]) -> None:
        width = ">Q" if self.features & WIDE else ">I"
        listed = b"".join(struct.pack(width, block) for block in blocks)
        self.journal(self._tailed(struct.pack(">IIII", MAGIC, 5, sequence, 16 + len(listed)) + listed))

    def commit(self, sequence: int, seconds: int = 1000, *, right: bool = True) -> None:
        data = bytearray(struct.pack(">III", MAGIC, 2, sequence).ljust(BLOCK, b"\0"))
        struct.pack_into(">Q", data, 48, seconds)
        if self.checked:
            struct.pack_into(">I", data, 16, crc(self.seed, bytes(data)) ^ (0 if right else 1))
        self.journal(bytes(data))

    def transaction(self, sequence: int, changes: dict[int, bytes], revoked: list[int] | None = None) -> None:
        self.descriptor(sequence, changes)
        if revoked:
            self.revoke(sequence, revoked)
        self.commit(sequence)
