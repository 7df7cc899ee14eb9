"""Whether a file of a snapshot is what was declared: its size, its age, its hash, the soundness of a database.

What has to be opened is copied into a private file first, and removed. Says in words what is wrong, and never shows a
byte of the file.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from baseops.areas.backups.wording import spoken
from baseops.errors import InconclusiveError
from baseops.snapshots.files import Entry as File
from baseops.snapshots.files import Snapshot

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read

PIECE = 4 << 20
COMPANIONS = ("-wal", "-journal")
"""What SQLite keeps beside a database until it is checkpointed, or while it changes. https://www.sqlite.org/tempfiles.html"""
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Content:
    """What a file was found to be; `fault` is empty when it is what was declared."""

    fault: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""


def check_file(
    snapshot: Snapshot, read: Read, started: datetime, most_bytes: int, fingerprint: Callable[[bytes], str]
) -> Content:
    """Read the file whole and hold it against what was declared of it; `started` is the snapshot's moment.

    Raises `SnapshotError` for what cannot be read, `InconclusiveError` for what is too large to be read here.
    """
    file = snapshot.entry(read.path)
    if file.kind != "file":
        return Content(f"{read.path} is a {file.kind}, not a file")
    _refuse_large(file, most_bytes)
    parts = [file, *_companions(snapshot, read)]
    age = (started - max(each.stat.modified for each in parts)).total_seconds()
    measures = {"file_bytes": float(file.size), "file_age_seconds": max(age, 0.0)}
    with tempfile.TemporaryDirectory(prefix="baseops-read-") as folder:
        copies = [_copy(snapshot, each, Path(folder), most_bytes) for each in parts]
        fault = _metadata_fault(file, read, age) or (_database_fault(copies[0]) if read.check else "")
        digest = _digest(copies[0]) if read.stable_sha256 else b""
    if not fault and read.stable_sha256 and digest.hex() != read.stable_sha256:
        fault = f"the SHA-256 of {read.path} is not the declared one"
    return Content(fault, measures, fingerprint(digest)[:16] if digest else "")


def _companions(snapshot: Snapshot, read: Read) -> list[File]:
    if read.check != "sqlite-integrity":
        return []
    names = [read.path + suffix for suffix in COMPANIONS]
    found = [snapshot.entry(name) for name in names if snapshot.exists(name)]
    return [each for each in found if each.kind == "file" and each.size]


def _refuse_large(file: File, most_bytes: int) -> None:
    if file.size > most_bytes:
        raise InconclusiveError(
            f"{file.path} has {file.size:,} bytes",
            f"drills read at most {most_bytes:,}",
            "Declare a smaller file of that volume.",
        )


def _copy(snapshot: Snapshot, file: File, folder: Path, most_bytes: int) -> Path:
    """The whole file, its holes as holes."""
    _refuse_large(file, most_bytes)
    place = folder / ("database" + next((each for each in COMPANIONS if file.path.endswith(each)), ""))
    with snapshot.open(file) as source, place.open("wb") as target:
        for offset, length in snapshot.data_runs(file):
            source.seek(offset)
            target.seek(offset)
            for at in range(0, length, PIECE):
                target.write(source.read(min(PIECE, length - at)))
        target.truncate(file.size)
    return place


def _metadata_fault(file: File, read: Read, age: float) -> str:
    if read.min_size is not None and file.size < read.min_size:
        return f"{file.path} has {file.size} bytes, declared are {read.min_size} at least"
    if read.modified_within is not None and age > read.modified_within.total_seconds():
        hours, most = age / 3600, spoken(read.modified_within)
        return f"{file.path} was last changed {hours:.1f} h before the snapshot, declared are {most}"
    return ""


def _database_fault(place: Path) -> str:
    """By SQLite's own check, in the copy: its journal is rolled back or its log taken in there."""
    with place.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            return "it is no SQLite database"
    try:
        connection = sqlite3.connect(f"file:{quote(str(place))}?mode=rw", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return f"SQLite cannot read it: {error}"
    return "" if found == ["ok"] else f"SQLite's integrity_check finds {len(found)} faults or more"


def _digest(place: Path) -> bytes:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
