"""What is in a file system: as the kernel sees it, and as libyal sees it through our overlay; and the difference."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Entry, Snapshot
from baseops.snapshots.opening import open_image
from baseops.snapshots.overlay import Overlay, Replay

Seen = dict[str, tuple[Any, ...]]
CHUNK = 1 << 20


def by_kernel(root: Path) -> Seen:
    """Every path below the mount point: mode, links, owner, size, time, xattrs, and content."""
    found: Seen = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder) / name
            found[str(path.relative_to(root))] = _kernel_entry(path)
    return found


def _kernel_entry(path: Path) -> tuple[Any, ...]:
    state = path.lstat()
    xattrs = {}
    if not stat.S_ISLNK(state.st_mode):
        xattrs = {name: os.getxattr(path, name) for name in os.listxattr(path) if name.startswith("user.")}
    content = ""
    size = state.st_size
    if stat.S_ISREG(state.st_mode):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    elif stat.S_ISLNK(state.st_mode):
        content = str(path.readlink())
    else:
        size = 0
    return (state.st_mode, state.st_nlink, state.st_uid, state.st_gid, size, state.st_mtime_ns, xattrs, content)


class _File:
    """A device as the file object that libyal wants."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.at = 0

    def read(self, size: int = -1) -> bytes:
        size = max(0, min(size if size >= 0 else self.device.size, self.device.size - self.at))
        data = self.device.pread(self.at, size)
        self.at += size
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.device.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def get_size(self) -> int:
        return self.device.size


def by_overlay(kind: str, image: Path, replay: Replay | None) -> Seen:
    """The same by libfsext or libfsxfs over the overlay (or over the bare image)."""
    module = __import__({"ext4": "pyfsext", "xfs": "pyfsxfs"}[kind])
    found: Seen = {}
    with FileBlocks(image) as source:
        device = Device(source)
        volume = module.volume()
        volume.open_file_object(_File(Overlay(device, replay) if replay else device))
        try:
            _walk(volume.root_directory, "", found)
        finally:
            volume.close()
    return found


def _walk(folder: Any, prefix: str, found: Seen) -> None:
    for number in range(folder.number_of_sub_file_entries):
        try:
            entry = folder.get_sub_file_entry(number)
            path = prefix + entry.name
            found[path] = _libyal_entry(entry)
        except OSError as error:
            found[f"{prefix}?{number}"] = (str(error)[:300],)
            continue
        if stat.S_ISDIR(entry.file_mode):
            _walk(entry, path + "/", found)


def _libyal_entry(entry: Any) -> tuple[Any, ...]:
    mode = entry.file_mode
    content = ""
    size = entry.size or 0
    if stat.S_ISREG(mode):
        content = _digest(entry, size)
    elif stat.S_ISLNK(mode):
        content = entry.symbolic_link_target
    else:
        size = 0
    attributes = [entry.get_extended_attribute(index) for index in range(entry.number_of_extended_attributes)]
    xattrs = {each.name: each.read_buffer(each.size) if each.size else b"" for each in attributes}
    xattrs = {name: value for name, value in xattrs.items() if name.startswith("user.")}
    links = entry.number_of_links
    owner, group = entry.owner_identifier, entry.group_identifier
    return (mode, links, owner, group, size, entry.get_modification_time_as_integer(), xattrs, content)


def _digest(entry: Any, size: int) -> str:
    digest = hashlib.sha256()
    for at in range(0, size, CHUNK):
        digest.update(entry.read_buffer_at_offset(min(CHUNK, size - at), at))
    return digest.hexdigest()


def by_product(image: Path) -> Seen:
    """The same through `baseops.snapshots.open`, as a user has it."""
    found: Seen = {}
    with open_image(image) as snapshot:
        for entry in snapshot.walk(on_error=lambda path, error: found.update({path[1:] + "?": (str(error)[:300],)})):
            found[entry.path[1:]] = _product_entry(snapshot, entry)
    return found


def _product_entry(snapshot: Snapshot, entry: Entry) -> tuple[Any, ...]:
    state, content = entry.stat, ""
    if entry.kind == "file":
        with snapshot.open(entry) as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    elif entry.kind == "symlink":
        content = snapshot.target(entry)
    xattrs = {} if entry.kind == "symlink" else snapshot.xattrs(entry.path, follow_symlinks=False)
    xattrs = {name: value for name, value in xattrs.items() if name.startswith("user.")}
    size = state.size if entry.kind in {"file", "symlink"} else 0
    return (state.mode, state.links, state.uid, state.gid, size, state.modified_ns, xattrs, content)


FIELDS = ("mode", "links", "owner", "group", "size", "time", "xattrs", "content")


@dataclass
class Difference:
    """How two views differ: `wrong` maps a path to the fields."""

    paths: int
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def identical(self) -> int:
        return self.paths - len(self.wrong)


def compare(truth: Seen, found: Seen) -> Difference:
    result = Difference(len(truth))
    for path in sorted(truth.keys() | found.keys()):
        if path not in found:
            result.wrong[path] = "missing"
        elif path not in truth:
            result.wrong[path] = f"extra: {found[path]!r:.200}"
        elif truth[path] != found[path]:
            if len(found[path]) == 1:
                result.wrong[path] = f"error: {found[path][0]}"
                continue
            pairs = zip(FIELDS, truth[path], found[path], strict=True)
            result.wrong[path] = "; ".join(f"{name} {a!r:.80} != {b!r:.80}" for name, a, b in pairs if a != b)
    return result
