"""A device over blocks: what it reads, what it keeps, and what it does not need to read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from baseops.errors import DamagedError, SnapshotError
from baseops.snapshots.blocks import FileBlocks, InMemoryBlocks
from baseops.snapshots.device import Device, Mapped

T = TypeVar("T")


def device_of(count: int, **options: int) -> tuple[InMemoryBlocks, Device]:
    blocks = InMemoryBlocks({index: bytes([index + 1]) * 16 for index in range(count)}, count * 16, 16)
    return blocks, Device(blocks, **options)  # type: ignore[arg-type]


def test_a_read_over_several_blocks_is_one_piece():
    _, device = device_of(4)

    assert device.pread(14, 20) == b"\x01\x01" + b"\x02" * 16 + b"\x03\x03"


def test_a_block_is_read_once_however_often_it_is_asked_for():
    blocks, device = device_of(4)

    for _ in range(100):
        device.pread(17, 3)

    assert blocks.reads == [1]
    assert device.blocks_read == 1


def test_absent_blocks_are_zeros_and_are_not_read():
    blocks = InMemoryBlocks({1: b"x" * 16}, 64, 16)
    device = Device(blocks)

    assert device.pread(0, 64) == bytes(16) + b"x" * 16 + bytes(32)
    assert blocks.reads == [1]


def test_reading_beyond_the_end_names_the_offset():
    _, device = device_of(2)

    with pytest.raises(DamagedError, match="8 bytes at offset 30 lie beyond the end of the device: it has 32 bytes"):
        device.pread(30, 8)


def test_the_cache_has_a_bound():
    blocks, device = device_of(100, cache_bytes=16 * 10)

    device.pread(0, 1600)
    device.pread(0, 1)

    assert len(device._cache) <= 10
    assert blocks.reads.count(0) == 2


def test_fetch_reads_side_by_side_within_the_bound():
    blocks, _ = device_of(20)
    bounds = []

    def gather(tasks: Sequence[Callable[[], T]], *, bound: int) -> list[T]:
        bounds.append((len(tasks), bound))
        threads = [threading.Thread(target=task) for task in tasks]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return []

    device = Device(blocks, gather=gather, bound=4, cache_bytes=16 * 40)
    device.fetch([(0, 160), (32, 16)])

    assert bounds == [(10, 4)]
    assert sorted(blocks.reads) == list(range(10))


def test_a_mapping_joins_pieces_in_their_order():
    _, device = device_of(4)
    volume = Mapped(device, [(32, 16), (0, 16)])

    assert volume.size == 32
    assert volume.pread(12, 8) == b"\x03" * 4 + b"\x01" * 4


def test_a_piece_beyond_the_device_is_refused():
    _, device = device_of(2)

    with pytest.raises(DamagedError):
        Mapped(device, [(16, 32)])


def test_a_file_with_holes_has_absent_blocks(tmp_path: Path):
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.seek(3 << 20)
        file.write(b"data")
        file.truncate(5 << 20)

    with FileBlocks(image) as blocks:
        device = Device(blocks)
        assert [blocks.present(index) for index in range(blocks.count)] == [False] * 6 + [True] + [False] * 3
        assert device.pread((3 << 20) - 2, 6) == b"\0\0data"
        assert device.blocks_read == 1


def test_a_last_block_that_is_cut_reads_as_it_is(tmp_path: Path):
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * 700_000)

    with FileBlocks(image) as blocks:
        assert (blocks.size, blocks.count) == (700_000, 2)
        assert Device(blocks).pread(699_999, 1) == b"x"


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path: Path):
    with pytest.raises(SnapshotError, match=r"cannot open the image .*none.img: No such file"):
        FileBlocks(tmp_path / "none.img")


def test_an_image_that_shrinks_meanwhile_is_an_error_and_not_zeros(tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * 1000)
    with FileBlocks(image, 512) as blocks:
        with image.open("r+b") as file:
            file.truncate(700)

        assert blocks.read(0) == b"x" * 512
        with pytest.raises(SnapshotError, match="at offset 512: it ends at 700 bytes, and had 1000 when it was opened"):
            blocks.read(1)


def test_an_image_that_is_cut_off_meanwhile_is_an_error_and_no_zeros(tmp_path: Path):
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * 1_200_000)

    with FileBlocks(image) as blocks:
        device = Device(blocks)
        os.truncate(image, 600_000)
        assert device.pread(0, 1) == b"x"
        with pytest.raises(SnapshotError, match="when it was opened"):
            device.pread(550_000, 1)
        with pytest.raises(SnapshotError, match="when it was opened"):
            device.pread(1_100_000, 1)


def test_what_is_fetched_ahead_is_half_of_the_cache_however_scattered_it_lies():
    image = InMemoryBlocks.of(b"x" * 4096 * 64, 4096)
    device = Device(image, cache_bytes=16 * 4096)

    device.fetch([(index * 4096, 1) for index in range(64)])

    assert image.reads == list(range(8))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_cannot_be_an_image_is_refused_at_once(tmp_path, make):
    make(tmp_path / "thing")

    with pytest.raises(SnapshotError, match="it is neither a file nor a block device"):
        FileBlocks(tmp_path / "thing")
