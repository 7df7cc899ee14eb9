"""From a volume to its file system with the journal replayed: which reader, which journal. Decides nothing else."""

from __future__ import annotations

from baseops.errors import UnsupportedError
from baseops.snapshots import ext4_journal, xfs_log
from baseops.snapshots.device import Device, Readable
from baseops.snapshots.ext import ExtFileSystem
from baseops.snapshots.files import Snapshot
from baseops.snapshots.libyal import LibyalFileSystem
from baseops.snapshots.overlay import CLEAN, Overlay, Replay
from baseops.snapshots.tree import FileSystem
from baseops.snapshots.volumes import Volume
from baseops.snapshots.xfs import XfsFileSystem

_NTFS_NOTE = "NTFS's log is not replayed: what was written in the last seconds before the snapshot may be missing"


def open_volume(volume: Volume, device: Device) -> Snapshot:
    """The file system of a volume; `UnsupportedError` with the reason where it cannot be read."""
    if not volume.is_readable:
        raise UnsupportedError(
            f"{volume.label} ({volume.kind}, {volume.size} bytes at offset {volume.offset}) cannot be read",
            volume.refusal,
            "List what is on the device: baseops backups ls SOURCE",
        )
    replay = _replay(volume)
    readable: Readable = Overlay(volume.device, replay) if len(replay.patches) else volume.device
    notes = (_NTFS_NOTE,) if volume.kind == "ntfs" else ()
    return Snapshot(_filesystem(volume.kind, readable), volume, device, replay=replay, notes=notes)


def _replay(volume: Volume) -> Replay:
    if volume.kind in ("ext3", "ext4"):
        return ext4_journal.replay(volume.device)
    if volume.kind == "xfs":
        return xfs_log.replay(volume.device)
    return CLEAN


def _filesystem(kind: str, device: Readable) -> FileSystem:
    if kind.startswith("ext") and kind != "exfat":
        return ExtFileSystem(device, kind)
    if kind == "xfs":
        return XfsFileSystem(device)
    return LibyalFileSystem(device, kind, "pyfsntfs" if kind == "ntfs" else "pyfsfat")
