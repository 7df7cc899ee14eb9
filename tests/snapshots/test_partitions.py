"""Partition tables as fdisk and sgdisk write them, and broken ones."""

from __future__ import annotations

import struct
import zlib
from uuid import UUID

import pytest

from baseops.errors import DamagedError
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.partitions import Partition, read_table

LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
MIB = 1 << 20


def device_of(image: bytes | bytearray) -> Device:
    return Device(InMemoryBlocks.of(bytes(image)))


def mbr(*entries: tuple[int, int, int], size: int = 4 * MIB) -> bytearray:
    image = bytearray(size)
    write_record(image, 0, *entries)
    return image


def write_record(image: bytearray, sector: int, *entries: tuple[int, int, int]) -> None:
    for number, (kind, start, count) in enumerate(entries):
        struct.pack_into("<B3xB3xII", image, sector * 512 + 446 + 16 * number, 0, kind, start, count)
    image[sector * 512 + 510 : sector * 512 + 512] = b"\x55\xaa"


def gpt(*, first_is_bad: bool = False, last_is_bad: bool = False, beyond: int = 0) -> bytearray:
    image = mbr((0xEE, 1, 8191))
    entry = (
        LINUX.bytes_le
        + bytes(16)
        + struct.pack("<QQQ", 2048, 4095 + beyond, 0)
        + "root".encode("utf-16-le").ljust(72, b"\0")
    )
    entries = bytes(128) + entry + bytes(128 * 126)
    last = len(image) // 512 - 1
    for place, start, is_bad in ((1, 2, first_is_bad), (last, last - 32, last_is_bad)):
        image[start * 512 : start * 512 + len(entries)] = entries
        head = bytearray(92)
        struct.pack_into(
            "<8sIIIIQQQQ16sQIII",
            head,
            0,
            b"EFI PART",
            0x10000,
            92,
            0,
            0,
            place,
            0,
            34,
            8158,
            bytes(16),
            start,
            128,
            128,
            zlib.crc32(entries),
        )
        struct.pack_into("<I", head, 16, zlib.crc32(head) ^ is_bad)
        image[place * 512 : place * 512 + 92] = head
    return image


def test_a_disk_without_a_table():
    assert read_table(device_of(bytes(MIB))).scheme == "none"


def test_primary_partitions_of_an_mbr():
    table = read_table(device_of(mbr((0x83, 2048, 1000), (0, 0, 0), (0x82, 4000, 500))))

    assert table.partitions == (
        Partition(1, 2048 * 512, 1000 * 512, "0x83"),
        Partition(3, 4000 * 512, 500 * 512, "0x82"),
    )


def test_logical_partitions_count_from_five():
    image = mbr((0x05, 1000, 4000))
    write_record(image, 1000, (0x83, 10, 100), (0x05, 200, 300))
    write_record(image, 1200, (0x83, 20, 100))

    table = read_table(device_of(image))

    assert [(each.number, each.offset // 512) for each in table.partitions] == [(5, 1010), (6, 1220)]


def test_a_chain_that_is_a_circle_ends():
    image = mbr((0x05, 1000, 4000))
    write_record(image, 1000, (0x83, 10, 100), (0x05, 0, 300))

    with pytest.raises(DamagedError, match="extended boot record at offset 512000 is damaged: its chain is a circle"):
        read_table(device_of(image))


def test_a_gpt_with_numbers_and_names():
    table = read_table(device_of(gpt()))

    assert table.scheme == "gpt"
    assert table.partitions == (Partition(2, MIB, MIB, str(LINUX), "root"),)


def test_the_copy_at_the_end_stands_in_for_a_bad_gpt():
    assert [each.number for each in read_table(device_of(gpt(first_is_bad=True))).partitions] == [2]


def test_two_bad_copies_are_an_error_with_the_offset():
    with pytest.raises(DamagedError, match="the GPT header at offset 512 is damaged"):
        read_table(device_of(gpt(first_is_bad=True, last_is_bad=True)))


def test_a_partition_beyond_the_end_of_the_image():
    with pytest.raises(DamagedError, match=r"partition 2 at offset 1048576 is damaged.*end beyond the device"):
        read_table(device_of(gpt(beyond=100_000)))
