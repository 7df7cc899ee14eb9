"""Opens an image, or any device, as a file system: which of several is meant, and the error when nobody can know."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from baseops.errors import NoSuchPathError, SnapshotError, UnsupportedError
from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Snapshot
from baseops.snapshots.filesystems import open_volume
from baseops.snapshots.volumes import Volume, volumes_of

Target = str | os.PathLike[str] | Device
_SYSTEMS = ("ext4", "ext3", "ext2", "xfs")


def open_image(target: Target, volume: str | None = None) -> Snapshot:
    """The file system on a raw image or a device, its journal replayed; close it, or use it in `with`.

    `volume` names one of several: a partition's number, or a logical volume as group/name. Without it the one with
    /etc is meant, else the only one; else an error lists them.
    """
    if isinstance(target, Device):
        return open_device(target, volume)
    blocks = FileBlocks(target)
    try:
        return open_device(Device(blocks), volume, close=blocks.close)
    except BaseException:
        blocks.close()
        raise


def open_device(device: Device, label: str | None = None, *, close: Callable[[], None] | None = None) -> Snapshot:
    """The same for a device."""
    volumes = volumes_of(device)
    snapshot = _named(volumes, label, device) if label is not None else _meant(volumes, device)
    snapshot.on_close(close)
    return snapshot


def _named(volumes: Sequence[Volume], label: str, device: Device) -> Snapshot:
    for each in volumes:
        if each.label == label:
            return open_volume(each, device)
    raise SnapshotError(f"there is no @{label}", f"there are: {_listed(volumes)}", "Name one of them")


def _meant(volumes: Sequence[Volume], device: Device) -> Snapshot:
    readable = [each for each in volumes if each.is_readable]
    if not readable:
        raise UnsupportedError("no file system can be read", _reasons(volumes), "Name another snapshot")
    if len(readable) == 1:
        return open_volume(readable[0], device)
    systems = [snapshot for each in readable if each.kind in _SYSTEMS for snapshot in _with_etc(each, device)]
    if len(systems) == 1:
        return systems[0]
    which = "several of them have /etc" if systems else "none of them has /etc"
    raise SnapshotError(
        f"there are {len(readable)} file systems and {which}",
        _listed(readable),
        f"Name one after the source: SOURCE@{readable[0].label}:/",
    )


def _with_etc(volume: Volume, device: Device) -> list[Snapshot]:
    snapshot = open_volume(volume, device)
    try:
        return [snapshot] if snapshot.stat("/etc").kind == "dir" else []
    except NoSuchPathError:
        return []


def _listed(volumes: Sequence[Volume]) -> str:
    return ", ".join(f"@{each.label} ({each.kind}{', ' + each.name if each.name else ''})" for each in volumes)


def _reasons(volumes: Sequence[Volume]) -> str:
    return "; ".join(f"@{each.label} at offset {each.offset}: {each.refusal}" for each in volumes) or "it is empty"
