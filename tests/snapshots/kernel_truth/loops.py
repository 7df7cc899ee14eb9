"""Loop mounts for the truth by the kernel; `WHY_NOT` says why there are none where there are none."""

from __future__ import annotations

import fcntl
import functools
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baseops.snapshots.checksums import crc32c

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32): XFS_IOC_GOINGDOWN, EXT4_IOC_SHUTDOWN
KEEP_JOURNAL, LIKE_A_POWER_CUT = 1, 2


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def make(kind: str, image: Path, size: int, options: Sequence[str] = (), features: int = 0) -> None:
    """A file system in a file; `features` are set in its superblock (of XFS, version 5) afterwards."""
    image.touch()
    os.truncate(image, size)
    run(f"mkfs.{kind}", "-q", *options, image)
    if features:
        with image.open("r+b") as file:
            block = bytearray(file.read(int.from_bytes(os.pread(file.fileno(), 2, 102), "big")))
            block[216:220] = (int.from_bytes(block[216:220], "big") | features).to_bytes(4, "big")
            block[224:228] = bytes(4)
            block[224:228] = crc32c(bytes(block)).to_bytes(4, "little")
            file.seek(0)
            file.write(block)


@contextmanager
def mounted(image: Path, kind: str, options: str = "") -> Iterator[Path]:
    """The image mounted by the kernel; the loop device stays writable, so that the journal is replayed."""
    loop = run("losetup", "--show", "-f", image)
    place = Path(tempfile.mkdtemp(prefix="kernel-truth-"))
    try:
        run("mount", "-t", kind, *(["-o", options] if options else []), loop, place)
        try:
            yield place
        finally:
            run("umount", place)
    finally:
        run("losetup", "-d", loop)
        place.rmdir()


def power_cut(place: Path, how: int) -> None:
    """Stop the file system at once: nothing more reaches the device."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, how.to_bytes(4, "little"))
    finally:
        os.close(descriptor)


def copy_sparse(image: Path, target: Path) -> Path:
    run("cp", "--sparse=always", image, target)
    return target


@functools.cache
def why_not(kind: str, features: int = 0) -> str:
    """Why this machine cannot tell the truth about a kind of file system; empty when it can."""
    if os.geteuid():
        return "loop mounts need root"
    missing = [tool for tool in (f"mkfs.{kind}", "losetup", "mount", "umount") if not shutil.which(tool)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "try.img"
        try:
            make(kind, image, 320 << 20, features=features)
            with mounted(image, kind):
                return ""
        except OSError as error:
            return f"no loop mounts of {kind}{f' with features 0x{features:x}' if features else ''} here: {error}"


def why_not_inline() -> str:
    """Why ext4 with inline data is not mounted here: Linux 6.18 can deadlock over it, and takes later syncs with it."""
    release = platform.release()
    version = tuple(int(number) for number in re.findall(r"\d+", release)[:2])
    if version <= (6, 1) or os.environ.get("BASEOPS_INLINE_TRIALS"):
        return ""
    return f"Linux {release} may deadlock over inline data (6.18 does, 6.1 does not); BASEOPS_INLINE_TRIALS=1 tries it"
