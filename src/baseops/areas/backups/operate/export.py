"""`baseops backups export`: a whole volume as a raw image, sparse, several blocks at a time, going on after a break."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from baseops.areas.backups.operate.image_file import ImageFile
from baseops.contract.clock import Clock
from baseops.errors import SnapshotError, UsageError
from baseops.snapshots.blocks import BlockSource

BLOCKS_PER_TASK = 16
TASKS_AT_ONCE = 96


class Fetch(Protocol):
    """How a source reads a block by its token."""

    def __call__(self, index: int, token: str, into: memoryview, /) -> bytes | bytearray | memoryview:
        """The block, in `into` where that is possible."""


@dataclass
class Exported:
    """What was done: blocks written now, blocks that were there from an earlier try, blocks of zeros left out."""

    size: int
    blocks: int = 0
    earlier: int = 0
    zeros: int = 0


def export(
    blocks: BlockSource,
    identifier: str,
    target: Path,
    clock: Clock,
    *,
    at_once: int = 16,
    overwrite: bool = False,
    listen: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write the image beside the target and rename it when it is whole.

    Broken off, it leaves `.part` with a record of what is there beside it; the same command goes on from them.
    """
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists", "", "Name another file, or add --overwrite.")
    part, record = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.part.json")
    done = Exported(blocks.size)
    with ExitStack() as stack:
        try:
            image = ImageFile(part)
            stack.callback(image.close)
            kept = _Kept(record, identifier, blocks, image)
            _write_all(blocks, image, kept, done, clock, at_once, listen)
            image.truncate(blocks.size)
            image.sync()
        except OSError as error:
            if isinstance(error, SnapshotError):
                raise
            raise SnapshotError(
                f"cannot write {target}", error.strerror or str(error), "Make room and run the same command again"
            ) from error
    part.replace(target)
    record.unlink(missing_ok=True)
    return done


class _Kept:
    """Which blocks are on the disk: a bitmap, written after the data that it speaks of."""

    def __init__(self, record: Path, identifier: str, blocks: BlockSource, image: ImageFile) -> None:
        self._record = record
        self._head = {
            "source": identifier,
            "size": blocks.size,
            "block_size": blocks.block_size,
            "version": getattr(blocks, "version", None),
        }
        self._image = image
        self._bits = bytearray(-(-blocks.count // 8))
        self._lock = threading.Lock()
        self._load()

    def __contains__(self, index: int) -> bool:
        return bool(self._bits[index >> 3] & 1 << (index & 7))

    def add(self, index: int) -> None:
        with self._lock:
            self._bits[index >> 3] |= 1 << (index & 7)

    def save(self) -> None:
        self._image.sync()
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps({**self._head, "length": self._image.size, "blocks": self._bits.hex()}))
        temporary.replace(self._record)

    def _load(self) -> None:
        try:
            found = json.loads(self._record.read_text())
            bits = bytes.fromhex(found["blocks"])
            is_ours = {name: found[name] for name in self._head} == self._head and len(bits) == len(self._bits)
            # A part that is shorter than its record says was cut off, or is another.
            is_ours = is_ours and self._image.size >= found["length"]
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            is_ours = False
        if is_ours:
            self._bits[:] = bits
        else:
            self._image.truncate(0)


def _write_all(
    blocks: BlockSource,
    image: ImageFile,
    kept: _Kept,
    done: Exported,
    clock: Clock,
    at_once: int,
    listen: Callable[[int], None],
) -> None:
    zeros = bytes(blocks.block_size)
    fetch: Fetch = getattr(blocks, "fetch", lambda index, _token, _into: blocks.read(index))
    lock = threading.Lock()

    def write(task: Sequence[tuple[int, str]]) -> None:
        for index, token in task:
            data = fetch(index, token, image.memory(blocks.block_size))
            length = min(len(data), blocks.size - index * blocks.block_size)
            is_zero = not data[0] and bytes(data) == zeros
            if not is_zero:
                image.write(memoryview(data)[:length], index * blocks.block_size)
            kept.add(index)
            with lock:
                done.blocks += 1
                done.zeros += is_zero
            listen(length)

    wanted = _wanted(blocks, kept, done)
    try:
        # In rounds: what is in flight at Ctrl-C is one task for each thread.
        while batch := list(islice(wanted, BLOCKS_PER_TASK * TASKS_AT_ONCE)):
            tasks = [batch[at : at + BLOCKS_PER_TASK] for at in range(0, len(batch), BLOCKS_PER_TASK)]
            clock.gather([lambda task=task: write(task) for task in tasks], bound=at_once)  # type: ignore[misc]  # mypy cannot infer defaults
            kept.save()
    except BaseException:
        kept.save()
        raise


def _wanted(blocks: BlockSource, kept: _Kept, done: Exported) -> Iterator[tuple[int, str]]:
    listed = getattr(blocks, "listed", None)
    pairs = listed() if listed else ((index, "") for index in range(blocks.count) if blocks.present(index))
    for index, token in pairs:
        if index in kept:
            done.earlier += 1
        else:
            yield index, token
