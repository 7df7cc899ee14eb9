"""`baseops backups verify`: every block's checksum, every file read through, a manifest of their hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from baseops.contract.clock import Clock
from baseops.errors import SnapshotError
from baseops.snapshots.blocks import BlockSource
from baseops.snapshots.device import FETCHES_AT_ONCE, Device
from baseops.snapshots.files import Entry, Snapshot
from baseops.snapshots.opening import open_device

PIECE = 4 << 20
BLOCKS_PER_TASK = 16
TASKS_AT_ONCE = 64


@dataclass
class Verified:
    """What was read; `problems` are paths (or blocks) with reasons, and make the verdict negative."""

    blocks: int = 0
    files: int = 0
    bytes: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    kind: str = ""

    @property
    def is_sound(self) -> bool:
        """Nothing was wrong."""
        return not self.problems


class SeenBlocks:
    """A source that remembers what was read: each block is verified by reading it, and once is enough."""

    def __init__(self, source: BlockSource) -> None:
        """Nothing was read yet."""
        self._source = source
        self.block_size, self.size, self.count = source.block_size, source.size, source.count
        self.seen: set[int] = set()

    def present(self, index: int) -> bool:
        """As the source says."""
        return self._source.present(index)

    def read(self, index: int) -> bytes:
        """A block."""
        data = self._source.read(index)
        self.seen.add(index)
        return data


Manifest = Callable[[str, str], None]
"""Told of a hash and a path."""


def verify(
    blocks: BlockSource,
    label: str | None,
    clock: Clock,
    manifest: Manifest = lambda _, __: None,
    listen: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Read the meant file system through, then the blocks that it did not need. Files without one are not read."""
    seen = SeenBlocks(blocks)
    device = Device(seen, gather=clock.gather)
    done = Verified()
    try:
        with open_device(device, label) as snapshot:
            done.notes, done.kind = snapshot.notes, snapshot.kind
            _files(snapshot, done, manifest)
    except SnapshotError as error:
        done.problems.append(("/", str(error)))
    _rest(seen, done, clock, listen)
    done.blocks = len(seen.seen)
    return done


def _files(snapshot: Snapshot, done: Verified, manifest: Manifest) -> None:
    for entry in snapshot.walk("/", on_error=lambda path, error: done.problems.append((path, str(error)))):
        if entry.kind != "file":
            continue
        try:
            manifest(_hash(snapshot, entry, done), entry.path)
            done.files += 1
        except SnapshotError as error:
            done.problems.append((entry.path, str(error)))


def _hash(snapshot: Snapshot, entry: Entry, done: Verified) -> str:
    hashed = sha256()
    with snapshot.open(entry) as file:
        while piece := file.read(PIECE):
            hashed.update(piece)
            done.bytes += len(piece)
    return hashed.hexdigest()


def _rest(seen: SeenBlocks, done: Verified, clock: Clock, listen: Callable[[int], None]) -> None:
    """The blocks that no file needed, side by side."""
    batch: list[int] = []
    for index in range(seen.count):
        if index not in seen.seen and seen.present(index):
            batch.append(index)
        if len(batch) == BLOCKS_PER_TASK * TASKS_AT_ONCE:
            _read(seen, batch, done, clock)
            listen(len(seen.seen))
            batch = []
    _read(seen, batch, done, clock)
    listen(len(seen.seen))


def _read(seen: SeenBlocks, batch: Sequence[int], done: Verified, clock: Clock) -> None:
    def read(indexes: Sequence[int]) -> None:
        for index in indexes:
            try:
                seen.read(index)
            except SnapshotError as error:
                done.problems.append((f"block {index}", str(error)))

    tasks = [batch[at : at + BLOCKS_PER_TASK] for at in range(0, len(batch), BLOCKS_PER_TASK)]
    clock.gather([lambda task=task: read(task) for task in tasks], bound=FETCHES_AT_ONCE)  # type: ignore[misc]  # mypy cannot infer defaults


def lines(manifest: Sequence[tuple[str, str]]) -> Iterator[str]:
    """As sha256sum writes them: a name with a line break or backslash is escaped."""
    for digest, path in manifest:
        escaped = path.replace("\\", "\\\\").replace("\n", "\\n")
        mark = "\\" if escaped != path else ""
        yield f"{mark}{digest}  {escaped}"
