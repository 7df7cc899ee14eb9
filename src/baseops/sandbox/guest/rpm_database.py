"""The package database of a root folder: /var/lib/rpm/rpmdb.sqlite, as rpm 4.16 and later write it.

https://github.com/rpm-software-management/rpm/blob/rpm-4.16.x/lib/backend/sqlite.c
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from baseops.sandbox.guest import rpm_header as tag
from baseops.sandbox.guest.paths import within

PLACE = "/var/lib/rpm/rpmdb.sqlite"
# rpm opens them all, empty or not.
_INDEXES = (
    "Name", "Basenames", "Group", "Requirename", "Providename", "Conflictname", "Obsoletename", "Triggername",
    "Dirnames", "Installtid", "Sigmd5", "Sha1header", "Filetriggername", "Transfiletriggername", "Recommendname",
    "Suggestname", "Supplementname", "Enhancename",
)  # fmt: skip


@dataclass(frozen=True)
class Installed:
    """A package as the database knows it; times in seconds since 1970, files with their sizes and modes."""

    name: str
    version: str
    release: str
    architecture: str
    built: int
    installed: int
    summary: str = ""
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Such as `nginx-1.26.2-1.amzn2023.0.1.x86_64`."""
        return f"{self.name}-{self.version}-{self.release}.{self.architecture}"


def exists(root: Path) -> bool:
    """Whether the root folder has a package database."""
    return within(root, PLACE).is_file()


def packages(root: Path) -> list[Installed]:
    """What is installed, in the order of installation."""
    if not exists(root):
        return []
    with _opened(root) as database:
        rows = database.execute("SELECT blob FROM Packages ORDER BY hnum").fetchall()
    return [_installed(tag.read(blob)) for (blob,) in rows]


def package(root: Path, name: str) -> Installed | None:
    """The newest of a name."""
    return next((each for each in reversed(packages(root)) if each.name == name), None)


def install(root: Path, wanted: Iterable[Installed]) -> None:
    """Write packages into the database; each takes the place of an older one of its name."""
    place = within(root, PLACE)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _opened(root) as database:
        _make_tables(database)
        for each in wanted:
            _remove(database, each.name)
            _insert(database, each)


def remove(root: Path, name: str) -> None:
    """Take a package out of the database."""
    with _opened(root) as database:
        _remove(database, name)


@contextmanager
def _opened(root: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(within(root, PLACE))
    try:
        database.execute("PRAGMA synchronous=OFF")  # first: no call waits for a disk
        database.execute("PRAGMA journal_mode=WAL")  # as rpm does
        with database:
            yield database
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()


def _make_tables(database: sqlite3.Connection) -> None:
    database.execute(
        "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
    )
    for name in _INDEXES:
        database.execute(
            f"CREATE TABLE IF NOT EXISTS '{name}' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, "
            "FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
        )
        database.execute(f"CREATE INDEX IF NOT EXISTS '{name}_key_idx' ON '{name}'(key ASC)")


def _insert(database: sqlite3.Connection, each: Installed) -> None:
    number = database.execute("INSERT INTO Packages (blob) VALUES (?)", (_header(each),)).lastrowid
    rows = [("Name", each.name, 0), ("Providename", each.name, 0)]
    rows += [("Basenames", PurePosixPath(path).name, index) for index, path in enumerate(sorted(each.files))]
    for table, key, index in rows:
        # The table is one of _INDEXES.
        database.execute(f"INSERT INTO '{table}' VALUES (?, ?, ?)", (key, number, index))  # noqa: S608


def _remove(database: sqlite3.Connection, name: str) -> None:
    for (number,) in database.execute("SELECT hnum FROM Name WHERE key = ?", (name,)).fetchall():
        for table in ("Packages", *_INDEXES):
            database.execute(f"DELETE FROM '{table}' WHERE hnum = ?", (number,))  # noqa: S608  # as above


def _header(each: Installed) -> bytes:
    paths = sorted(each.files)
    folders = sorted({f"{PurePosixPath(path).parent}/".replace("//", "/") for path in paths})
    listed: dict[int, tag.Value] = {}
    if paths:
        listed = {
            tag.FILESIZES: [each.files[path][0] for path in paths],
            tag.FILEMODES: [each.files[path][1] for path in paths],
            tag.FILEMTIMES: [each.built for _ in paths],
            tag.FILEFLAGS: [0 for _ in paths],
            tag.FILEUSERNAME: ["root" for _ in paths],
            tag.FILEGROUPNAME: ["root" for _ in paths],
            tag.BASENAMES: [PurePosixPath(path).name for path in paths],
            tag.DIRNAMES: folders,
            tag.DIRINDEXES: [folders.index(f"{PurePosixPath(path).parent}/".replace("//", "/")) for path in paths],
        }
    package_tags: dict[int, tag.Value] = {
        tag.NAME: each.name,
        tag.VERSION: each.version,
        tag.RELEASE: each.release,
        tag.SUMMARY: each.summary or each.name,
        tag.DESCRIPTION: each.summary or each.name,
        tag.BUILDTIME: each.built,
        tag.SIZE: sum(size for size, _ in each.files.values()),
        tag.VENDOR: "Amazon Linux",
        tag.LICENSE: "see the package",
        tag.GROUP: "Unspecified",
        tag.OS: "linux",
        tag.ARCH: each.architecture,
        tag.SOURCERPM: f"{each.name}-{each.version}-{each.release}.src.rpm",
        tag.PROVIDENAME: [each.name],
        tag.PROVIDEFLAGS: [8],
        tag.PROVIDEVERSION: [f"{each.version}-{each.release}"],
        **listed,
    }
    return tag.written(package_tags, {tag.INSTALLTIME: each.installed, tag.INSTALLTID: each.installed})


def _installed(tags: Mapping[int, tag.Value]) -> Installed:
    names, folders, places = (_list(tags.get(each, [])) for each in (tag.BASENAMES, tag.DIRNAMES, tag.DIRINDEXES))
    sizes, modes = (_list(tags.get(each, [])) for each in (tag.FILESIZES, tag.FILEMODES))
    paths = [f"{folders[int(place)]}{name}" for name, place in zip(names, places, strict=True)]
    return Installed(
        name=str(tags[tag.NAME]),
        version=str(tags[tag.VERSION]),
        release=str(tags[tag.RELEASE]),
        architecture=str(tags[tag.ARCH]),
        built=_number(tags[tag.BUILDTIME]),
        installed=_number(tags[tag.INSTALLTIME]),
        summary=str(tags[tag.SUMMARY]),
        files={path: (int(size), int(mode)) for path, size, mode in zip(paths, sizes, modes, strict=True)},
    )


def _list(value: tag.Value) -> list[str | int]:
    return [value] if isinstance(value, str | int) else list(value)


def _number(value: tag.Value) -> int:
    return value if isinstance(value, int) else 0
