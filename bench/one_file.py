"""One small file out of a 100 GiB disk: blocks read, and seconds at 20 ms a block. Run: python bench/one_file.py [GIB].

Makes sparse images (GPT with a boot partition, an EFI partition and the file system) by mke2fs and mkfs.xfs in a
temporary folder; where loop mounts work, also one that was copied while it was written to, so that its journal is
dirty. The targets: GPT+XFS at most 20 blocks, GPT+ext4 at most 25 and the used part of the journal, 0.4 s when clean.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from uuid import UUID, uuid4

from baseops.aws.clock import SystemClock
from baseops.aws.spending import GET_USD, LIST_USD
from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.opening import open_device

LATENCY = 0.020
LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
START = 131072 * 2048  # bytes: where the file system begins, behind two small partitions


class Slow(FileBlocks):
    """Each block takes as long as it does from EBS."""

    def read(self, index: int) -> bytes:
        time.sleep(LATENCY)  # the latency is what is measured
        return super().read(index)


def run(*command: str | Path) -> None:
    subprocess.run([str(each) for each in command], check=True, capture_output=True)


def tree(folder: Path) -> Path:
    top = folder / "tree"
    for number in range(200):
        (top / f"usr/share/{number % 20}").mkdir(parents=True, exist_ok=True)
        (top / f"usr/share/{number % 20}/{number}").write_bytes(os.urandom(3000))
    (top / "etc").mkdir()
    (top / "etc/fstab").write_text("UUID=1 / ext4 defaults 0 1\n")
    return top


def prototype(folder: Path) -> str:
    inner = [
        f"{path.name} {prototype(path)}" if path.is_dir() else f"{path.name} ---644 0 0 {path}"
        for path in sorted(folder.iterdir())
    ]
    return "\n".join(("d--755 0 0", *inner, "$")) + "\n"


def disk(folder: Path, kind: str, gib: int, top: Path) -> Path:
    """A partitioned disk; the file system is made by itself and laid into it."""
    inner, outer = folder / f"{kind}.fs", folder / f"{kind}.img"
    size = (gib << 30) - START - (1 << 20)
    with inner.open("wb") as file:
        file.truncate(size)
    if kind == "ext4":
        run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1,nodiscard", "-d", top, inner)
    else:
        (folder / "prototype").write_text(f"/dev/null\n0 0\n{prototype(top)}")
        run("mkfs.xfs", "-q", "-K", "-p", folder / "prototype", inner)
    with outer.open("wb") as file:
        file.truncate(gib << 30)
    partition(outer, gib << 30, size)
    copy(inner, outer, START)
    return outer


def partition(image: Path, size: int, inner: int) -> None:
    """A GPT like a cloud image's (sgdisk would flush every disk of the machine): 14 BIOS, 15 EFI, 1 the root."""
    entries = bytearray(128 * 128)
    for number, first, last in (
        (14, 2048, 10239),
        (15, 10240, 227327),
        (1, START // 512, (START + inner) // 512 - 1),
    ):
        entry = LINUX.bytes_le + uuid4().bytes + struct.pack("<QQQ", first, last, 0)
        entries[(number - 1) * 128 : (number - 1) * 128 + len(entry)] = entry
    head = bytearray(92)
    sectors = size // 512
    struct.pack_into("<8sII8xQQQQ16sQIII", head, 0, b"EFI PART", 0x10000, 92, 1, sectors - 1, 34, sectors - 34,
                     uuid4().bytes, 2, 128, 128, zlib.crc32(entries))  # fmt: skip
    struct.pack_into("<I", head, 16, zlib.crc32(head))
    boot = bytearray(512)
    struct.pack_into("<B3xB3xII", boot, 446, 0, 0xEE, 1, min(sectors - 1, 0xFFFFFFFF))
    boot[510:] = b"\x55\xaa"
    with image.open("r+b") as file:
        file.write(bytes(boot) + bytes(head).ljust(512, b"\0") + bytes(entries))


def copy(source: Path, target: Path, offset: int) -> None:
    with source.open("rb") as reading, target.open("r+b") as writing:
        at, end = 0, source.stat().st_size
        while at < end:
            try:
                at = os.lseek(reading.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            stop = os.lseek(reading.fileno(), at, os.SEEK_HOLE)
            while at < stop:
                piece = os.pread(reading.fileno(), min(1 << 20, stop - at), at)
                os.pwrite(writing.fileno(), piece, offset + at)
                at += len(piece)


def busy(image: Path, folder: Path) -> Path | None:
    """A copy made while files were being written, or None where nothing can be mounted."""
    mount, copied = folder / "mount", folder / f"busy-{image.name}"
    mount.mkdir(exist_ok=True)
    try:
        run("mount", "-o", f"loop,offset={START}", image, mount)
    except (subprocess.CalledProcessError, FileNotFoundError):
        return None
    try:
        for number in range(3000):
            (mount / f"usr/share/{number % 20}/new-{number}").write_bytes(b"x" * 5000)
        descriptor = os.open(mount / "usr/share/0/new-0", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        run("cp", "--sparse=always", image, copied)
    finally:
        run("umount", mount)
    return copied


def measure(name: str, image: Path) -> None:
    clock = SystemClock()
    with Slow(image) as blocks:
        device = Device(blocks, gather=clock.gather)
        begun = time.perf_counter()
        with open_device(device) as snapshot:
            opened = device.blocks_read
            content = snapshot.open("/etc/fstab").read()
            seconds = time.perf_counter() - begun
            replay = snapshot.replay
    if not content.startswith(b"UUID"):
        raise SystemExit(f"{name}: wrong content")
    usd = device.blocks_read * GET_USD + 5 * LIST_USD
    print(
        f"{name:18} {device.blocks_read:4} blocks ({opened} to open)  {seconds:6.2f} s  {usd:.6f} USD"
        f"  journal: {'dirty' if replay.dirty else 'clean'}, {replay.transactions} transactions"
    )


def main() -> None:
    gib = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        top = tree(folder)
        for kind in ("xfs", "ext4"):
            image = disk(folder, kind, gib, top)
            measure(f"GPT+{kind} {gib} GiB", image)
            dirty = busy(image, folder)
            if dirty is not None:
                measure(f"GPT+{kind} in use", dirty)


if __name__ == "__main__":
    main()
