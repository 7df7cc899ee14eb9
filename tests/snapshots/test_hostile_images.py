"""Damaged and hostile images end in an error that says where, never in a crash, a hang or a name outside."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from baseops.errors import DamagedError, SnapshotError, UnsupportedError
from baseops.snapshots.blocks import BLOCK_SIZE, FileBlocks, InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_device
from baseops.snapshots.paths import checked, safe_join
from baseops.snapshots.tree import Stat
from baseops.snapshots.volumes import Volume

MOST_READ = 64 << 20


def blocks_of(image: Path) -> tuple[dict[int, bytes], int]:
    with FileBlocks(image) as blocks:
        found = {index: blocks.read(index) for index in range(blocks.count) if blocks.present(index)}
        return found, blocks.size


def exhaust(device: Device) -> int:
    """Read all there is; how many things could be looked at."""
    count = 0
    with open_device(device) as snapshot:
        for entry in snapshot.walk("/", on_error=lambda _path, _error: None):
            count += 1
            try:
                snapshot.filesystem.attributes(entry.node)
                if entry.kind == "symlink":
                    snapshot.target(entry)
                if entry.kind == "file":
                    snapshot.open(entry).read(MOST_READ)
            except SnapshotError:
                continue
            assert ".." not in entry.path.split("/")
    return count


def hurt(blocks: dict[int, bytes], chance: random.Random, places: list[int]) -> dict[int, bytes]:
    """A few bytes changed, mostly where they mean something."""
    found = dict(blocks)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.choice(places) + chance.randrange(256)
        index, at = divmod(place, BLOCK_SIZE)
        if index in found:
            block = bytearray(found[index])
            width = chance.choice((1, 1, 2, 4))
            value = chance.choice((bytes(4), b"\xff" * 4, chance.randbytes(4), b"\x7f\xff\xff\xff", b"\1\0\0\0"))
            block[at : at + width] = value[: len(block[at : at + width])]
            found[index] = bytes(block)
    return found


def metadata(blocks: dict[int, bytes]) -> list[int]:
    """Where there is anything but zeros, in steps of 256 bytes; file contents are mostly elsewhere than the start."""
    found = []
    for index, block in sorted(blocks.items()):
        found += [index * BLOCK_SIZE + at for at in range(0, BLOCK_SIZE, 256) if any(block[at : at + 256])]
    return found


def trials(image: Path, count: int, seed: int) -> Iterator[None]:
    blocks, size = blocks_of(image)
    places = metadata(blocks)
    chance = random.Random(seed)
    for _ in range(count):
        device = Device(InMemoryBlocks(hurt(blocks, chance, places), size))
        with suppress(SnapshotError):
            exhaust(device)
        yield


@pytest.mark.parametrize("kind", ["ext2", "ext4", "ext4-inline"])
def test_bytes_changed_in_ext(kind: str, make_ext: Callable[..., Path], small_tree: Path):
    options = ("-O", "inline_data", "-I", "256") if kind == "ext4-inline" else ()
    for _ in trials(make_ext(kind.split("-", maxsplit=1)[0], *options, top=small_tree, size="4M"), 300, 1):
        pass


def test_bytes_changed_in_xfs(make_xfs: Callable[..., Path]):
    for _ in trials(make_xfs(), 40, 2):
        pass


def test_bytes_changed_in_fat(fat_image: Path):
    for _ in trials(fat_image, 40, 3):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_bytes_changed_in_ext_for_longer(seed: int, make_ext: Callable[..., Path], small_tree: Path):
    for _ in trials(make_ext("ext4", top=small_tree, size="4M"), 5000, seed):
        pass


@pytest.fixture(scope="session")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("small")
    (top / "etc").mkdir()
    (top / "etc/fstab").write_bytes(b"x" * 30)
    (top / "link").symlink_to("etc")
    (top / "file").write_bytes(b"y" * 20_000)
    return top


def test_a_cut_image_says_so(make_ext: Callable[..., Path], tmp_path: Path):
    image = tmp_path / "cut.img"
    image.write_bytes(make_ext("ext4").read_bytes()[: 3 << 20])

    with FileBlocks(image) as blocks, pytest.raises(DamagedError, match="does not fit its device"):
        open_device(Device(blocks))


@pytest.mark.parametrize(
    ("place", "mark", "reason"),
    [
        (0, b"LUKS\xba\xbe", "LUKS"),
        (4096, b"\xfc\x4e\x2b\xa9", "software RAID"),
        (65600, b"_BHRfS_M", "Btrfs"),
        (3, b"-FVE-FS-", "BitLocker"),
        (4086, b"SWAPSPACE2", "swap space"),
    ],
)
def test_what_is_not_read_is_named(place: int, mark: bytes, reason: str):
    image = bytearray(4 << 20)
    image[place : place + len(mark)] = mark

    with pytest.raises(UnsupportedError, match=reason):
        open_device(Device(InMemoryBlocks.of(bytes(image))))


def test_an_empty_volume_says_that_it_is():
    with pytest.raises(UnsupportedError, match="no file system can be read"):
        open_device(Device(InMemoryBlocks({}, 1 << 30)))


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"a\0b", b"x" * 2000])
def test_names_that_no_directory_can_hold(name: bytes):
    with pytest.raises(DamagedError, match="the directory '/etc' is damaged"):
        checked(name, "/etc")


def test_safe_join_refuses_to_leave(tmp_path: Path):
    assert safe_join(tmp_path, "/a/b") == tmp_path / "a/b"
    with pytest.raises(SnapshotError, match="leads out of"):
        safe_join(tmp_path, "a/../../b")
    (tmp_path / "out").symlink_to("/")
    with pytest.raises(SnapshotError, match="is a symbolic link"):
        safe_join(tmp_path, "out/etc/passwd")


class Circle:
    """A file system whose only directory holds itself."""

    kind = "ext4"
    root = 2

    def stat(self, node: int) -> Stat:
        return Stat("dir", 0, 0o40755, 0, 0, 2, 5, 0)

    def children(self, node: int) -> Iterator[tuple[bytes, int]]:
        yield b"again", 5


def test_a_directory_in_itself_ends():
    device = Device(InMemoryBlocks({}, 1 << 20))
    snapshot = Snapshot(Circle(), Volume("0", "ext4", "", device, 0), device)  # type: ignore[arg-type]

    with pytest.raises(DamagedError, match="inode 5 was there before"):
        list(snapshot.walk("/"))
