"""A file system of a snapshot as a directory: list, stat, open, walk, glob. Symbolic links stay inside it."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from baseops.errors import DamagedError, NoSuchPathError, SnapshotError
from baseops.snapshots.device import Device, Fetchable, Mapped
from baseops.snapshots.extents import read_extents
from baseops.snapshots.globbing import matching_names
from baseops.snapshots.overlay import CLEAN, Replay
from baseops.snapshots.paths import checked, joined, parts, raw, text
from baseops.snapshots.reading import SnapshotFile
from baseops.snapshots.tree import Extent, FileSystem, Kind, Node, Stat
from baseops.snapshots.volumes import Volume

MAX_LINKS = 40
MAX_DEPTH = 2048
_KEPT_NAMES = 20_000
_BUFFER = 1 << 20

ErrorListener = Callable[[str, SnapshotError], None]


@dataclass(frozen=True)
class Entry:
    """Something in a directory, with its path from the root of the file system."""

    path: str
    stat: Stat
    node: Node = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> Kind:
        """Such as file, dir or symlink."""
        return self.stat.kind

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stat.size


class Snapshot:
    """One file system, read-only. Paths are text (bytes that are not UTF-8 as surrogates) or bytes.

    `replay` says what its journal changed and `notes` what was left out, in sentences for the user.
    """

    def __init__(
        self,
        filesystem: FileSystem,
        volume: Volume,
        device: Device,
        *,
        replay: Replay = CLEAN,
        notes: Iterable[str] = (),
    ) -> None:
        """`device` is the whole device, `volume` the part of it that the file system lies on."""
        self.filesystem = filesystem
        self.volume = volume
        self.device = device
        self.replay = replay
        self.notes = (*notes, *replay.not_replayed)
        self._close: Callable[[], None] | None = None
        self._names: OrderedDict[tuple[object, bytes], Node] = OrderedDict()

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close."""
        self.close()

    def on_close(self, close: Callable[[], None] | None) -> None:
        """What is to be closed with it."""
        self._close = close

    def close(self) -> None:
        """Close what was opened for it."""
        if self._close is not None:
            self._close()

    @property
    def kind(self) -> str:
        """Such as ext4, xfs, ntfs or fat."""
        return self.filesystem.kind

    def listdir(self, path: str | bytes = "/") -> list[str]:
        """The names in a directory, sorted."""
        return sorted(text(name) for name, _ in self._children(self._directory(path), _shown(path)))

    def scandir(self, path: str | bytes = "/") -> Iterator[Entry]:
        """What is in a directory, sorted by name."""
        shown = _shown(path)
        for name, node in sorted(self._children(self._directory(path), shown), key=_name):
            yield Entry(joined(shown, text(name)), self.filesystem.stat(node), node)

    def stat(self, path: str | bytes, *, follow_symlinks: bool = True) -> Stat:
        """The metadata of a file; of a link's target unless told otherwise."""
        return self.filesystem.stat(self._find(path, follow=follow_symlinks))

    def entry(self, path: str | bytes, *, follow_symlinks: bool = True) -> Entry:
        """The same with path and node."""
        node = self._find(path, follow=follow_symlinks)
        return Entry(_shown(path), self.filesystem.stat(node), node)

    def exists(self, path: str | bytes) -> bool:
        """Whether a path leads to something."""
        try:
            self._find(path)
        except NoSuchPathError:
            return False
        return True

    def readlink(self, path: str | bytes) -> str:
        """Where a symbolic link leads, as it is written."""
        node = self._find(path, follow=False)
        if self.filesystem.stat(node).kind != "symlink":
            raise SnapshotError(f"{_shown(path)} is no symbolic link")
        return text(self.filesystem.target(node))

    def target(self, entry: Entry) -> str:
        """The same for an entry at hand."""
        return text(self.filesystem.target(entry.node))

    def xattrs(self, path: str | bytes, *, follow_symlinks: bool = True) -> dict[str, bytes]:
        """The extended attributes by name."""
        return self.filesystem.attributes(self._find(path, follow=follow_symlinks))

    def open(self, path: str | bytes | Entry) -> io.BufferedReader:
        """A file for reading bytes, seekable."""
        entry = path if isinstance(path, Entry) else self.entry(path)
        if entry.kind != "file":
            raise SnapshotError(f"{entry.path} is a {entry.kind}, not a file", "", "Name a file")
        extents = self.filesystem.extents(entry.node)
        file = SnapshotFile(entry.path, entry.size, extents, self.volume.device, self._reader(entry, extents))
        return io.BufferedReader(file, min(_BUFFER, max(4096, entry.size)))

    def data_runs(self, entry: Entry) -> list[tuple[int, int]]:
        """(offset, length) of what is written of a file; the rest is holes."""
        runs: list[tuple[int, int]] = []
        for each in self.filesystem.extents(entry.node):
            length = min(each.length, entry.size - each.offset)
            if length <= 0 or (each.position is None and each.data is None):
                continue
            if runs and sum(runs[-1]) == each.offset:
                runs[-1] = (runs[-1][0], runs[-1][1] + length)
            else:
                runs.append((each.offset, length))
        return runs

    def blocks_of(self, place: int, length: int) -> set[int]:
        """The blocks of the whole device that a stretch of the file system lies in."""
        size = self.device.block_size
        found: set[int] = set()
        for offset, count in _places(self.volume.device, place, length):
            found.update(range(offset // size, (offset + count - 1) // size + 1))
        return found

    def walk(self, top: str | bytes = "/", *, on_error: ErrorListener | None = None) -> Iterator[Entry]:
        """Everything below a directory, parents before children, links not followed.

        What cannot be read goes to `on_error` with its path and is left out; without that it raises.
        """
        pending = [(_shown(top), self._directory(top), 0)]
        seen = {self.filesystem.stat(pending[0][1]).inode}
        while pending:
            path, node, depth = pending.pop()
            found = list(self._entries(path, node, on_error))
            yield from found
            inner = [each for each in found if each.kind == "dir"]
            for each in reversed(inner):
                problem = _circle(each, seen, depth)
                if problem is None:
                    pending.append((each.path, each.node, depth + 1))
                elif on_error is None:
                    raise problem
                else:
                    on_error(each.path, problem)

    def glob(self, pattern: str) -> Iterator[Entry]:
        """What matches a pattern such as `/etc/*.conf` or `/var/**/*.log`; `**` is any number of directories."""
        names = [each for each in pattern.split("/") if each]
        # Twice any number of directories is any number of them.
        once = [each for each, former in zip(names, ["", *names], strict=False) if (each, former) != ("**", "**")]
        seen: set[str] = set()
        for entry in self._glob("/", self.filesystem.root, once):
            # A second ** that stands apart leads to one place by several ways.
            if entry.path not in seen:
                yield entry
            if once.count("**") > 1:
                seen.add(entry.path)

    def _glob(self, path: str, node: Node, patterns: list[str]) -> Iterator[Entry]:
        first, rest = patterns[0] if patterns else "", patterns[1:]
        if first == "**":
            below = list(self.walk(path))
            if rest:
                yield from self._glob(path, node, rest)
                for each in below:
                    if each.kind == "dir":
                        yield from self._glob(each.path, each.node, rest)
            else:
                yield from below
            return
        for each in self._matching(path, node, first):
            if not rest:
                yield each
            elif each.kind == "dir":
                yield from self._glob(each.path, each.node, rest)

    def _matching(self, path: str, node: Node, pattern: str) -> Iterator[Entry]:
        if not re.search(r"[*?\[]", pattern):
            child = self._child(node, raw(pattern), path) if pattern else None
            if child is not None:
                yield Entry(joined(path, pattern), self.filesystem.stat(child), child)
            return
        matches = matching_names(pattern)
        for name, child in sorted(self._children(node, path), key=_name):
            if matches(text(name)):
                yield Entry(joined(path, text(name)), self.filesystem.stat(child), child)

    def _entries(self, path: str, node: Node, on_error: ErrorListener | None) -> Iterator[Entry]:
        try:
            children = sorted(self._children(node, path), key=_name)
        except SnapshotError as error:
            if on_error is None:
                raise
            on_error(path, error)
            return
        for name, child in children:
            place = joined(path, text(name))
            try:
                stat = self.filesystem.stat(child)
            except SnapshotError as error:
                if on_error is None:
                    raise
                on_error(place, error)
            else:
                yield Entry(place, stat, child)

    def _reader(self, entry: Entry, extents: list[Extent]) -> Callable[[int, int], bytes]:
        device = getattr(self.filesystem, "device", None)
        if device is None:
            return lambda offset, length: self.filesystem.read(entry.node, offset, length)
        self.filesystem.read(entry.node, 0, 0)  # refuses what is encrypted
        return lambda offset, length: read_extents(device, extents, entry.size, offset, length)

    def _directory(self, path: str | bytes) -> Node:
        node = self._find(path)
        kind = self.filesystem.stat(node).kind
        if kind != "dir":
            raise SnapshotError(f"{_shown(path)} is a {kind}, not a directory", "", "Name a directory")
        return node

    def _find(self, path: str | bytes, *, follow: bool = True) -> Node:
        """Resolve a path; links lead on from where they are, and never above the root."""
        pending = parts(path)[::-1]
        trail: list[Node] = [self.filesystem.root]
        links = 0
        while pending:
            name = pending.pop()
            if name == b"..":
                trail = trail[:-1] or trail
                continue
            child = self._child(trail[-1], name, _shown(path))
            if child is None:
                raise NoSuchPathError(
                    f"{_shown(path)} does not exist on the {self.kind} file system",
                    f"there is no {text(name)!r}",
                    "List what is there: baseops backups ls SOURCE:/",
                )
            if (pending or follow) and self.filesystem.stat(child).kind == "symlink":
                links += 1
                if links > MAX_LINKS:
                    raise SnapshotError(f"{_shown(path)} leads through more than {MAX_LINKS} symbolic links")
                target = self.filesystem.target(child)
                trail = trail[:1] if target.startswith(b"/") else trail
                pending += parts(target)[::-1]
            else:
                trail.append(child)
        return trail[-1]

    def _child(self, node: Node, name: bytes, path: str) -> Node | None:
        key = (node, name)
        if key not in self._names:
            if self.filesystem.stat(node).kind != "dir":
                return None
            for each, child in self._children(node, path):
                if each == name:
                    self._names[key] = child
                    break
            else:
                return None
            if len(self._names) > _KEPT_NAMES:
                self._names.popitem(last=False)
        return self._names[key]

    def _children(self, node: Node, path: str) -> Iterator[tuple[bytes, Node]]:
        for name, child in self.filesystem.children(node):
            yield checked(name, path), child


def _places(device: Fetchable, place: int, length: int) -> list[tuple[int, int]]:
    """Where a stretch lies on the lowest device."""
    if not isinstance(device, Mapped):
        return [(place, length)]
    return [one for each in device.places(place, length) for one in _places(device.below, *each)]


def _circle(entry: Entry, seen: set[int], depth: int) -> DamagedError | None:
    """A directory has one name, so one that comes again means a circle."""
    if entry.stat.inode in seen:
        return DamagedError(f"the directory {entry.path!r} is damaged", f"inode {entry.stat.inode} was there before")
    if depth >= MAX_DEPTH:
        return DamagedError(f"the directory {entry.path[:200]!r}… is damaged", f"it is {depth} levels deep")
    seen.add(entry.stat.inode)
    return None


def _name(child: tuple[bytes, Node]) -> bytes:
    return child[0]


def _shown(path: str | bytes) -> str:
    return "/" + "/".join(text(each) for each in parts(path))
