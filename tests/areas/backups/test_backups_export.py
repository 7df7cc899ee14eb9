"""Exports that are broken off go on, and nothing half-done has the final name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from baseops.areas.backups.operate.export import export
from baseops.aws.clock import SystemClock
from baseops.errors import SnapshotError, UsageError
from baseops.snapshots.blocks import FileBlocks, InMemoryBlocks

BLOCK = 4096


class ListedBlocks(InMemoryBlocks):
    """Lists its blocks as EBS does, and may break after some reads."""

    breaks_after: int | None = None

    def listed(self) -> Iterator[tuple[int, str]]:
        return ((index, f"token-{index}") for index in sorted(self._blocks))

    def fetch(self, index: int, token: str, into: memoryview) -> bytes:
        assert token == f"token-{index}"
        if self.breaks_after is not None and len(self.reads) >= self.breaks_after:
            raise SnapshotError("the snapshot has vanished")
        return self.read(index)


@pytest.fixture
def blocks() -> ListedBlocks:
    written = {index: bytes([index % 255 + 1]) * BLOCK for index in range(0, 400, 2)}
    return ListedBlocks({**written, 7: bytes(BLOCK)}, 400 * BLOCK, BLOCK)


def test_an_export_has_holes_where_nothing_was_written(blocks: ListedBlocks, tmp_path: Path):
    done = export(blocks, "snap-1", tmp_path / "disk.img", SystemClock())

    assert (done.blocks, done.zeros, done.earlier) == (201, 1, 0)
    data = (tmp_path / "disk.img").read_bytes()
    assert len(data) == 400 * BLOCK
    assert data[2 * BLOCK : 4 * BLOCK] == b"\x03" * BLOCK + bytes(BLOCK)
    assert [each.name for each in tmp_path.iterdir()] == ["disk.img"]


def test_a_snapshot_that_vanishes_leaves_nothing_under_the_final_name(blocks: ListedBlocks, tmp_path: Path):
    blocks.breaks_after = 100

    with pytest.raises(SnapshotError, match="vanished"):
        export(blocks, "snap-1", tmp_path / "disk.img", SystemClock(), at_once=1)

    assert not (tmp_path / "disk.img").exists()
    blocks.breaks_after = None
    done = export(blocks, "snap-1", tmp_path / "disk.img", SystemClock())
    assert (done.earlier, done.blocks) == (100, 101)
    assert sorted(blocks.reads) == sorted(blocks._blocks)  # each block once, in both tries together


def test_ctrl_c_leaves_what_can_be_gone_on_from(blocks: ListedBlocks, tmp_path: Path):
    def interrupt(_count: int) -> None:
        if len(blocks.reads) == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(blocks, "snap-1", tmp_path / "disk.img", SystemClock(), at_once=1, listen=interrupt)

    assert not (tmp_path / "disk.img").exists()
    assert export(blocks, "snap-1", tmp_path / "disk.img", SystemClock()).earlier >= 50


def test_what_is_left_of_another_snapshot_is_not_used(blocks: ListedBlocks, tmp_path: Path):
    blocks.breaks_after = 100
    with pytest.raises(SnapshotError):
        export(blocks, "snap-1", tmp_path / "disk.img", SystemClock(), at_once=1)
    blocks.breaks_after = None

    assert export(blocks, "snap-2", tmp_path / "disk.img", SystemClock()).earlier == 0


def test_a_file_that_is_there_is_not_replaced(blocks: ListedBlocks, tmp_path: Path):
    (tmp_path / "disk.img").write_text("mine")

    with pytest.raises(UsageError, match="exists"):
        export(blocks, "snap-1", tmp_path / "disk.img", SystemClock())

    assert (tmp_path / "disk.img").read_text() == "mine"


@pytest.mark.parametrize("happens", ["part gone", "part cut off", "record is no record"])
def test_a_part_that_is_not_what_its_record_says_is_begun_anew(happens: str, blocks: ListedBlocks, tmp_path: Path):
    blocks.breaks_after = 100
    with pytest.raises(SnapshotError, match="vanished"):
        export(blocks, "snap-1", tmp_path / "disk.img", SystemClock(), at_once=1)
    part = tmp_path / ".disk.img.part"
    if happens == "part gone":
        part.unlink()
    elif happens == "part cut off":
        os.truncate(part, 50 * BLOCK)
    else:
        (tmp_path / ".disk.img.part.json").write_text("[1]")

    blocks.breaks_after = None
    done = export(blocks, "snap-1", tmp_path / "disk.img", SystemClock())

    assert (done.earlier, done.blocks) == (0, 201)
    data = (tmp_path / "disk.img").read_bytes()
    assert all(data[index * BLOCK] == index % 255 + 1 for index in range(0, 400, 2))


def test_an_image_that_changed_since_is_begun_anew(tmp_path: Path):
    image, target = tmp_path / "old.img", tmp_path / "disk.img"
    image.write_bytes(b"a" * BLOCK * 10)

    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with FileBlocks(image, BLOCK) as blocks, pytest.raises(KeyboardInterrupt):
        export(blocks, str(image), target, SystemClock(), at_once=1, listen=interrupt)
    image.write_bytes(b"b" * BLOCK * 10)
    os.utime(image, (1, 1))
    with FileBlocks(image, BLOCK) as blocks:
        done = export(blocks, str(image), target, SystemClock())

    assert (done.earlier, target.read_bytes()) == (0, b"b" * BLOCK * 10)
