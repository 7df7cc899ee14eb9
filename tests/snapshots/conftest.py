"""Small file systems, made by the tools of their makers, all with the same tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MODIFIED = 1_700_000_000


def needed(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed here")


def run(*command: str | Path) -> None:
    subprocess.run([str(each) for each in command], check=True, capture_output=True)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every image holds."""
    top = tmp_path_factory.mktemp("tree")
    (top / "etc").mkdir()
    (top / "etc/fstab").write_bytes(b"/dev/xvda1 / ext4\n")
    (top / "empty").write_bytes(b"")
    (top / "large.bin").write_bytes(bytes(range(256)) * 4096)
    (top / "many").mkdir()
    for number in range(300):
        (top / f"many/file-{number:03d}").write_bytes(f"{number}".encode())
    for path in (top / "etc/fstab", top / "large.bin"):
        os.utime(path, (MODIFIED, MODIFIED))
    (top / "etc/fstab").chmod(0o640)
    return top


@pytest.fixture(scope="session")
def linked_tree(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with what only Unix's file systems can hold."""
    top = tmp_path_factory.mktemp("linked") / "tree"
    shutil.copytree(tree, top)
    (top / "link").symlink_to("etc/fstab")
    (top / "up").symlink_to("../../../../etc/fstab")
    (top / "circle").symlink_to("circle")
    (top / "long").symlink_to("x" * 300)
    os.mkfifo(top / "pipe")
    with (top / "sparse").open("wb") as file:
        file.seek(3 << 20)
        file.write(b"end")
    return top


@pytest.fixture(scope="session")
def make_ext(linked_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(kind: str, *options: str, top: Path = linked_tree, size: str = "24M") -> Path:
        needed("mke2fs")
        image = tmp_path_factory.mktemp("ext") / f"{kind}.img"
        run("mke2fs", "-q", "-t", kind, *options, "-d", top, image, size)
        return image

    return make


@pytest.fixture(scope="session")
def make_xfs(linked_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(*options: str) -> Path:
        needed("mkfs.xfs")
        folder = tmp_path_factory.mktemp("xfs")
        image, prototype = folder / "xfs.img", folder / "prototype"
        prototype.write_text(f"/dev/null\n0 0\n{_prototype(linked_tree)}")
        with image.open("wb") as file:
            file.truncate(320 << 20)
        run("mkfs.xfs", "-q", *options, "-p", prototype, image)
        return image

    return make


def _prototype(folder: Path) -> str:
    """The tree in the words of mkfs.xfs -p."""
    lines = ["d--755 0 0"]
    for path in sorted(folder.iterdir()):
        mode = f"{path.lstat().st_mode & 0o777:03o}"
        if path.is_symlink():
            lines.append(f"{path.name} l--777 0 0 {path.readlink()}")
        elif path.is_dir():
            lines.append(f"{path.name} {_prototype(path)}")
        elif path.is_fifo():
            lines.append(f"{path.name} p--{mode} 0 0")
        else:
            lines.append(f"{path.name} ---{mode} 0 0 {path}")
    return "\n".join((*lines, "$")) + "\n"


@pytest.fixture(scope="session")
def fat_image(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed("mkfs.vfat", "mcopy")
    image = tmp_path_factory.mktemp("fat") / "fat.img"
    with image.open("wb") as file:
        file.truncate(40 << 20)
    run("mkfs.vfat", "-F", "32", image)
    run("mcopy", "-m", "-s", "-i", image, *sorted(tree.iterdir()), "::")
    return image


@pytest.fixture(scope="session")
def ntfs_image(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed("mkfs.ntfs", "ntfscp")
    image = tmp_path_factory.mktemp("ntfs") / "ntfs.img"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ntfs", "-q", "-F", image)
    run("ntfscp", image, tree / "large.bin", "large.bin")
    run("ntfscp", image, tree / "etc/fstab", "fstab")
    return image
