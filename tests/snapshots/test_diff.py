"""Differences by file, and what is not read when blocks are known to be equal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from baseops import snapshots
from baseops.snapshots.diff import diff


def test_equal_images_have_no_differences(make_ext: Callable[..., Path]):
    image = make_ext("ext4")
    with snapshots.open(image) as first, snapshots.open(image) as second:
        assert list(diff(first, second)) == []


def test_files_in_unchanged_blocks_are_not_read(make_ext: Callable[..., Path]):
    image = make_ext("ext4")
    with snapshots.open(image) as first, snapshots.open(image) as second:
        list(diff(first, second, is_changed=lambda _: False))
        without_content = second.device.blocks_read
    with snapshots.open(image) as first, snapshots.open(image) as second:
        list(diff(first, second))
        assert without_content < second.device.blocks_read


def test_a_change_in_a_changed_block_is_found(make_ext: Callable[..., Path], tmp_path: Path):
    image, changed = make_ext("ext4"), tmp_path / "changed.img"
    shutil.copy(image, changed)
    with snapshots.open(image) as snapshot:
        (extent,) = snapshot.filesystem.extents(snapshot.entry("/large.bin").node)
    assert extent.position is not None
    with changed.open("r+b") as file:
        file.seek(extent.position + 5)
        file.write(b"other")
    block = (extent.position + 5) // 524288

    with snapshots.open(image) as first, snapshots.open(changed) as second:
        found = list(diff(first, second, is_changed={block}.__contains__))

    assert [(each.path, each.what) for each in found] == [("/large.bin", ("content",))]
