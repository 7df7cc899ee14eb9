"""Logs of XFS written by hand: what the overlay shows after each."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import google_crc32c
import pytest
from journals.xfs_image import (
    BLOCK,
    CONTINUED,
    CONTINUES,
    END,
    LOG_AT,
    LOG_SECTORS,
    SECTOR,
    UUID,
    XfsImage,
    buffer_item,
    cancel_item,
    inode_core,
    inode_item,
    inode_on_disk,
    operations,
)

from baseops.errors import DamagedError, SnapshotError, UnsupportedError
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.overlay import CLEAN, Overlay, Replay
from baseops.snapshots.xfs_log import replay

AT = 50 * BLOCK
"""Where the tests put the metadata that the log changes."""
AT_SECTOR = AT // SECTOR
CORE, DATA, EXTENTS, ROOT, ATTRIBUTE = 0x1, 0x2, 0x4, 0x8, 0x40


def device_of(image: XfsImage) -> Device:
    return Device(InMemoryBlocks.of(bytes(image), 4096))


def shown(image: XfsImage, offset: int, length: int = 128) -> bytes:
    device = device_of(image)
    return Overlay(device, replay(device)).pread(offset, length)


def test_changed_chunks_of_a_buffer_are_shown_and_the_rest_stays():
    image = XfsImage()
    image.put(AT, b"o" * 512)
    image.transaction(buffer_item(AT_SECTOR, {1: b"n" * 128, 2: b"m" * 128, 31: b"z" * 128}))

    assert shown(image, AT, 512) == b"o" * 128 + b"n" * 128 + b"m" * 128 + b"o" * 128
    assert shown(image, AT + 31 * 128) == b"z" * 128
    assert replay(device_of(image)).transactions == 1


def test_the_last_change_wins():
    image = XfsImage()
    image.transaction(buffer_item(AT_SECTOR, {0: b"first"}))
    image.transaction(buffer_item(AT_SECTOR, {0: b"second"}))

    assert shown(image, AT).startswith(b"second")


def test_a_freed_buffer_is_not_brought_back_but_its_next_use_is():
    image = XfsImage()
    image.put(AT, b"a file's bytes")
    image.transaction(buffer_item(AT_SECTOR, {0: b"directory"}), buffer_item(AT_SECTOR + 8, {0: b"directory"}))
    image.transaction(cancel_item(AT_SECTOR), cancel_item(AT_SECTOR + 8))
    image.transaction(buffer_item(AT_SECTOR + 8, {0: b"again"}))

    assert shown(image, AT).startswith(b"a file's bytes")
    assert shown(image, AT + 4096).startswith(b"again")


def test_a_block_that_is_newer_on_the_disk_stays():
    image = XfsImage()
    newer = struct.pack(">4sIQQ16s", b"XDD3", 0, 0, 9 << 32, UUID) + b"on disk"
    image.put(AT, newer)
    image.transaction(buffer_item(AT_SECTOR, {0: b"from the log"}))

    assert shown(image, AT).startswith(b"XDD3")


def test_a_block_of_another_file_system_does_not_count_as_newer():
    image = XfsImage()
    image.put(AT, struct.pack(">4sIQQ16s", b"XDD3", 0, 0, 9 << 32, bytes(16)))
    image.transaction(buffer_item(AT_SECTOR, {0: b"from the log"}))

    assert shown(image, AT).startswith(b"from the log")


def test_an_inode_is_turned_to_the_disk_s_byte_order_and_its_fork_laid_in():
    image = XfsImage()
    image.put(AT + 512, inode_on_disk(401))
    extents = bytes(range(32))
    image.transaction(
        inode_item(401, inode_core(401, size=70_000), CORE | EXTENTS, extents, sector=AT_SECTOR, place=512)
    )
    inode = shown(image, AT + 512, 512)

    assert struct.unpack_from(">HHBBHIII", inode) == (0x494E, 0o100644, 3, 2, 0, 1000, 1001, 2)
    assert struct.unpack_from(">QQQQQ", inode, 32) == (0x1122334455667788, 0x99, 0xAA, 70_000, 3)
    assert inode[96:100] == b"\xff\xff\xff\xff"
    assert struct.unpack_from(">Q", inode, 112)[0] == 1 << 32
    assert struct.unpack_from(">QQ16s", inode, 144) == (0xBB, 401, UUID)
    assert inode[176:208] == extents
    assert google_crc32c.value(inode[:100] + bytes(4) + inode[104:]) == int.from_bytes(inode[100:104], "little")


def test_old_timestamps_are_two_numbers():
    image = XfsImage()
    image.put(AT, inode_on_disk(400))
    core = bytearray(inode_core(400, flags2=0))
    struct.pack_into("<II", core, 40, 1_700_000_000, 123)
    image.transaction(inode_item(400, bytes(core), CORE, sector=AT_SECTOR, place=0))

    assert struct.unpack(">II", shown(image, AT + 40, 8)) == (1_700_000_000, 123)


def test_attributes_lie_behind_the_data_fork():
    image = XfsImage()
    image.put(AT, inode_on_disk(400))
    core = inode_core(400, fork=10, form=1)
    image.transaction(inode_item(400, core, CORE | DATA | ATTRIBUTE, b"target  ", b"attr", sector=AT_SECTOR, place=0))

    assert shown(image, AT + 176, 8) == b"target  "
    assert shown(image, AT + 176 + 80, 4) == b"attr"


def test_the_root_of_a_tree_of_extents_is_packed_into_the_inode():
    image = XfsImage()
    image.put(AT, inode_on_disk(400))
    keys, pointers = struct.pack(">QQ", 0, 500), struct.pack(">QQ", 33, 44)
    root = struct.pack(">4sHH", b"BMA3", 1, 2).ljust(72, b"\0") + keys + bytes(8) + pointers + bytes(8)
    image.transaction(inode_item(400, inode_core(400, form=3), CORE | ROOT, root, sector=AT_SECTOR, place=0))
    room = (512 - 176 - 4) // 16

    assert shown(image, AT + 176, 4) == struct.pack(">HH", 1, 2)
    assert shown(image, AT + 180, 16) == keys
    assert shown(image, AT + 180 + 8 * room, 16) == pointers


def test_an_inode_that_is_newer_on_the_disk_stays_and_one_of_the_same_age_does_not():
    image = XfsImage()
    image.put(AT, inode_on_disk(400, lsn=9 << 32, mode=0o600))
    image.put(AT + 512, inode_on_disk(401, lsn=1 << 32, mode=0o600))
    items = [inode_item(400 + at, inode_core(400 + at), CORE, sector=AT_SECTOR, place=512 * at) for at in (0, 1)]
    image.transaction(*items)

    assert shown(image, AT + 2, 2) == struct.pack(">H", 0o600)
    assert shown(image, AT + 514, 2) == struct.pack(">H", 0o100644)


def test_an_inode_where_there_is_none_is_an_error():
    image = XfsImage()
    image.transaction(inode_item(400, inode_core(400), CORE, sector=AT_SECTOR, place=0))

    with pytest.raises(DamagedError, match=f"there is no inode at offset {AT}, where inode 400 belongs"):
        replay(device_of(image))


def test_new_inodes_are_written_before_what_is_logged_of_them():
    image = XfsImage()
    image.put(AT, b"leftover" * 4096)
    creation = struct.pack("<HH", 0x123F, 1) + struct.pack(">IIIIII", 0, 50, 64, 512, 8, 77)
    item = inode_item(50 * 8 + 3, inode_core(403), CORE, sector=AT_SECTOR, place=3 * 512)
    image.transaction(item, [creation])

    assert shown(image, AT + 3 * 512 + 2, 2) == struct.pack(">H", 0o100644)
    fresh = shown(image, AT + 4 * 512, 512)
    assert fresh[:5] == b"IN\0\0\3"
    assert struct.unpack_from(">QI", fresh, 152)[0] == 404
    assert struct.unpack_from(">I", fresh, 92)[0] == 77


def test_of_a_buffer_of_inodes_only_the_unlinked_pointers_count():
    image = XfsImage()
    image.put(AT, inode_on_disk(400, mode=0o600) + inode_on_disk(401, mode=0o600))
    logged = bytearray(inode_on_disk(400, mode=0o777))
    logged[96:100] = b"\0\0\0\x05"
    image.transaction(buffer_item(AT_SECTOR, {0: bytes(logged[:128])}, flags=1))

    assert shown(image, AT + 2, 2) == struct.pack(">H", 0o600)
    assert shown(image, AT + 96, 4) == b"\0\0\0\x05"
    assert shown(image, AT + 608, 4) == b"\xff" * 4


def test_a_region_goes_on_in_the_next_record():
    image = XfsImage()
    *first, (number, _, region), commit = operations([buffer_item(AT_SECTOR, {0: b"a" * 128, 1: b"b" * 128})])
    image.record([*first, (number, CONTINUES, region[:100])])
    image.record([(number, CONTINUED | END, region[100:]), commit])

    assert shown(image, AT, 256) == b"a" * 128 + b"b" * 128


def test_a_transaction_without_its_commit_is_dropped():
    image = XfsImage()
    image.put(AT, b"old")
    image.transaction(buffer_item(AT_SECTOR + 8, {0: b"whole"}))
    image.record(operations([buffer_item(AT_SECTOR, {0: b"torn"})])[:-1])

    assert shown(image, AT).startswith(b"old")
    assert shown(image, AT + 4096).startswith(b"whole")


def test_transactions_may_overlap_in_the_log():
    image = XfsImage()
    *first, commit = operations([buffer_item(AT_SECTOR, {0: b"early"})], number=1)
    image.record([*first, *operations([buffer_item(AT_SECTOR, {0: b"between"})], number=2)])
    image.record([commit])

    assert shown(image, AT).startswith(b"early")
    assert replay(device_of(image)).transactions == 2


def test_too_many_open_transactions_are_an_error():
    image = XfsImage()
    image.record([(number, 0x1, b"") for number in range(1200)])

    with pytest.raises(DamagedError, match="1200 transactions with 0 bytes are open at once"):
        replay(device_of(image))


def test_a_transaction_that_began_before_the_tail_is_left_alone():
    image = XfsImage()
    image.record([(5, 0, b"the end of something"), *operations([buffer_item(AT_SECTOR, {0: b"new"})])])

    assert shown(image, AT).startswith(b"new")


@pytest.mark.parametrize("cycle", [1, 4])
def test_a_torn_last_record_is_dropped_and_said(cycle):
    image = XfsImage(cycle=cycle, start=20)
    image.tail = image.lsn()
    if cycle == 1:
        image.sector, image.tail = 0, 1 << 32
    image.transaction(buffer_item(AT_SECTOR, {0: b"whole"}))
    image.transaction(buffer_item(AT_SECTOR, {0: b"torn"}), right=False)

    assert shown(image, AT).startswith(b"whole")
    assert replay(device_of(image)).not_replayed == (
        "1 torn records at the end of the log were dropped, as the kernel does",
    )


@pytest.mark.parametrize("cycle", [1, 4])
@pytest.mark.parametrize("written", [1, 2, 3])
def test_a_last_record_that_was_not_written_out_is_dropped(cycle, written):
    image = XfsImage(cycle=cycle, start=20 if cycle > 1 else 0)
    image.transaction(buffer_item(AT_SECTOR, {0: b"whole"}))
    image.transaction(buffer_item(AT_SECTOR, dict.fromkeys(range(16), b"torn")), written=written)

    assert shown(image, AT).startswith(b"whole")


@pytest.mark.parametrize("start", range(LOG_SECTORS - 8, LOG_SECTORS))
def test_a_log_goes_round_its_end(start):
    image = XfsImage(cycle=4, start=start)
    image.transaction(buffer_item(AT_SECTOR, dict.fromkeys(range(16), b"first")))
    image.transaction(buffer_item(AT_SECTOR, {0: b"second"}))

    assert shown(image, AT).startswith(b"second")
    assert shown(image, AT + 15 * 128).startswith(b"first")


def test_a_record_of_more_than_32_kib_has_more_headers():
    image = XfsImage(size=65536)
    chunks = {chunk: bytes([chunk % 251] * 128) for chunk in range(32)}
    items = [buffer_item(AT_SECTOR, chunks) for _ in range(9)]
    image.transaction(*items)

    assert shown(image, AT, 4096) == b"".join(chunks.values())


def test_an_unmounted_file_system_is_clean():
    image = XfsImage()
    image.transaction(buffer_item(AT_SECTOR, {0: b"written in place long ago"}))
    image.unmount()

    assert replay(device_of(image)) == CLEAN


def test_a_log_that_was_never_written_is_clean():
    assert replay(device_of(XfsImage())) == CLEAN


def test_unfinished_intents_are_said_in_words():
    image = XfsImage()
    attribute = struct.pack("<HHIQQ", 0x1246, 1, 0, 0xABC, 131) + bytes(24)
    finished = struct.pack("<HHIQ", 0x1236, 1, 1, 0xDEF) + bytes(16)
    done = struct.pack("<HHIQ", 0x1237, 1, 1, 0xDEF) + bytes(16)
    image.transaction([attribute], [finished])
    image.transaction([done])

    (note,) = replay(device_of(image)).not_replayed
    assert note.startswith("1 unfinished intents (changes of extended attributes of inode 131): an attribute may show")


def test_version_4_is_refused():
    with pytest.raises(UnsupportedError, match="this XFS has version 4"):
        replay(device_of(XfsImage(version=4)))


def test_a_log_on_another_device_is_refused():
    with pytest.raises(UnsupportedError, match="the XFS log lies on another device"):
        replay(device_of(XfsImage(log=0)))


def test_unknown_features_are_refused():
    image = XfsImage()
    image.superblock_field(216, struct.pack(">I", 0x8000))

    with pytest.raises(UnsupportedError, match=r"features that are not known \(0x8000, log 0x0\)"):
        replay(device_of(image))


def test_a_wrong_checksum_in_the_middle_is_an_error_that_names_its_place():
    image = XfsImage()
    image.transaction(buffer_item(AT_SECTOR, {0: b"whole"}))
    sector = image.sector
    image.transaction(buffer_item(AT_SECTOR, {0: b"broken"}), right=False)
    for _ in range(12):
        image.transaction(buffer_item(AT_SECTOR, {0: b"whole"}))

    with pytest.raises(DamagedError, match=f"offset {LOG_AT * BLOCK + sector * SECTOR} .* its checksum is wrong"):
        replay(device_of(image))


def busy_image() -> XfsImage:
    image = XfsImage(cycle=3, start=LOG_SECTORS - 12)
    image.put(AT, b"".join(inode_on_disk(400 + number) for number in range(64)))
    image.transaction(buffer_item(AT_SECTOR + 64, {0: b"a", 1: b"b", 5: b"c"}), cancel_item(AT_SECTOR + 72))
    core = inode_core(401, fork=20)
    image.transaction(
        inode_item(401, core, CORE | EXTENTS | ATTRIBUTE, bytes(32), b"attr", sector=AT_SECTOR, place=512)
    )
    root = struct.pack(">4sHH", b"BMA3", 1, 1).ljust(72, b"\0") + bytes(32)
    image.transaction(inode_item(402, inode_core(402, form=3), CORE | ROOT, root, sector=AT_SECTOR, place=1024))
    creation = struct.pack("<HH", 0x123F, 1) + struct.pack(">IIIIII", 0, 51, 8, 512, 1, 77)
    intent = struct.pack("<HHIQ", 0x1236, 1, 1, 0xDEF) + bytes(16)
    image.transaction([creation], [intent], buffer_item(AT_SECTOR, {0: b"IN" + bytes(126)}, flags=1))
    image.transaction(change_of_extents(401))
    return image


def change_of_extents(inode: int) -> list[bytes]:
    return [struct.pack("<HHIQQQQII", 0x1244, 1, 1, inode, inode, 40, 5, 2, 1)]


def test_any_damage_to_what_a_log_says_ends_in_an_answer_or_an_error_of_ours(fuzz_cases):
    """The items, before they are put into records whose checksums are right."""
    chance = random.Random(1)
    core = inode_core(401, fork=20)
    root = struct.pack(">4sHH", b"BMA3", 1, 1).ljust(72, b"\0") + bytes(32)
    creation = struct.pack("<HH", 0x123F, 1) + struct.pack(">IIIIII", 0, 51, 8, 512, 1, 77)
    quota = [struct.pack("<HHIqiI", 0x123D, 2, 0, AT_SECTOR, 1, 0), bytes(104)]
    items = [
        buffer_item(AT_SECTOR + 64, {0: b"a", 1: b"b", 5: b"c"}),
        cancel_item(AT_SECTOR + 72),
        inode_item(401, core, CORE | EXTENTS | ATTRIBUTE, bytes(32), b"attr", sector=AT_SECTOR, place=512),
        inode_item(402, inode_core(402, form=3), CORE | ROOT, root, sector=AT_SECTOR, place=1024),
        [creation],
        quota,
        [struct.pack("<HHIQ", 0x1236, 1, 1, 0xDEF) + bytes(16)],
        change_of_extents(401),
        change_of_extents(402),
        [struct.pack("<HHIQQQIIQQQQQQ", 0x1248, 1, 0, 9, 401, 402, 0, 0, 0, 0, 9, 2, 99, 99)],
    ]
    for _ in range(fuzz_cases * 3):
        listed = operations(chance.sample(items, chance.randrange(1, 4)))
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(listed))
            number, flags, region = listed[at]
            if chance.random() < 0.2:
                listed[at] = (number, chance.choice((0, 1, 2, 4, 8, 16, 32, flags)), region[: chance.randrange(200)])
            elif region:
                changed = bytearray(region)
                changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
                listed[at] = (number, flags, bytes(changed))
        image = XfsImage()
        image.put(AT, b"".join(inode_on_disk(400 + number) for number in range(64)))
        image.record(listed)
        survives(bytearray(bytes(image)), chance)


def test_any_damage_to_a_log_ends_in_an_answer_or_an_error_of_ours(fuzz_cases):
    whole = bytes(busy_image())
    chance = random.Random(2)
    log = range(LOG_AT * BLOCK, LOG_AT * BLOCK + LOG_SECTORS * SECTOR)
    heads = [at for at in log[::SECTOR] if whole[at : at + 4] == b"\xfe\xed\xba\xbe"]
    for _ in range(fuzz_cases * 3):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            near = chance.choice(heads) + chance.randrange(400)
            at = chance.choice((near, chance.choice(log), chance.randrange(512)))
            damaged[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, damaged[at] ^ 1 << chance.randrange(8)))
        if chance.random() < 0.5:
            damaged[224:228] = bytes(4)
            damaged[224:228] = google_crc32c.value(bytes(damaged[:512])).to_bytes(4, "little")
        survives(damaged, chance)


def survives(damaged: bytearray, chance: random.Random) -> None:
    if chance.random() < 0.05:
        del damaged[chance.randrange(len(damaged)) :]
    device = Device(InMemoryBlocks.of(bytes(damaged), 4096))
    with suppress(SnapshotError):
        found = replay(device)
        assert isinstance(found, Replay)
        assert len(Overlay(device, found).pread(0, device.size)) == device.size
