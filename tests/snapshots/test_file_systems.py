"""One contract for every file system: what is listed, read and refused."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from baseops import snapshots
from baseops.errors import NoSuchPathError, SnapshotError, UnsupportedError
from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.xfs import XfsFileSystem

EXT = {
    "ext2": ("ext2", "-b", "1024"),
    "ext3": ("ext3", "-I", "128"),
    "ext4": ("ext4",),
    "ext4-1k": ("ext4", "-b", "1024", "-O", "^flex_bg"),
    "ext4-inline": ("ext4", "-O", "inline_data", "-I", "256"),
    "ext4-meta_bg": ("ext4", "-b", "1024", "-O", "meta_bg,^resize_inode,^64bit"),
    "ext4-bigalloc": ("ext4", "-O", "bigalloc", "-C", "16384"),
}
XFS = {
    "xfs": (),
    "xfs-1k": ("-b", "size=1024", "-n", "size=8192"),
    "xfs-nrext64": ("-i", "nrext64=1"),
}


@pytest.fixture(scope="module", params=[*EXT, *XFS])
def unix_image(request: pytest.FixtureRequest, make_ext: Callable[..., Path], make_xfs: Callable[..., Path]) -> Path:
    name = request.param
    return make_ext(*EXT[name]) if name in EXT else make_xfs(*XFS[name])


@pytest.fixture(scope="module", params=["unix", "fat"])
def any_image(request: pytest.FixtureRequest) -> Path:
    if request.param == "fat":
        return request.getfixturevalue("fat_image")
    return request.getfixturevalue("make_ext")("ext4")


def test_files_are_those_of_the_tree(unix_image: Path, linked_tree: Path):
    with snapshots.open(unix_image) as snapshot:
        found = {each.path for each in snapshot.walk("/")} - {"/lost+found"}
        expected = {f"/{path.relative_to(linked_tree)}" for path in linked_tree.rglob("*")}
        assert found == expected
        for path in linked_tree.rglob("*"):
            if not path.is_symlink() and path.is_file():
                name = f"/{path.relative_to(linked_tree)}"
                assert snapshot.open(name).read() == path.read_bytes(), name


def test_metadata(unix_image: Path):
    with snapshots.open(unix_image) as snapshot:
        stat = snapshot.stat("/etc/fstab")
        assert (stat.kind, stat.size, stat.permissions, stat.links) == ("file", 18, 0o640, 1)
        assert snapshot.stat("/etc").kind == "dir"
        assert snapshot.stat("/pipe").kind == "fifo"
        assert snapshot.stat("/large.bin").size == 1 << 20


def test_symbolic_links_stay_inside(unix_image: Path):
    with snapshots.open(unix_image) as snapshot:
        assert snapshot.readlink("/link") == "etc/fstab"
        assert snapshot.readlink("/long") == "x" * 300
        assert snapshot.open("/up").read() == b"/dev/xvda1 / ext4\n"
        assert snapshot.stat("/link", follow_symlinks=False).kind == "symlink"
        with pytest.raises(SnapshotError, match="leads through more than 40 symbolic links"):
            snapshot.stat("/circle")


def test_holes_are_known(unix_image: Path):
    with snapshots.open(unix_image) as snapshot:
        entry = snapshot.entry("/sparse")
        assert entry.size == (3 << 20) + 3
        assert snapshot.open("/sparse").read() == bytes(3 << 20) + b"end"


def test_seeking_and_reading_in_pieces(any_image: Path, tree: Path):
    expected = (tree / "large.bin").read_bytes()
    with snapshots.open(any_image) as snapshot, snapshot.open("/large.bin") as file:
        assert file.seek(-5, io.SEEK_END) == len(expected) - 5
        assert file.read() == expected[-5:]
        file.seek(1000)
        hashed = hashlib.sha256()
        while piece := file.read(7777):
            hashed.update(piece)
        assert hashed.digest() == hashlib.sha256(expected[1000:]).digest()


def test_names_and_kinds(any_image: Path):
    with snapshots.open(any_image) as snapshot:
        assert snapshot.listdir("/etc") == ["fstab"]
        assert [each.path for each in snapshot.glob("/many/file-00[1-3]")] == [
            "/many/file-001",
            "/many/file-002",
            "/many/file-003",
        ]
        assert sorted(each.path for each in snapshot.glob("/**/fstab")) == ["/etc/fstab"]
        assert [each.path for each in snapshot.glob("/**/**/fstab")] == ["/etc/fstab"]
        assert snapshot.open("/empty").read() == b""


def test_what_is_not_there(any_image: Path):
    with snapshots.open(any_image) as snapshot:
        with pytest.raises(NoSuchPathError, match="/etc/nothing does not exist"):
            snapshot.open("/etc/nothing")
        with pytest.raises(FileNotFoundError):
            snapshot.stat("/etc/fstab/below")
        with pytest.raises(SnapshotError, match="/etc is a dir, not a file"):
            snapshot.open("/etc")
        with pytest.raises(SnapshotError, match="/etc/fstab is a file, not a directory"):
            snapshot.listdir("/etc/fstab")


def test_ntfs_reads_and_says_what_it_does_not_replay(ntfs_image: Path, tree: Path):
    with snapshots.open(ntfs_image) as snapshot:
        assert snapshot.listdir() == ["fstab", "large.bin"]
        assert snapshot.open("/large.bin").read() == (tree / "large.bin").read_bytes()
        assert snapshot.notes == (
            "NTFS's log is not replayed: what was written in the last seconds before the snapshot may be missing",
        )


def test_fat_times_are_of_the_right_month(fat_image: Path):
    with snapshots.open(fat_image) as snapshot:
        assert f"{snapshot.stat('/etc/fstab').modified:%Y-%m}" == "2023-11"


def test_names_that_are_not_utf8(make_ext: Callable[..., Path], tmp_path: Path):
    top = tmp_path / "tree"
    top.mkdir()
    (top / "caf\udce9").write_bytes(b"latin")
    with snapshots.open(make_ext("ext4", top=top, size="4M")) as snapshot:
        assert snapshot.listdir() == ["caf\udce9", "lost+found"]
        assert snapshot.open("/caf\udce9").read() == b"latin"
        assert snapshot.open(b"/caf\xe9").read() == b"latin"


def test_extended_attributes_and_lists(make_ext: Callable[..., Path], tmp_path: Path):
    top = tmp_path / "tree"
    top.mkdir()
    (top / "file").write_bytes(b"x")
    try:
        import os

        os.setxattr(top / "file", "user.note", b"a\0b")
        os.setxattr(top / "file", "user.large", b"y" * 300)
    except OSError:
        pytest.skip("the file system of the tests takes no user attributes")
    with snapshots.open(make_ext("ext4", top=top, size="4M")) as snapshot:
        assert snapshot.xattrs("/file") == {"user.note": b"a\0b", "user.large": b"y" * 300}


def test_the_old_xfs_is_read_but_its_log_is_refused(make_xfs: Callable[..., Path]):
    image = make_xfs("-m", "crc=0", "-i", "size=256")
    with FileBlocks(image) as blocks:
        old = XfsFileSystem(Device(blocks))
        names = dict(old.children(old.root))
        assert old.target(names[b"link"]) == b"etc/fstab"
        assert old.read(names[b"large.bin"], 256, 3) == b"\0\1\2"
    with pytest.raises(UnsupportedError, match="version 4"):
        snapshots.open(image)


def test_a_small_file_needs_few_blocks(make_ext: Callable[..., Path]):
    with snapshots.open(make_ext("ext4", size="2000M")) as snapshot:
        snapshot.open("/etc/fstab").read()
        assert snapshot.device.blocks_read <= 6
