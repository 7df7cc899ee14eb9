"""Damaged copies of real, busy file systems: each ends in an answer or in an error of ours; no hang, no other error."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path

import pytest
from kernel_truth.layouts import LAYOUTS
from kernel_truth.loops import why_not
from kernel_truth.trial import busy_image, fast_folder

from baseops.errors import SnapshotError
from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.opening import open_device

BY_NAME = {layout.name: layout for layout in LAYOUTS}
CASES = int(os.environ.get("BASEOPS_FUZZ_IMAGES", "20"))
LONGEST_SECONDS = 120
SMALL_BLOCK = 64 * 1024


class DamagedBlocks:
    """An image of which some bytes are wrong."""

    def __init__(self, below: FileBlocks, wrong: dict[int, int]) -> None:
        self.below = below
        self.wrong = wrong
        self.size, self.block_size, self.count = below.size, below.block_size, below.count

    def read(self, index: int) -> bytes:
        data = bytearray(self.below.read(index))
        start = index * self.block_size
        for at, byte in self.wrong.items():
            if start <= at < start + len(data):
                data[at - start] = byte
        return bytes(data)

    def present(self, index: int) -> bool:
        return self.below.present(index)


class WatchedDevice(Device):
    """A device that notes what was read in small pieces: metadata."""

    def __init__(self, source: FileBlocks) -> None:
        super().__init__(source)
        self.seen: dict[tuple[int, int], None] = {}

    def pread(self, offset: int, length: int) -> bytes:
        if length <= 16384:
            self.seen[offset, length] = None
        return super().pread(offset, length)


def look_at_everything(device: Device) -> int:
    """Open, walk, read what is small; what cannot be read is counted."""
    errors: list[str] = []
    with open_device(device) as snapshot:
        for entry in snapshot.walk(on_error=lambda path, _: errors.append(path)):
            with suppress(SnapshotError):
                if entry.kind == "symlink":
                    snapshot.target(entry)
                elif entry.kind == "file":
                    with snapshot.open(entry) as file:
                        file.read(20_000)
                snapshot.xattrs(entry.path, follow_symlinks=False)
    return len(errors)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="damaged-", dir=fast_folder()))
    yield place
    shutil.rmtree(place)


# These mount what they make. A kernel can deadlock over that (Linux 6.18 did, over ext4 with inline data in ordered
# mode, and took every later sync with it), so they run when asked for: make test-slow.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ext4-plain", "ext4-ext3", "ext4-1k-inline", "xfs-plain", "xfs-1k-blocks"])
def test_any_damage_to_an_image_ends_in_an_answer_or_an_error_of_ours(folder, name):
    layout = BY_NAME[name]
    if reason := why_not(layout.kind):
        pytest.skip(f"the kernel cannot be asked for a busy file system: {reason}")
    image = busy_image(folder, layout, 1, 120)
    with FileBlocks(image, SMALL_BLOCK) as blocks:
        watched = WatchedDevice(blocks)
        look_at_everything(watched)
        places = list(watched.seen)
        ends = list(accumulate(length for _, length in places))
        chance = random.Random(name)
        for case in range(CASES):
            wrong = {}
            for _ in range(chance.choice((1, 1, 3, 10, 100))):
                at = chance.randrange(ends[-1])
                number = bisect_right(ends, at)
                wrong[sum(places[number]) - (ends[number] - at)] = chance.choice((0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF))
            try:
                with at_most(LONGEST_SECONDS), suppress(SnapshotError):
                    look_at_everything(Device(DamagedBlocks(blocks, wrong)))
            except Exception as error:
                raise AssertionError(f"case {case}: {wrong}") from error
