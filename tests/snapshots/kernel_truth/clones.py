"""A writer that clones files in many pieces, writes over what they share, and exchanges stretches of them, without end.

XFS does each of these in several transactions, of which the first announces the others: a cut can fall between them.
"""

from __future__ import annotations

import fcntl
import os
import random
import struct
import sys
from contextlib import suppress
from pathlib import Path

CLONE = 0x40049409  # FICLONE
EXCHANGE = 0x40285881  # XFS_IOC_EXCHANGE_RANGE, since Linux 6.10
TO_THE_END, WRITTEN_ONLY = 0x1, 0x8
BLOCK = 4096


def sources(root: Path, chance: random.Random) -> list[Path]:
    """Files in about sixty pieces each."""
    found = []
    for number in range(4):
        path = root / f"source-{number}"
        with path.open("wb") as file:
            for block in chance.sample(range(120), 60):
                file.seek(block * BLOCK * chance.choice((1, 2)))
                file.write(chance.randbytes(BLOCK))
                file.flush()
                if chance.random() < 0.2:
                    os.fsync(file.fileno())
        found.append(path)
    return found


def clone(source: Path, target: Path, chance: random.Random) -> None:
    """Clone a file over a new or an old one, then write over some of it."""
    mode = "r+b" if target.exists() and chance.random() < 0.5 else "wb"
    with source.open("rb") as old, target.open(mode) as new:
        with suppress(OSError):  # no space left
            fcntl.ioctl(new, CLONE, old.fileno())
        for _ in range(chance.randrange(4)):
            new.seek(chance.randrange(100) * BLOCK)
            new.write(chance.randbytes(BLOCK * chance.randrange(1, 4)))
            new.flush()
            if chance.random() < 0.5:
                os.fsync(new.fileno())


def exchange(one: Path, two: Path, chance: random.Random) -> None:
    """Let two files change a stretch of their blocks, or all from somewhere to their ends and so their sizes."""
    start, other, length = (
        chance.randrange(40) * BLOCK,
        chance.randrange(40) * BLOCK,
        chance.randrange(30, 80) * BLOCK,
    )
    flags = chance.choice((0, 0, TO_THE_END, WRITTEN_ONLY))
    if flags & TO_THE_END:
        length = 0
    with suppress(OSError), one.open("r+b") as first, two.open("r+b") as second:
        wanted = struct.pack("<iIQQQQ", first.fileno(), 0, start, other, length, flags)
        fcntl.ioctl(second, EXCHANGE, wanted)


def main(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    root.mkdir()
    files = sources(root, chance)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        target = root / f"clone-{chance.randrange(40)}"
        clone(chance.choice(files), target, chance)
        for _ in range(chance.choice((0, 20))):
            exchange(target, chance.choice(files), chance)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
