"""Changes of extents that an XFS log announces and does not finish: what a file shows once they are carried out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals.xfs_image import BLOCK, LOG_AT, LOG_BLOCKS, SECTOR, XfsImage, inode_core, inode_item, inode_on_disk

from baseops.errors import DamagedError
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.overlay import Overlay, Replay
from baseops.snapshots.tree import Extent
from baseops.snapshots.xfs import XfsFileSystem
from baseops.snapshots.xfs_extents import Record
from baseops.snapshots.xfs_log import replay
from baseops.snapshots.xfs_mappings import Mapping, carry_out
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import read_superblock

AT_BLOCK = 50
NUMBER = AT_BLOCK * 8
MAP, UNMAP = 1, 2
UNWRITTEN, REALTIME, ATTRIBUTES = 1 << 30, 1 << 29, 1 << 31
NREXT64 = 0x10


def packed(*extents: tuple[int, int, int]) -> bytes:
    """(Block in the file, block of the file system, length), as inodes have them."""
    return b"".join(struct.pack(">QQ", start << 9, block << 21 | length) for start, block, length in extents)


def announced(what: int, start: int, block: int, length: int, *, name: int = 7, inode: int = NUMBER) -> list[bytes]:
    return [struct.pack("<HHIQQQQII", 0x1244, 1, 1, name, inode, block, start, length, what)]


def finished(name: int = 7) -> list[bytes]:
    return [struct.pack("<HHIQ", 0x1245, 1, 0, name)]


def file_with(*extents: tuple[int, int, int], size: int = 40, flags2: int = 8) -> XfsImage:
    """An image with one file, which a transaction has just written."""
    image = XfsImage()
    image.put(AT_BLOCK * BLOCK, inode_on_disk(NUMBER))
    core = bytearray(inode_core(NUMBER, size=size * BLOCK, flags2=flags2))
    struct.pack_into("<QI", core, 24, len(extents), 0) if flags2 & NREXT64 else None
    struct.pack_into("<I", core, 76, 0 if flags2 & NREXT64 else len(extents))
    core[83] = 1
    sector = AT_BLOCK * BLOCK // SECTOR
    image.transaction(inode_item(NUMBER, bytes(core), 0x1 | 0x4, packed(*extents), sector=sector, place=0))
    return image


def extents(image: XfsImage) -> tuple[list[Extent], Replay]:
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    found = replay(device)
    return XfsFileSystem(Overlay(device, found)).extents(NUMBER), found


def at(start: int, block: int | None, length: int) -> Extent:
    return Extent(start * BLOCK, length * BLOCK, None if block is None else block * BLOCK)


@pytest.mark.parametrize("flags2", [8, 8 | NREXT64])
def test_an_extent_that_was_about_to_be_mapped_is_there(flags2):
    image = file_with((0, 60, 1), flags2=flags2)
    image.transaction(announced(MAP, 5, 61, 2))

    found, done = extents(image)

    assert found == [at(0, 60, 1), at(5, 61, 2)]
    assert done.not_replayed == ()


def test_what_was_finished_is_not_done_again():
    image = file_with((5, 61, 2))
    image.transaction(announced(MAP, 5, 61, 2))
    image.transaction(finished())

    assert extents(image)[0] == [at(5, 61, 2)]


def test_a_clone_over_a_file_lets_go_and_maps():
    image = file_with((0, 52, 10))
    image.transaction(announced(UNMAP, 3, 55, 4, name=1), announced(MAP, 3, 40, 4, name=2))

    assert extents(image)[0] == [at(0, 52, 3), at(3, 40, 4), at(7, 59, 3)]


def test_space_that_is_not_written_yet_reads_as_zeros():
    image = file_with((0, 60, 1))
    image.transaction(announced(MAP | UNWRITTEN, 1, 61, 2))

    assert extents(image)[0] == [at(0, 60, 1), at(1, None, 2)]


def test_extents_that_no_longer_fit_the_inode_stand_in_a_tree_in_the_blocks_of_the_log():
    held = [(2 * number, 60, 1) for number in range(21)]
    image = file_with(*held, size=100)
    image.transaction(announced(MAP, 90, 61, 1))
    device = Device(InMemoryBlocks.of(bytes(image), 4096))

    found, done = extents(image)

    assert found == [at(*each) for each in [*held, (90, 61, 1)]]
    leaf = Overlay(device, done).pread(LOG_AT * BLOCK, BLOCK)
    assert leaf[:8] == b"BMA3\0\0\0\x16"
    keys = [*done.patches.keys]
    assert all(AT_BLOCK * 8 <= key < AT_BLOCK * 8 + 8 or LOG_AT * 8 <= key < LOG_AT * 8 + 8 for key in keys)


def test_what_concerns_attributes_or_another_device_is_said_with_its_inode():
    image = file_with((0, 60, 1))
    image.transaction(announced(MAP | ATTRIBUTES, 0, 61, 1, name=1), announced(MAP | REALTIME, 4, 9, 1, name=2))

    found, done = extents(image)

    assert found == [at(0, 60, 1)]
    (note,) = done.not_replayed
    assert note.startswith("2 unfinished intents (changes of extents of attributes or on the realtime device of inode")
    assert note.endswith(f" {NUMBER}): the file may show its former content")


OTHER = NUMBER + 1


def two_files(first: tuple[tuple[int, int, int], ...], second: tuple[tuple[int, int, int], ...]) -> XfsImage:
    image = file_with(*first)
    image.put(AT_BLOCK * BLOCK + 512, inode_on_disk(OTHER))
    core = bytearray(inode_core(OTHER, size=10 * BLOCK))
    struct.pack_into("<I", core, 76, len(second))
    core[83] = 1
    sector = AT_BLOCK * BLOCK // SECTOR
    image.transaction(inode_item(OTHER, bytes(core), 0x1 | 0x4, packed(*second), sector=sector, place=512))
    return image


def exchange(starts: tuple[int, int], length: int, *, flags: int = 0, generation: int = 0, sizes=(0, 0)) -> list[bytes]:
    item = struct.pack("<HHIQQQII", 0x1248, 1, 0, 9, NUMBER, OTHER, generation, 0)
    return [item + struct.pack("<QQQQQQ", *starts, length, flags, *sizes)]


def both(image: XfsImage) -> tuple[list[Extent], list[Extent], tuple[int, int]]:
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    system = XfsFileSystem(Overlay(device, replay(device)))
    return system.extents(NUMBER), system.extents(OTHER), (system.stat(NUMBER).size, system.stat(OTHER).size)


def test_what_was_left_of_an_exchange_changes_places():
    image = two_files(((0, 40, 4), (6, 50, 2)), ((1, 30, 4),))
    image.transaction(exchange((2, 1), 5))

    first, second, sizes = both(image)

    assert first == [at(0, 40, 2), at(2, 30, 4), at(7, 51, 1)]
    assert second == [at(1, 42, 2), at(5, 50, 1)]
    assert sizes == (40 * BLOCK, 10 * BLOCK)


def test_an_exchange_to_the_ends_changes_the_sizes_too():
    image = two_files(((0, 40, 4),), ((0, 30, 1),))
    image.transaction(exchange((0, 0), 10, flags=2, sizes=(4000, 16000)))

    assert both(image) == ([at(0, 30, 1)], [at(0, 40, 4)], (4000, 16000))


def test_only_what_the_first_file_has_written_changes_places_where_that_was_asked():
    image = two_files(((0, 40, 1), (3, 50, 1)), ((0, 30, 4),))
    image.transaction(announced(MAP | UNWRITTEN, 1, 41, 1), exchange((0, 0), 4, flags=4))

    first, second, _ = both(image)

    assert first == [at(0, 30, 1), at(1, None, 1), at(3, 33, 1)]
    assert second == [at(0, 40, 1), at(1, 31, 2), at(3, 50, 1)]


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        (exchange((0, 0), 1, generation=6), "has become another file"),
        (exchange((0, 0), 1, flags=0x100), "has flags 0x100"),
        (exchange((0, 1 << 54), 1), "is of 1 blocks at"),
        (exchange((0, 0), 1, flags=2, sizes=(1 << 63, 0)), "is of 1 blocks at"),
        ([exchange((0, 0), 1)[0][:80]], "announced in 80 bytes"),
    ],
)
def test_an_exchange_that_the_kernel_would_refuse_is_an_error(intent, why):
    image = two_files(((0, 40, 1),), ((0, 30, 1),))
    image.transaction(intent)

    with pytest.raises(DamagedError, match=why):
        both(image)


def test_an_exchange_of_attributes_is_said_with_its_inodes():
    image = two_files(((0, 40, 1),), ((0, 30, 1),))
    image.transaction(exchange((0, 0), 1, flags=1))

    (note,) = replay(Device(InMemoryBlocks.of(bytes(image), 4096))).not_replayed
    assert note == (
        f"1 unfinished intents (exchanges of attributes of inode {NUMBER}, {OTHER}): "
        "the two files may show a mixture of old and new attributes"
    )


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        (announced(MAP, 0, 61, 1), "block 0 of the file would be in two places"),
        (announced(MAP, 9, 61, 1 << 21), "an extent of 2097152 blocks"),
        (announced(MAP, 9, 4096, 1), "allocation group 64"),
        (announced(MAP, 9, 61, 0), "has 0 blocks"),
        (announced(3, 9, 61, 1), "has flags 0x3"),
        (announced(MAP, 9, 61, 1, inode=NUMBER + 1), "is damaged"),
        ([announced(MAP, 9, 61, 1)[0][:40]], "are announced in 40 bytes"),
        ([struct.pack("<HHIQ", 0x1244, 1, 2, 7) + bytes(64)], "2 changes of extents"),
    ],
)
def test_what_the_kernel_would_not_mount_is_an_error(intent, why):
    image = file_with((0, 60, 1))
    image.transaction(intent)

    with pytest.raises(DamagedError, match=why):
        extents(image)


def test_more_changes_than_a_kernel_leaves_are_refused():
    image = file_with((0, 60, 1))
    image.transaction(*(announced(MAP, 10 + number, 60, 1, name=number) for number in range(100)))
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    many = [Mapping(NUMBER, Record(number, 1, 1, False), unmaps=True, elsewhere=False) for number in range(4097)]

    with pytest.raises(DamagedError, match="more than 4096 changes"):
        carry_out(Sectors(device, device.size), read_superblock(device), many)


def test_a_tree_that_does_not_fit_the_log_is_an_error():
    image = file_with((0, 60, 1))
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    sectors, superblock = Sectors(device, device.size), read_superblock(device)
    sectors.write(AT_BLOCK * BLOCK, replayed(image))
    for turn in range(3):
        many = [
            Mapping(NUMBER, Record(2 * number, 60, 1, False), unmaps=False, elsewhere=False)
            for number in range(1 + turn * 4096, 1 + turn * 4096 + 4096)
        ]
        if (turn + 1) * 4096 > LOG_BLOCKS * 251:
            with pytest.raises(DamagedError, match="does not fit the log's own blocks"):
                carry_out(sectors, superblock, many)
            return
        carry_out(sectors, superblock, many)


def replayed(image: XfsImage) -> bytes:
    """The inode as the log leaves it."""
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    return Overlay(device, replay(device)).pread(AT_BLOCK * BLOCK, 512)


CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 1500), st.integers(1, 9), st.integers(0, 40), st.booleans()), max_size=60
)


@pytest.mark.hypothesis
@given(st.lists(CHANGES, min_size=1, max_size=4), st.sampled_from([0, 8]), st.integers(0, 900))
def test_whatever_is_announced_the_file_shows_it(rounds, attributes_at, crowd):
    """Against a model that knows each block by itself; `crowd` extents make trees of up to two levels."""
    image = file_with((0, 60, 1))
    inode = bytearray(replayed(image))
    inode[82] = attributes_at
    device = Device(InMemoryBlocks.of(bytes(image), 4096))
    sectors, superblock = Sectors(device, device.size), read_superblock(device)
    sectors.write(AT_BLOCK * BLOCK, bytes(inode))
    model: dict[int, tuple[int, bool]] = {0: (60, False)}
    crowded = [(False, 2 * number + 2, 1, number % 50, number % 3 == 0) for number in range(crowd)]
    for changes in [crowded, *rounds]:
        mappings = []
        for unmaps, start, length, block, unwritten in changes:
            stretch = range(start, start + length)
            if unmaps:
                for each in stretch:
                    model.pop(each, None)
            elif any(each in model for each in stretch):
                continue
            else:
                model |= {each: (block + each - start, unwritten) for each in stretch}
            mappings.append(Mapping(NUMBER, Record(start, block, length, unwritten), unmaps, elsewhere=False))
        carry_out(sectors, superblock, mappings)

        shown = {}
        for extent in XfsFileSystem(sectors).extents(NUMBER):
            for each in range(extent.length // BLOCK):
                place = None if extent.position is None else extent.position // BLOCK + each
                shown[extent.offset // BLOCK + each] = place
        assert shown == {each: None if unwritten else block for each, (block, unwritten) in model.items()}
