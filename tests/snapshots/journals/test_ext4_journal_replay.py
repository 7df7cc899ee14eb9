"""Journals of ext4 written by hand: what the overlay shows after each."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest
from journals.ext4_image import ASYNC, BLOCK, CHECKSUM_2, CHECKSUM_3, FAST, JOURNAL_AT, MAGIC, WIDE, Ext4Image

from baseops.errors import DamagedError, SnapshotError, UnsupportedError
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.ext4_journal import ORPHANS, replay
from baseops.snapshots.overlay import CLEAN, Overlay, Replay

FORMATS = {
    "plain": 0, "64bit": WIDE, "v2": CHECKSUM_2, "v2 64bit": CHECKSUM_2 | WIDE, "v3": CHECKSUM_3,
    "v3 64bit": CHECKSUM_3 | WIDE,
}  # fmt: skip


def device_of(image: Ext4Image) -> Device:
    return Device(InMemoryBlocks.of(bytes(image), 4096))


def shown(image: Ext4Image, block: int) -> bytes:
    device = device_of(image)
    return Overlay(device, replay(device)).pread(block * BLOCK, BLOCK).rstrip(b"\0")


@pytest.mark.parametrize("features", FORMATS.values(), ids=FORMATS)
def test_what_was_committed_is_shown(features):
    image = Ext4Image(features)
    image.put(100, b"old")
    image.transaction(7, {100: b"new", 101: b"other"})
    image.transaction(8, {101: b"newest"})

    assert shown(image, 100) == b"new"
    assert shown(image, 101) == b"newest"
    assert replay(device_of(image)).transactions == 2
    assert replay(device_of(image)).bytes_patched == 2 * BLOCK


@pytest.mark.parametrize("features", FORMATS.values(), ids=FORMATS)
def test_a_transaction_without_its_commit_block_is_dropped(features):
    image = Ext4Image(features)
    image.put(100, b"old")
    image.transaction(7, {101: b"whole"})
    image.descriptor(8, {100: b"torn"})

    assert shown(image, 100) == b"old"
    assert shown(image, 101) == b"whole"
    assert replay(device_of(image)).transactions == 1


def test_a_commit_block_of_an_earlier_life_of_the_journal_ends_it():
    image = Ext4Image()
    image.put(100, b"old")
    image.transaction(7, {101: b"whole"})
    image.descriptor(8, {100: b"stale"})
    image.commit(8, seconds=1, right=False)

    assert shown(image, 100) == b"old"
    assert replay(device_of(image)).transactions == 1


def test_a_wrong_commit_block_of_this_life_is_an_error_as_for_the_kernel():
    image = Ext4Image()
    image.transaction(7, {101: b"whole"})
    image.descriptor(8, {100: b"broken"})
    image.commit(8, seconds=2000, right=False)

    with pytest.raises(DamagedError, match=r"transaction 8 of the ext4 journal: the checksum of the commit block 6"):
        replay(device_of(image))


def test_a_wrong_commit_block_of_an_asynchronous_commit_ends_the_journal():
    image = Ext4Image(CHECKSUM_3 | ASYNC)
    image.transaction(7, {101: b"whole"})
    image.descriptor(8, {100: b"torn"})
    image.commit(8, seconds=2000, right=False)

    assert replay(device_of(image)).transactions == 1


def test_a_block_whose_checksum_is_wrong_is_an_error_that_names_its_place():
    image = Ext4Image()
    image.transaction(7, {100: b"content"})
    image.put(JOURNAL_AT + 2, b"CONTENT")

    with pytest.raises(DamagedError, match=f"block 2 of the ext4 journal at offset {(JOURNAL_AT + 2) * BLOCK}"):
        replay(device_of(image))


def test_a_block_that_begins_like_the_journal_is_shown_unmasked():
    image = Ext4Image()
    content = MAGIC.to_bytes(4, "big") + b"text"
    image.transaction(7, {100: content})

    assert shown(image, 100) == content


def test_a_revoked_block_is_not_brought_back_but_a_later_change_is():
    image = Ext4Image()
    image.put(100, b"now a file's")
    image.transaction(7, {100: b"directory", 101: b"directory"})
    image.transaction(8, {102: b"x"}, revoked=[100, 101])
    image.transaction(9, {101: b"directory again"})

    assert shown(image, 100) == b"now a file's"
    assert shown(image, 101) == b"directory again"


def test_a_revoke_holds_for_its_own_transaction_too():
    image = Ext4Image()
    image.transaction(7, {100: b"a", 102: b"x"}, revoked=[100])

    assert shown(image, 100) == b""


def test_the_revokes_of_a_torn_transaction_do_not_count():
    image = Ext4Image()
    image.transaction(7, {100: b"a"})
    image.revoke(8, [100])

    assert shown(image, 100) == b"a"


def test_a_journal_goes_round_its_end():
    image = Ext4Image(length=16, start=13)
    image.transaction(7, {100: b"a", 101: b"b", 102: b"c"})

    assert [shown(image, block) for block in (100, 101, 102)] == [b"a", b"b", b"c"]


def test_sequence_numbers_wrap():
    image = Ext4Image(sequence=0xFFFFFFFF)
    image.transaction(0xFFFFFFFF, {100: b"a", 101: b"a"})
    image.transaction(0, {101: b"b"}, revoked=[100])

    assert shown(image, 100) == b""
    assert shown(image, 101) == b"b"


def test_a_clean_file_system_costs_one_block():
    image = Ext4Image(recover=False)
    image.transaction(7, {100: b"old news"})
    device = device_of(image)

    assert replay(device) == CLEAN
    assert device.blocks_read == 1


def test_an_empty_journal_of_a_mounted_file_system_is_dirty_and_changes_nothing():
    image = Ext4Image(start=0)

    assert replay(device_of(image)).dirty
    assert replay(device_of(image)).bytes_patched == 0


def test_orphans_are_mentioned():
    image = Ext4Image()
    image.image[1024 + 232] = 12
    image.transaction(7, {100: b"a"})

    assert replay(device_of(image)).not_replayed == (ORPHANS,)


def test_an_external_journal_is_refused():
    image = Ext4Image()
    image.image[1024 + 224] = 0

    with pytest.raises(UnsupportedError, match="the ext4 journal lies on another device"):
        replay(device_of(image))


def test_unknown_features_of_a_journal_are_refused():
    with pytest.raises(UnsupportedError, match="features that are not known \\(0x100\\)"):
        replay(device_of(Ext4Image(CHECKSUM_3 | 0x100)))


def test_a_journal_with_an_unused_area_of_fast_commits_goes_round_before_it():
    image = Ext4Image(CHECKSUM_3 | FAST, start=22)
    image.transaction(7, {100: b"a", 101: b"b"})

    assert shown(image, 101) == b"b"
    assert replay(device_of(image)).not_replayed == ()


def test_a_journal_that_uses_a_block_twice_is_an_error():
    image = Ext4Image(length=16)
    inode = 5 * BLOCK + 7 * 128
    image.image[inode + 40 : inode + 76] = struct.pack(
        "<HHHHI IHHI IHHI", 0xF30A, 2, 4, 0, 0, 0, 8, 0, JOURNAL_AT, 8, 8, 0, JOURNAL_AT
    )

    with pytest.raises(DamagedError, match=f"it uses block {JOURNAL_AT} twice"):
        replay(device_of(image))


def test_a_block_beyond_the_file_system_is_an_error():
    image = Ext4Image()
    image.transaction(7, {5000: b"a"})

    with pytest.raises(DamagedError, match="it changes block 5000 of 128"):
        replay(device_of(image))


@pytest.mark.parametrize("features", FORMATS.values(), ids=FORMATS)
def test_any_damage_ends_in_an_answer_or_an_error_of_ours(features, fuzz_cases):
    image = Ext4Image(features, length=24, start=18)
    image.transaction(7, {100: b"a", 101: MAGIC.to_bytes(4, "big") + b"b"})
    image.transaction(8, {102: b"c"}, revoked=[100])
    image.transaction(9, {103: b"d"})
    whole = bytes(image)
    places = [*range(1024, 2048), *range(2048, 2080), *range(5 * BLOCK + 896, 5 * BLOCK + 1024)]
    journal = range(JOURNAL_AT * BLOCK, (JOURNAL_AT + 24) * BLOCK)
    chance = random.Random(features)
    for _ in range(fuzz_cases):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.choice(places) if chance.random() < 0.5 else chance.choice(journal)
            damaged[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, damaged[at] ^ 1 << chance.randrange(8)))
        survives(damaged, chance)


def survives(damaged: bytearray, chance: random.Random) -> None:
    if chance.random() < 0.1:
        del damaged[chance.randrange(len(damaged)) :]
    device = Device(InMemoryBlocks.of(bytes(damaged), 4096))
    with suppress(SnapshotError):
        found = replay(device)
        assert isinstance(found, Replay)
        assert len(Overlay(device, found).pread(0, device.size)) == device.size
