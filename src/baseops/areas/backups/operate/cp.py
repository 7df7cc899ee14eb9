"""`baseops backups cp`: files and trees out of a snapshot. Each is written beside its name, verified, then renamed."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from baseops.errors import SnapshotError, UsageError
from baseops.snapshots.files import Entry, Snapshot
from baseops.snapshots.paths import safe_join

PIECE = 4 << 20
SPECIAL = ("fifo", "socket", "chardev", "blockdev", "unknown")


@dataclass(frozen=True)
class Manner:
    """How to copy. `preserve`: owner, mode bits and extended attributes too; `resume`: leave what is there."""

    recursive: bool = False
    preserve: bool = False
    resume: bool = False


@dataclass
class Copied:
    """What was done. `special` are pipes, sockets and devices, which are never made; `skipped` went wrong."""

    files: int = 0
    directories: int = 0
    links: int = 0
    bytes: int = 0
    kept: int = 0
    special: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


Listener = Callable[[str, int], None]
"""Told of a path and how many bytes were just written."""


def copy(
    snapshot: Snapshot, paths: Iterable[str], destination: Path, manner: Manner, listen: Listener = lambda _, __: None
) -> Copied:
    """Copy files, and directories when asked; a destination that is a directory is filled, any other is the name."""
    entries = [snapshot.entry(path) for path in paths]
    for entry in entries:
        if entry.kind == "dir" and not manner.recursive:
            raise UsageError(f"{entry.path} is a directory", "", "Add -r to copy it with all it holds.")
    into = destination.is_dir() or len(entries) > 1 or str(destination).endswith(os.sep)
    if into and not destination.is_dir():
        raise UsageError(f"{destination} is no directory", "several files need one", f"Run: mkdir -p {destination}")
    work = _Work(snapshot, manner, listen)
    for entry in entries:
        work.one(entry, safe_join(destination, entry.name) if into and entry.name else destination)
    return work.done


class _Work:
    """One run of copying: what was done so far, and which names lead to one file."""

    def __init__(self, snapshot: Snapshot, manner: Manner, listen: Listener) -> None:
        self.done = Copied()
        self._snapshot = snapshot
        self._manner = manner
        self._listen = listen
        self._linked: dict[int, Path] = {}

    def one(self, entry: Entry, target: Path) -> None:
        if entry.kind == "dir":
            self._tree(entry, target)
        else:
            self._leaf(entry, target)

    def _tree(self, top: Entry, target: Path) -> None:
        made = [(top, target)]
        self._directory(target)
        for entry in self._snapshot.walk(top.path, on_error=self._skip):
            place = safe_join(target, entry.path[len(top.path.rstrip("/")) :])
            if entry.kind == "dir":
                self._directory(place)
                made.append((entry, place))
            else:
                self._leaf(entry, place)
        # Last, and from the inside out: a directory that may not be written, or whose time counts, is filled first.
        for entry, place in reversed(made):
            self._dress(entry, place)

    def _directory(self, place: Path) -> None:
        with _told(f"cannot make the directory {place}"):
            if place.is_symlink() or not place.is_dir():
                place.mkdir(mode=0o700)
        self.done.directories += 1

    def _leaf(self, entry: Entry, target: Path) -> None:
        try:
            if entry.kind in SPECIAL:
                self.done.special.append((entry.path, entry.kind))
            elif entry.kind == "symlink":
                self._link(entry, target)
            elif self._manner.resume and _is_there(entry, target):
                self.done.kept += 1
            elif not self._hard_link(entry, target):
                self._file(entry, target)
        except SnapshotError as error:
            if not self._manner.recursive or isinstance(error, WriteError):
                raise
            self._skip(entry.path, error)

    def _link(self, entry: Entry, target: Path) -> None:
        temporary = _temporary(target)
        with _told(f"cannot make the link {target}"), _removed(temporary):
            temporary.symlink_to(os.fsdecode(self._snapshot.filesystem.target(entry.node)))
            if self._manner.preserve:
                self._own(entry, temporary)
            temporary.replace(target)
        self.done.links += 1

    def _hard_link(self, entry: Entry, target: Path) -> bool:
        """Names of one file stay names of one file, when everything is preserved."""
        if not (self._manner.preserve and entry.stat.links > 1):
            return False
        first = self._linked.setdefault(entry.stat.inode, target)
        if first == target or not first.exists():
            return False
        temporary = _temporary(target)
        with _told(f"cannot make the link {target}"), _removed(temporary):
            temporary.hardlink_to(first)
            temporary.replace(target)
        self.done.links += 1
        return True

    def _file(self, entry: Entry, target: Path) -> None:
        temporary = _temporary(target)
        with _told(f"cannot write {target}"), _removed(temporary):
            with _new(temporary) as descriptor:
                runs = self._snapshot.data_runs(entry)
                _verify(descriptor, entry, runs, self._content(entry, runs, descriptor))
            self._dress(entry, temporary)
            temporary.replace(target)
        self.done.files += 1

    def _content(self, entry: Entry, runs: Sequence[tuple[int, int]], descriptor: int) -> bytes:
        """Write what is not a hole; the hash of what was written."""
        hashed = sha256()
        with self._snapshot.open(entry) as source:
            for start, length in runs:
                source.seek(start)
                for at in range(start, start + length, PIECE):
                    piece = source.read(min(PIECE, start + length - at))
                    hashed.update(piece)
                    _write(descriptor, piece, at)
                    self.done.bytes += len(piece)
                    self._listen(entry.path, len(piece))
        os.ftruncate(descriptor, entry.size)
        return hashed.digest()

    def _dress(self, entry: Entry, place: Path) -> None:
        """Mode and times; owner and attributes when everything is preserved."""
        with _told(f"cannot set the mode of {place}"):
            if self._manner.preserve:
                self._own(entry, place)
                self._attributes(entry, place)
            place.chmod(entry.stat.permissions & (mode_bits(os.geteuid()) if self._manner.preserve else 0o777))
            accessed = entry.stat.accessed_ns
            os.utime(place, ns=(entry.stat.modified_ns if accessed is None else accessed, entry.stat.modified_ns))

    def _own(self, entry: Entry, place: Path) -> None:
        if os.geteuid() == 0:
            os.chown(place, entry.stat.uid, entry.stat.gid, follow_symlinks=False)

    def _attributes(self, entry: Entry, place: Path) -> None:
        for name, value in self._snapshot.filesystem.attributes(entry.node).items():
            try:
                os.setxattr(os.fsencode(place), os.fsencode(name), value, follow_symlinks=False)
            except OSError as error:
                self.done.skipped.append((entry.path, f"attribute {name!r}: {error.strerror}"))

    def _skip(self, path: str, error: SnapshotError) -> None:
        self.done.skipped.append((path, str(error)))


def mode_bits(user: int) -> int:
    """Which bits a copy may keep: only root gives files their owner, whose rights set-user-ID programs run with."""
    return 0o7777 if user == 0 else 0o1777


class WriteError(SnapshotError):
    """The destination cannot be written: the rest would fail as well."""


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Errors of the local file system as ours."""
    try:
        yield
    except OSError as error:
        if isinstance(error, SnapshotError):
            raise
        raise WriteError(what, error.strerror or str(error), "Make room or name another place") from error


@contextmanager
def _removed(temporary: Path) -> Iterator[None]:
    """Whatever happens, the temporary file is not left behind."""
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _temporary(target: Path) -> Path:
    """Beside the target, so that renaming is one step; short, whatever the target is called."""
    return target.parent / f".baseops-{os.getpid()}-{sha256(os.fsencode(target.name)).hexdigest()[:16]}"


@contextmanager
def _new(path: Path) -> Iterator[int]:
    """A file that was not there, for this user alone until it is whole."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _verify(descriptor: int, entry: Entry, runs: Sequence[tuple[int, int]], written: bytes) -> None:
    """Read back what was written."""
    if os.fstat(descriptor).st_size != entry.size:
        raise WriteError(f"the copy of {entry.path} has the wrong size")
    hashed = sha256()
    for start, length in runs:
        for offset in range(start, start + length, PIECE):
            hashed.update(os.pread(descriptor, min(PIECE, start + length - offset), offset))
    if hashed.digest() != written:
        raise WriteError(f"the copy of {entry.path} differs from what was written", "the disk may be failing")


def _is_there(entry: Entry, target: Path) -> bool:
    with suppress(OSError):
        found = target.lstat()
        return modes.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (
            entry.size,
            entry.stat.modified_ns,
        )
    return False
