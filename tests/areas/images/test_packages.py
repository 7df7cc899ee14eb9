"""Package databases out of images, and what they say of the base's age; databases are made here by hand."""

from __future__ import annotations

import sqlite3
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baseops.areas.images.packages.base_age import base_date
from baseops.areas.images.packages.database import installed
from baseops.areas.images.packages.package import Package
from baseops.areas.images.packages.rpm_header import package
from baseops.errors import DamagedError, UnsupportedError


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def header(name: str, version: str, built: datetime, installed_at: datetime, vendor: str = "Amazon Linux") -> bytes:
    """As rpm's database keeps it: counts, an index of (tag, type, offset, count), the data."""
    texts = {1000: name, 1001: version.partition("-")[0], 1002: version.partition("-")[2], 1011: vendor}
    data, index = b"", []
    for tag, text in texts.items():
        index.append((tag, 6, len(data), 1))
        data += text.encode() + b"\0"
    data += b"\0" * (-len(data) % 4)
    for tag, moment in {1006: built, 1008: installed_at}.items():
        index.append((tag, 4, len(data), 1))
        data += int(moment.timestamp()).to_bytes(4, "big")
    entries = b"".join(struct.pack(">IIII", *each) for each in sorted(index))
    return struct.pack(">II", len(index), len(data)) + entries + data


def rpm_database(place: Path, headers: list[bytes], *, mode: str = "delete") -> sqlite3.Connection:
    place.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(place)
    database.execute(f"PRAGMA journal_mode = {mode}")
    database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(each,) for each in headers])
    database.commit()
    return database


SYSTEM = [
    header("system-release", "2023.9.20251208-1.amzn2023", day("2025-12-05"), day("2025-12-09")),
    header("glibc", "2.34-231.amzn2023", day("2025-11-20"), day("2025-12-09")),
]


def test_the_packages_of_an_rpm_system_are_read_from_its_database(folder, opened):
    key = header("gpg-pubkey", "d832c631-6515c85e", day("2023-01-01"), day("2023-01-01"))
    rpm_database(folder / "var/lib/rpm/rpmdb.sqlite", [*SYSTEM, key]).close()

    release, glibc = installed(opened())

    assert (release.name, release.version) == ("system-release", "2023.9.20251208-1.amzn2023")
    assert Package("glibc", "2.34-231.amzn2023", day("2025-11-20"), day("2025-12-09"), "Amazon Linux") == glibc


def test_a_write_ahead_log_beside_the_database_is_read_too(folder, opened):
    place = folder / "var/lib/rpm/rpmdb.sqlite"
    database = rpm_database(place, SYSTEM[:1], mode="wal")
    database.execute("INSERT INTO Packages (blob) VALUES (?)", (SYSTEM[1],))
    database.commit()
    snapshot = opened()  # while the log is not written back yet
    database.close()

    assert [each.name for each in installed(snapshot)] == ["system-release", "glibc"]


STATUS = """\
Package: libc6
Status: install ok installed
Priority: required
Architecture: amd64
Maintainer: GNU Libc Maintainers <debian-glibc@lists.example>
Version: 2.36-9+deb12u10
Description: GNU C Library
 Status: in a description

Package: acme-tool
Status: install ok installed
Priority: optional
Architecture: amd64
Version: 1.0

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 3
"""


def test_the_packages_of_a_debian_system_have_the_times_of_their_files(folder, opened):
    from os import utime

    info = folder / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (folder / "var/lib/dpkg/status").write_text(STATUS)
    times = {"libc6:amd64.md5sums": "2026-01-02", "libc6:amd64.list": "2026-01-09", "acme-tool.list": "2026-02-01"}
    for name, text in times.items():
        (info / name).write_text("x")
        utime(info / name, (day(text).timestamp(),) * 2)

    libc, tool = installed(opened())

    assert ("libc6", day("2026-01-02"), day("2026-01-09"), True) == (
        libc.name,
        libc.built,
        libc.installed,
        libc.is_core,
    )
    assert ("acme-tool", None, day("2026-02-01"), False) == (tool.name, tool.built, tool.installed, tool.is_core)
    assert day("2026-01-09") == base_date([libc, tool]).at


def test_a_system_of_another_kind_is_named_with_what_was_looked_for(folder, opened):
    (folder / "var/lib/rpm").mkdir(parents=True)
    (folder / "var/lib/rpm/Packages").write_bytes(b"bdb")

    with pytest.raises(UnsupportedError, match=r"looked for /var/lib/rpm/rpmdb.sqlite.*there is .*Berkeley DB"):
        installed(opened())


def test_a_database_without_packages_tells_nothing(folder, opened):
    rpm_database(folder / "var/lib/rpm/rpmdb.sqlite", []).close()

    with pytest.raises(UnsupportedError, match="lists no package"):
        installed(opened())


def test_a_database_that_is_none_is_damaged(folder, opened):
    (folder / "var/lib/rpm").mkdir(parents=True)
    (folder / "var/lib/rpm/rpmdb.sqlite").write_bytes(b"nothing of sqlite" * 99)

    with pytest.raises(DamagedError, match=r"rpmdb.sqlite cannot be read"):
        installed(opened())


def test_a_query_that_never_ends_is_ended(folder, opened):
    place = folder / "var/lib/rpm/rpmdb.sqlite"
    place.parent.mkdir(parents=True)
    with sqlite3.connect(place) as database:
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS blob FROM n WHERE x < 0"
        database.execute(f"CREATE VIEW Packages AS {endless}")
    database.close()

    with pytest.raises(DamagedError, match="interrupted"):
        installed(opened())


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0\0\0\1",
        struct.pack(">II", 0, 0),
        struct.pack(">II", 0xFFFFFFFF, 16),
        struct.pack(">II", 4, 99),
        struct.pack(">IIIIII", 1, 1, 1000, 6, 5, 1) + b"x",
    ],
    ids=["nothing", "cut off", "no entries", "too many entries", "no data", "behind the data"],
)
def test_a_damaged_header_is_refused(blob):
    with pytest.raises(DamagedError):
        package(blob)


RELEASE = Package("system-release", "2023.9.20260105-1.amzn2023", day("2026-01-03"), day("2026-01-06"), "Amazon Linux")
KERNEL = Package("kernel", "6.12.1", day("2025-12-20"), day("2026-01-06"), "Amazon Linux")
AGED = Package("glibc", "2.34-196", day("2024-12-01"), day("2024-12-10"), "Amazon Linux")
OURS = Package("acme-app", "7", day("2026-01-17"), day("2026-01-17"), "Acme")

AGES = {
    "a locked release has its date in its version": ([RELEASE, KERNEL, AGED], "2026-01-05"),
    "a release package alone makes no old system young": ([RELEASE, AGED], "2024-12-01"),
    "the age is the system's, not that of what was put on it": ([AGED, AGED, OURS], "2024-12-10"),
    "without a release the newest package counts": ([AGED, KERNEL], "2025-12-20"),
    "a release that is no date is none": ([replace(RELEASE, version="2023.9.20269999"), KERNEL], "2026-01-06"),
}


@pytest.mark.parametrize(("packages", "expected"), AGES.values(), ids=AGES)
def test_how_old_a_base_is(packages, expected):
    assert day(expected) == base_date(packages).at


def test_packages_without_times_tell_no_age():
    assert base_date([Package("glibc", "2.34")]) is None
