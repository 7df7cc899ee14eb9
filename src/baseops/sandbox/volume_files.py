"""The files of volumes: a folder for each that is asked for, read out of the volume's blocks and written back to them.

A volume's file system is ext4 on the whole volume; one that has none gets one with its first file. What lies in the
folder is brought into the blocks when somebody asks for those (a snapshot, the EBS direct APIs): changed files alone,
so that equal blocks stay equal. A forked copy of the account changes copies of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from baseops.errors import NoSuchPathError, SandboxError, SnapshotError
from baseops.sandbox import ext4_images
from baseops.sandbox.file_listing import Listed, edits, give, listing_of, rebased
from baseops.sandbox.guest.paths import entry, within
from baseops.sandbox.service import opened
from baseops.sandbox.volumes import (
    BLOCK_SIZE,
    Content,
    attach_image,
    blocks_of_image,
    blocks_of_volume,
    image_of,
    volume_image,
)
from baseops.snapshots.device import Device
from baseops.snapshots.files import Entry, Snapshot
from baseops.snapshots.opening import open_image

_STATE = "baseops_volume_files"
_LEAST_BYTES = 64 * ext4_images.MIB
_LEAST_INODES = 4096
_FOLDERS = "files"

# Any throughout: moto's EC2 backend and its volumes carry no types.


@dataclass
class Files:
    """A volume's folder; what its image holds of it; which blocks that came from, or went to."""

    folder: Path
    saved: dict[str, Listed]
    content: Content


class FilesError(Exception):
    """Why the files of a volume cannot be had here."""


def folder_of(backend: Any, volume: Any) -> Path:
    """The folder with a volume's files, to read and to change. Raises `FilesError`."""
    kept = _kept(backend)
    now = blocks_of_volume(backend, volume)
    files = kept.get(volume.id)
    if files is None or files.content is not now:
        files = kept[volume.id] = _read(volume.id, volume.size << 30, now)
    elif not files.folder.is_relative_to(_place()):
        files = kept[volume.id] = _copied(files, volume.id)
    return files.folder


def content_of_volume(backend: Any, volume: Any) -> Content:
    """The blocks of a volume, with what its folder holds now."""
    now = blocks_of_volume(backend, volume)
    files = _kept(backend).get(volume.id)
    if files is None or files.content is not now:
        return now
    listing = listing_of(files.folder)
    if listing == files.saved:
        return now
    if not files.folder.is_relative_to(_place()):
        files = _kept(backend)[volume.id] = _copied(files, volume.id)
        listing = listing_of(files.folder)
    _save(volume, files, listing, now)
    files.saved, files.content = listing, blocks_of_volume(backend, volume)
    return files.content


def write_files(backend: Any, volume: Any, files: Mapping[str, bytes | None]) -> None:
    """Create, replace or (None) remove files, at the account's time."""
    root = folder_of(backend, volume)
    moment = int(opened().clock.now().timestamp())
    for path, data in files.items():
        place = within(root, path)
        if data is None:
            _remove(place)
        else:
            _make_folders(place.parent, moment)
            place.write_bytes(data)
            os.utime(place, (moment, moment))
        if place.parent.is_dir():
            os.utime(place.parent, (moment, moment))


def forget(backend: Any, volume: Any) -> None:
    """Remove the files of a volume that is gone; its blocks stay for the snapshots that hold them."""
    files = _kept(backend).pop(volume.id, None)
    if files is not None and files.folder.is_relative_to(_place()):
        shutil.rmtree(files.folder, ignore_errors=True)
        volume_image(opened().folder, volume.id).unlink(missing_ok=True)


def _kept(backend: Any) -> dict[str, Files]:
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, {})
    state: dict[str, Files] = getattr(backend, _STATE)
    return state


def _place() -> Path:
    return opened().folder / _FOLDERS


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _make_folders(folder: Path, moment: int) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent, moment)
    folder.mkdir()
    for each in (folder, folder.parent):
        os.utime(each, (moment, moment))


# --- out of blocks ---


def holds(backend: Any, volume: Any, paths: Sequence[str]) -> bool:
    """Whether a system has something at every path; taken for granted where nobody can read that. Reads blocks once."""
    now = blocks_of_volume(backend, volume)
    files = _kept(backend).get(volume.id)
    if files is not None and files.content is now:
        return all(os.path.lexists(entry(files.folder, path)) for path in paths)
    key = (id(now.blocks), tuple(paths))
    known = _known.setdefault(opened(), {})
    if key not in known:
        known[key] = (now.blocks, _has(volume.size << 30, now, paths))
    return known[key][1]


# The mapping is kept with what it holds, so that its id stays its own.
_known: WeakKeyDictionary[Any, dict[tuple[int, tuple[str, ...]], tuple[object, bool]]] = WeakKeyDictionary()


def _has(size: int, content: Content, paths: Sequence[str]) -> bool:
    if not content.blocks:
        return True
    try:
        with opened_files(content, size) as snapshot:
            return not _is_there(snapshot, "/etc") or all(_is_there(snapshot, path) for path in paths)
    except SnapshotError:
        return True


