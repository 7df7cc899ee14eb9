"""An overlay shows its patches over a device, wherever a read begins and ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.errors import DamagedError
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.overlay import CLEAN, Overlay, Patches, Replay

IMAGE = bytes(range(256)) * 64
UNIT = 512


def overlay(pieces: dict[int, bytes | int]) -> Overlay:
    return Overlay(Device(InMemoryBlocks.of(IMAGE, 1024)), Replay(Patches(UNIT, pieces), dirty=True))


@given(
    st.dictionaries(st.integers(0, 31), st.binary(min_size=UNIT, max_size=UNIT), max_size=6),
    st.integers(0, len(IMAGE)),
    st.integers(0, 3000),
)
def test_every_read_shows_the_patched_bytes(pieces, offset, length):
    whole = bytearray(IMAGE)
    for key, piece in pieces.items():
        whole[key * UNIT : (key + 1) * UNIT] = piece
    length = min(length, len(IMAGE) - offset)

    assert overlay(pieces).pread(offset, length) == whole[offset : offset + length]


def test_a_piece_may_lie_elsewhere_on_the_device():
    shown = overlay({3: 100})

    assert shown.pread(3 * UNIT, UNIT) == IMAGE[100 : 100 + UNIT]
    assert shown.pread(3 * UNIT - 1, 3) == IMAGE[3 * UNIT - 1 : 3 * UNIT] + IMAGE[100:102]


def test_a_patched_piece_costs_no_read_of_what_lies_below():
    blocks = InMemoryBlocks.of(IMAGE, 1024)
    shown = Overlay(Device(blocks), Replay(Patches(UNIT, {2: b"x" * UNIT})))

    assert shown.pread(1030, 10) == b"x" * 10
    assert blocks.reads == []


def test_nothing_is_shown_behind_the_end():
    with pytest.raises(DamagedError):
        overlay({31: b"x" * UNIT}).pread(31 * UNIT, UNIT + 1)


def test_a_replay_counts_what_it_changed_and_shows_no_bytes():
    replay = Replay(Patches(UNIT, {1: b"secret" * 86, 7: 0}), dirty=True, transactions=2)

    assert replay.bytes_patched == 2 * UNIT
    assert "secret" not in repr(replay)
    assert CLEAN.bytes_patched == 0
