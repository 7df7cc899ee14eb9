"""Whether a file that was read back is what was declared, on a file system that mke2fs made."""

import os
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from baseops.areas.backups.contents import check_file
from baseops.areas.backups.spec.read import Read
from baseops.errors import InconclusiveError, NoSuchPathError
from baseops.snapshots import open as open_image

pytestmark = pytest.mark.skipif(shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin") is None, reason="no mke2fs")
WRITTEN = datetime(2026, 1, 18, 2, tzinfo=UTC)
NOW = WRITTEN + timedelta(hours=1)
MOST = 1 << 30


def fingerprint(content):
    return "f" * len(content) + "0" * 64


@pytest.fixture
def checked(tmp_path):
    """What is said of a declared file; `fill` puts files into a folder that becomes the file system."""

    def check(fill, most=MOST, started=NOW, **declared):
        top, image = tmp_path / "top", tmp_path / "disk.img"
        top.mkdir()
        fill(top)
        for each in top.iterdir():
            os.utime(each, (WRITTEN.timestamp(), WRITTEN.timestamp()))
        command = ["mke2fs", "-q", "-t", "ext4", "-d", str(top), str(image), "16M"]
        subprocess.run(command, check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin"})
        with open_image(image) as snapshot:
            return check_file(snapshot, Read(volume="each", **declared), started, most, fingerprint)

    return check


def database(place, rows=200):
    connection = sqlite3.connect(place)
    with connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
        connection.executemany("INSERT INTO t (b) VALUES (?)", ((f"row {each}",) for each in range(rows)))
    connection.close()


def test_a_sound_database_passes(checked):
    found = checked(lambda top: database(top / "app.db"), path="/app.db", check="sqlite-integrity", min_size=4096)

    assert found.fault == ""
    assert found.measures["file_bytes"] >= 4096


def test_rows_that_are_only_in_the_write_ahead_log_are_taken_in(checked, tmp_path):
    def fill(top):
        busy = sqlite3.connect(tmp_path / "busy.db")
        busy.execute("PRAGMA journal_mode = WAL")
        busy.execute("PRAGMA wal_autocheckpoint = 0")
        with busy:
            busy.execute("CREATE TABLE t (a)")
        for suffix in ("", "-wal"):
            shutil.copy(f"{tmp_path}/busy.db{suffix}", f"{top}/app.db{suffix}")
        busy.close()

    assert checked(fill, path="/app.db", check="sqlite-integrity").fault == ""


def test_a_database_of_no_bytes_is_none(checked):
    found = checked(lambda top: (top / "app.db").touch(), path="/app.db", check="sqlite-integrity")

    assert found.fault == "it is no SQLite database"


def test_half_a_database_is_refused(checked):
    def fill(top):
        database(top / "app.db", rows=2000)
        data = (top / "app.db").read_bytes()
        (top / "app.db").write_bytes(data[: len(data) // 2])

    assert "malformed" in checked(fill, path="/app.db", check="sqlite-integrity").fault


def test_a_file_that_is_too_small_or_too_old_is_said_with_numbers(checked):
    found = checked(lambda top: (top / "f").write_bytes(b"12"), path="/f", min_size=3)

    assert found.fault == "/f has 2 bytes, declared are 3 at least"


def test_the_age_counts_to_the_moment_of_the_snapshot(checked):
    later = NOW + timedelta(hours=40)
    found = checked(lambda top: (top / "f").write_bytes(b"1"), path="/f", modified_within="30h", started=later)

    assert found.fault == "/f was last changed 41.0 h before the snapshot, declared are 30 hours"


def test_a_stable_file_is_known_by_its_hash_and_kept_as_a_keyed_fingerprint(checked):
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    found = checked(lambda top: (top / "f").write_bytes(b"abc"), path="/f", stable_sha256=digest)

    assert (found.fault, found.fingerprint) == ("", "f" * 16)


def test_another_content_is_no_stable_file(checked):
    found = checked(lambda top: (top / "f").write_bytes(b"abd"), path="/f", stable_sha256="0" * 64)

    assert found.fault == "the SHA-256 of /f is not the declared one"


def test_what_is_missing_raises(checked):
    with pytest.raises(NoSuchPathError):
        checked(lambda top: None, path="/app.db", min_size=1)


def test_what_is_too_large_is_not_read(checked):
    with pytest.raises(InconclusiveError, match="drills read at most 2"):
        checked(lambda top: (top / "f").write_bytes(b"123"), path="/f", most=2)
