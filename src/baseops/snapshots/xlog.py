"""An XFS log as a ring of 512-byte sectors: its record headers, their checksums, and the data without cycle stamps."""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.checksums import crc32c
from baseops.snapshots.device import Fetchable
from baseops.snapshots.xfs_superblock import BASIC_BLOCK, Superblock

MAGIC = 0xFEEDBABE
MAGIC_BYTES = MAGIC.to_bytes(4, "big")
LITTLE_ENDIAN = 1
STAMPS = 64
"""Stamps in a header, one for each sector: a header covers 32 KiB."""
COVERED = STAMPS * BASIC_BLOCK
LARGEST_RECORD = 256 * 1024
IN_FLIGHT = 8
"""Records that can have been on their way to the disk at once."""
HEADER_BYTES = 328
EXTENSION_BYTES = 260


@dataclass(frozen=True)
class Header:
    """A record's header: where it is, how long its data, and how far back the log reached when it was written."""

    sector: int
    cycle: int
    length: int
    lsn: int
    tail_lsn: int
    checksum: int
    operations: int
    size: int

    @property
    def headers(self) -> int:
        """Sectors of headers: one for each 32 KiB that a record may hold."""
        return max(1, -(-self.size // COVERED))

    @property
    def sectors(self) -> int:
        """Sectors of the whole record."""
        return self.headers + -(-self.length // BASIC_BLOCK)

    @property
    def tail(self) -> int:
        """The sector of the oldest record that still counts."""
        return self.tail_lsn & 0xFFFFFFFF


class Ring:
    """The log of a file system, by sector; numbers go round its end."""

    def __init__(self, device: Fetchable, superblock: Superblock) -> None:
        """Read nothing yet."""
        self.device = device
        self.uuid = superblock.uuid
        self.start = superblock.log_start * BASIC_BLOCK
        self.length = superblock.log_length

    def read(self, sector: int, count: int) -> bytes:
        """Sectors side by side, round the end."""
        sector %= self.length
        first = min(count, self.length - sector)
        data = self.device.pread(self.start + sector * BASIC_BLOCK, first * BASIC_BLOCK)
        return data if first == count else data + self.read(0, count - first)

    def fetch(self, sector: int, count: int) -> None:
        """Read sectors side by side into the device's cache, for what reads them in turn later."""
        sector %= self.length
        first = min(count, self.length - sector)
        pieces = [(sector, first), (0, count - first)] if count > first else [(sector, first)]
        self.device.fetch((self.start + at * BASIC_BLOCK, length * BASIC_BLOCK) for at, length in pieces)

    def offset(self, sector: int) -> int:
        """Where a sector lies on the device."""
        return self.start + sector % self.length * BASIC_BLOCK

    def cycle(self, sector: int) -> int:
        """How often the log had gone round when the sector was written; 0 if it never was."""
        return cycle_of(self.read(sector, 1))

    def cycles(self, sector: int, count: int) -> list[int]:
        """The cycles of sectors side by side."""
        data = self.read(sector, count)
        return [cycle_of(data[at : at + 8]) for at in range(0, len(data), BASIC_BLOCK)]

    def header_before(self, sector: int, reach: int) -> int | None:
        """The nearest sector before one that begins a record, at most so many sectors back; may be negative."""
        step = 16
        while reach > 0:
            step = min(2 * step, 512)
            count = min(step, reach)
            data = self.read(sector - count, count)
            for back in range(1, count + 1):
                at = (count - back) * BASIC_BLOCK
                if data[at : at + 4] == MAGIC_BYTES:
                    return sector - back
            sector, reach = sector - count, reach - count
        return None

    def header(self, sector: int) -> Header:
        """The header at a sector; `DamagedError` where there is none that can be right."""
        sector %= self.length
        data = self.read(sector, 1)
        magic, cycle, version, length, lsn, tail = unpack_from(">IIIIQQ", data)
        if magic != MAGIC:
            raise self.damaged(sector, "there is no record")
        size = unpack_from(">I", data, 320)[0] if version & 2 else COVERED
        if unpack_from(">I", data, 300)[0] != LITTLE_ENDIAN:
            raise UnsupportedError(
                f"the XFS log record at offset {self.offset(sector)}",
                "it was written by a machine of the other byte order",
                "Mount the volume on a machine of that kind",
            )
        if data[304:320] != self.uuid:
            raise self.damaged(sector, "it belongs to another file system")
        header = Header(
            sector=sector,
            cycle=cycle,
            length=length,
            lsn=lsn,
            tail_lsn=tail,
            checksum=int.from_bytes(data[32:36], "little"),
            operations=unpack_from(">I", data, 40)[0],
            size=size or COVERED,
        )
        self._check(header, version)
        return header

    def _check(self, header: Header, version: int) -> None:
        if version not in {1, 2} or header.size > LARGEST_RECORD or not 0 < header.length <= header.size:
            raise self.damaged(header.sector, f"version {version}, {header.length} of {header.size} bytes")
        if header.sectors > self.length or header.tail >= self.length or 12 * header.operations > header.length:
            raise self.damaged(header.sector, f"{header.operations} operations, tail at sector {header.tail}")

    def payload(self, header: Header) -> bytes | None:
        """What a record holds, its stamps replaced by what they cover; None where its checksum is wrong."""
        whole = self.read(header.sector, header.sectors)
        head, data = whole[: header.headers * BASIC_BLOCK], whole[header.headers * BASIC_BLOCK :]
        if self._checksum(head, data[: header.length]) != header.checksum:
            return None
        plain = bytearray(data)
        for number in range(len(data) // BASIC_BLOCK):
            block, index = divmod(number, STAMPS)
            at = block * BASIC_BLOCK + 4 + 4 * index if block else 44 + 4 * index
            plain[number * BASIC_BLOCK : number * BASIC_BLOCK + 4] = head[at : at + 4]
        return bytes(plain[: header.length])

    @staticmethod
    def _checksum(head: bytes, data: bytes) -> int:
        state = crc32c(head[:32] + bytes(4) + head[36:HEADER_BYTES])
        for number in range(1, -(-len(data) // COVERED)):
            state = crc32c(head[number * BASIC_BLOCK : number * BASIC_BLOCK + EXTENSION_BYTES], state)
        return crc32c(data, state)

    def damaged(self, sector: int, why: str) -> DamagedError:
        """An error that names a sector of the log."""
        return DamagedError(
            f"the XFS log record at offset {self.offset(sector)} (sector {sector % self.length} of the log)", why
        )


def cycle_of(sector: bytes) -> int:
    """The cycle that a sector is stamped with; a header has it behind its magic number."""
    at = 4 if sector[:4] == MAGIC_BYTES else 0
    return int.from_bytes(sector[at : at + 4], "big")
