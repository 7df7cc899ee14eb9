"""What volumes and snapshots hold in the sandbox: maps of 512 KiB blocks, shared between them and never changed.

Whoever makes a world gives a volume its content by writing a raw image to `volume_image(folder, volume_id)` in the
account's folder (`attach_image` does so); a snapshot takes what the image holds at that moment. Equal blocks are
kept once, so that two snapshots of a volume tell which blocks changed between them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from baseops.sandbox.service import opened

BLOCK_SIZE = 512 * 1024
_STATE = "baseops_volume_contents"


@dataclass(frozen=True)
class Block:
    """Where a block's bytes lie, in a file that is only ever appended to, and their SHA-256."""

    path: Path
    offset: int
    digest: bytes

    def read(self) -> bytes:
        """The bytes."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(BLOCK_SIZE)


@dataclass(frozen=True)
class Content:
    """The written blocks of a volume at one moment. `lineage` says which snapshots can be compared."""

    blocks: Mapping[int, Block] = field(default_factory=dict)
    lineage: str = ""

    @cached_property
    def indexes(self) -> list[int]:
        """The written blocks, in order."""
        return sorted(self.blocks)


@dataclass
class Contents:
    """Of all volumes and snapshots in one account and region."""

    volumes: dict[str, Content] = field(default_factory=dict)
    snapshots: dict[str, Content] = field(default_factory=dict)
    seen: dict[Path, tuple[int, int]] = field(default_factory=dict)


# Any: moto's EC2 backend, which carries no types.
def contents_of(backend: Any) -> Contents:
    """The state that is kept with moto's backend, and goes with it."""
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, Contents())
    state: Contents = getattr(backend, _STATE)
    return state


def volume_image(folder: Path, volume_id: str) -> Path:
    """Where the raw image of a volume lies in an account's folder; sparse, at most the volume's size."""
    return folder / "volumes" / f"{volume_id}.img"


def attach_image(folder: Path, volume_id: str, image: Path) -> Path:
    """Give a volume the content of a raw image: a sparse copy in the account's folder, which may be changed later."""
    place = volume_image(folder, volume_id)
    place.parent.mkdir(parents=True, exist_ok=True)
    with image.open("rb") as source, place.open("wb") as target:
        for start, length in _stretches(source.fileno()):
            source.seek(start)
            target.seek(start)
            for at in range(0, length, BLOCK_SIZE):
                target.write(source.read(min(BLOCK_SIZE, length - at)))
        target.truncate(image.stat().st_size)
    return place


def image_of(volume_id: str) -> Path | None:
    """The image of a volume: the account's own, else the one from before it was copied; None without."""
    places = (volume_image(folder, volume_id) for folder in opened().folders)
    return next((place for place in places if place.exists()), None)


def content_of_snapshot(backend: Any, snapshot_id: str) -> Content:
    """What a snapshot holds; one of Amazon's own images gets it when first asked."""
    from baseops.sandbox.stock_roots import content_of_stock

    state = contents_of(backend)
    if snapshot_id not in state.snapshots:
        state.snapshots[snapshot_id] = content_of_stock(backend, snapshot_id) or Content()
    return state.snapshots[snapshot_id]


def blocks_of_image(image: Path) -> dict[int, Block]:
    """The written blocks of a raw image."""
    return _taken(image, Content())


def blocks_of_volume(backend: Any, volume: Any) -> Content:
    """What a volume's blocks hold: its image, where there is one, else what it was made from."""
    state = contents_of(backend)
    if volume.id not in state.volumes:
        origin = content_of_snapshot(backend, volume.snapshot_id) if volume.snapshot_id else Content()
        state.volumes[volume.id] = Content(origin.blocks, volume.id)
    image = image_of(volume.id)
    if image is not None:
        status = image.stat()
        now = (status.st_mtime_ns, status.st_size)
        if state.seen.get(image) != now:
            state.volumes[volume.id] = Content(_taken(image, state.volumes[volume.id]), volume.id)
            state.seen[image] = now
    return state.volumes[volume.id]


def store_block(data: bytes) -> Block:
    """Keep a block's bytes in the open account's folder."""
    path = opened().folder / "blocks.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        offset = file.tell()
        file.write(data.ljust(BLOCK_SIZE, b"\0"))
    return Block(path, offset, sha256(data.ljust(BLOCK_SIZE, b"\0")).digest())


def _taken(image: Path, before: Content) -> dict[int, Block]:
    """The image's written blocks; those that are as they were keep their place, the holes' blocks are gone."""
    found: dict[int, Block] = {}
    with image.open("rb") as file:
        for index in _written(file.fileno()):
            file.seek(index * BLOCK_SIZE)
            data = file.read(BLOCK_SIZE).ljust(BLOCK_SIZE, b"\0")
            old = before.blocks.get(index)
            found[index] = old if old and old.digest == sha256(data).digest() else store_block(data)
    return found


def _written(descriptor: int) -> Iterator[int]:
    last = -1
    for start, length in _stretches(descriptor):
        for index in range(max(last + 1, start // BLOCK_SIZE), (start + length - 1) // BLOCK_SIZE + 1):
            yield index
            last = index


def _stretches(descriptor: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of what a sparse file holds."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    at = 0
    while at < end:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at - start