def _is_there(snapshot: Snapshot, path: str) -> bool:
    try:
        snapshot.stat(path, follow_symlinks=False)
    except NoSuchPathError:
        return False
    return True


class _Blocks:
    """A volume's blocks as the reader of file systems takes them."""

    def __init__(self, content: Content, size: int) -> None:
        self.block_size = BLOCK_SIZE
        self.size = size
        self.count = size // BLOCK_SIZE
        self._blocks = content.blocks

    def read(self, index: int) -> bytes:
        return self._blocks[index].read()

    def present(self, index: int) -> bool:
        return index in self._blocks


def opened_files(content: Content, size: int) -> Snapshot:
    """The file system that blocks hold, to read. Raises `SnapshotError` where they hold none."""
    return open_image(Device(_Blocks(content, size)))


def _read(volume_id: str, size: int, content: Content) -> Files:
    """The files that the blocks hold, in a folder of their own."""
    reason = ext4_images.why_not()
    if reason:
        raise FilesError(reason)
    folder = _place() / volume_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not content.blocks:
        return Files(folder, {}, content)
    try:
        with opened_files(content, size) as snapshot:
            _refuse_others(volume_id, snapshot)
            _extract(snapshot, folder)
    except SnapshotError as error:
        raise FilesError(f"the files of {volume_id} cannot be read: {error}") from error
    return Files(folder, listing_of(folder), content)


def _refuse_others(volume_id: str, snapshot: Snapshot) -> None:
    if snapshot.kind != "ext4" or snapshot.volume.offset:
        raise FilesError(
            f"{volume_id} has a {snapshot.kind} of its own making; the sandbox changes ext4 on whole volumes"
        )


def _extract(snapshot: Snapshot, folder: Path) -> None:
    found = list(snapshot.walk())
    for each in found:
        _extract_one(snapshot, each, folder)
    for each in reversed(found):
        if each.kind == "dir" and each.path != "/lost+found":
            _give_attributes(each, Path(f"{folder}{each.path}"))
    _give_attributes(snapshot.entry("/"), folder)


def _extract_one(snapshot: Snapshot, found: Entry, folder: Path) -> None:
    place = Path(f"{folder}{found.path}")
    if found.kind == "dir" and found.path != "/lost+found":
        place.mkdir()
    elif found.kind == "symlink":
        place.symlink_to(snapshot.target(found))
    elif found.kind == "file":
        with snapshot.open(found) as source, place.open("wb") as target:
            shutil.copyfileobj(source, target)
        _give_attributes(found, place)


def _give_attributes(found: Entry, place: Path) -> None:
    seconds = found.stat.modified_ns // 1_000_000_000
    give(place, found.stat.permissions, (found.stat.uid, found.stat.gid))
    os.utime(place, (seconds, seconds))


# --- into blocks ---


def _copied(files: Files, volume_id: str) -> Files:
    """The same in the folder of this copy of the account."""
    folder = _place() / volume_id
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = listing_of(files.folder)
    shutil.copytree(files.folder, folder, symlinks=True)
    return Files(folder, rebased(files.saved, old, listing_of(folder)), files.content)


def _save(volume: Any, files: Files, listing: Mapping[str, Listed], content: Content) -> None:
    """Edit the volume's image, or make it; made anew when what is there cannot take it."""
    image = _own_image(volume, content)
    now = opened().clock.now()
    if image.exists():
        try:
            ext4_images.edit_image(image, edits(files.saved, listing, files.folder), now)
        except ext4_images.ImageError:
            image.unlink()
        else:
            return
    try:
        _make(image, files.folder, listing, volume.size << 30, volume.id, now)
    except ext4_images.ImageError as error:
        raise SandboxError(f"the files of {volume.id} do not fit into its {volume.size} GiB", str(error)) from error


def content_of_folder(folder: Path, size: int, identity: str, moment: datetime) -> Content:
    """The blocks of a new file system with what a folder holds. Raises `ext4_images.ImageError`."""
    image = folder.with_suffix(".img")
    _make(image, folder, listing_of(folder), size, identity, moment)
    return Content(blocks_of_image(image), identity)


def _make(image: Path, folder: Path, listing: Mapping[str, Listed], most: int, identity: str, now: datetime) -> None:
    size = min(most, _rounded(2 * sum(each.size for each in listing.values())))
    root = listing["/"]
    ext4_images.make_image(image, size, max(_LEAST_INODES, 2 * len(listing)), identity, now)
    ext4_images.edit_image(image, edits({"/": replace(root, modified=0)}, listing, folder), now)


def _rounded(size: int) -> int:
    return max(_LEAST_BYTES, -(-size // _LEAST_BYTES) * _LEAST_BYTES)


def _own_image(volume: Any, content: Content) -> Path:
    """The volume's image in this account's folder, with its blocks in it; not there while it has none."""
    folder = opened().folder
    image, place = image_of(volume.id), volume_image(folder, volume.id)
    if image is not None and image != place:
        attach_image(folder, volume.id, image)
    elif image is None and content.blocks:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            for index in content.indexes:
                file.seek(index * BLOCK_SIZE)
                file.write(content.blocks[index].read())
            file.truncate(volume.size << 30)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
