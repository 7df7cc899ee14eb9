"""Reads the package database of RPM systems: `rpmdb.sqlite`, as Amazon Linux 2023, Fedora and RHEL 9 have it.

The database is somebody else's file: it is opened in a folder of its own, its schema is not trusted, and a query that
takes too long is ended. A write-ahead log beside it (a snapshot of a running system) is replayed by SQLite itself.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from baseops.areas.images.packages.package import Package
from baseops.areas.images.packages.rpm_header import package
from baseops.errors import DamagedError, SnapshotError
from baseops.snapshots.files import Snapshot

DATABASES = ("/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite")
MOST_BYTES = 512 << 20
MOST_PACKAGES = 100_000
_MOST_STEPS = 1_000
"""Of a hundred thousand instructions of SQLite each: far more than any true database takes."""
_KEY = "gpg-pubkey"


def rpm_packages(snapshot: Snapshot, place: str) -> list[Package]:
    """The installed packages of the database at `place`. Raises `DamagedError` for what is no such database."""
    with tempfile.TemporaryDirectory(prefix="baseops-packages-") as name:
        copy = Path(name) / "rpmdb.sqlite"
        _copy(snapshot, place, copy)
        if snapshot.exists(f"{place}-wal"):
            _copy(snapshot, f"{place}-wal", copy.with_name(f"{copy.name}-wal"))
        try:
            found = [package(blob) for blob in _headers(copy)]
        except sqlite3.Error as error:
            raise DamagedError(f"the package database {place} cannot be read", str(error)) from error
    return [each for each in found if each.name and each.name != _KEY]


def _copy(snapshot: Snapshot, place: str, to: Path) -> None:
    size = snapshot.stat(place).size
    if size > MOST_BYTES:
        raise SnapshotError(f"{place} is not read", f"it has {size:,} bytes, more than any package database")
    with snapshot.open(place) as file:
        to.write_bytes(file.read())


def _headers(copy: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        steps = iter(range(_MOST_STEPS))
        database.set_progress_handler(lambda: next(steps, None) is None, 100_000)
        for (blob,) in database.execute("SELECT blob FROM Packages LIMIT ?", (MOST_PACKAGES,)):
            if not isinstance(blob, bytes):
                raise DamagedError("the package database holds what is no header", type(blob).__name__)
            yield blob
