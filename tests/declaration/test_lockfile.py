"""The lock on disk: the same bytes for the same content, whole or not at all, and clear when it is damaged."""

from __future__ import annotations

import json

import pytest

from baseops.contract.lock import Lock, LockedBase, LockedComponent
from baseops.declaration import read_lock, write_lock
from baseops.declaration.lockfile import print_lock
from baseops.errors import DeclarationError

LOCK = Lock(
    bases={"web": LockedBase("ami-0a1", "al2023-2026.11", "2023.9.20261101", "ssm:/aws/…/al2023")},
    components={"web": {"update": LockedComponent("1.0.1", "ab" * 32), "harden": LockedComponent("1.0.0", "cd" * 32)}},
    places={"logs": {"web": 1, "api": 2}},
    frozen={"secrets/db": "ef" * 32},
)
TEXT = """\
{
  "bases": {
    "web": {
      "image_id": "ami-0a1",
      "name": "al2023-2026.11",
      "release_version": "2023.9.20261101",
      "source": "ssm:/aws/…/al2023"
    }
  },
  "components": {},
  "frozen": {},
  "places": {
    "logs": {
      "api": 2,
      "web": 1
    }
  },
  "version": 1
}
"""


def test_a_lock_is_written_with_a_line_for_each_value():
    assert print_lock(Lock(bases=LOCK.bases, places=LOCK.places)) == TEXT


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "baseops.lock"
    write_lock(path, LOCK)
    assert read_lock(path) == LOCK


def test_the_same_content_has_the_same_bytes(tmp_path):
    turned = Lock(
        frozen=LOCK.frozen,
        places={"logs": {"api": 2, "web": 1}},
        components={"web": dict(reversed(LOCK.components["web"].items()))},
        bases=LOCK.bases,
    )
    assert print_lock(turned) == print_lock(LOCK)


def test_no_lock_is_an_empty_lock(tmp_path):
    assert read_lock(tmp_path / "baseops.lock") == Lock()


def test_a_new_lock_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "baseops.lock"
    write_lock(path, Lock())
    path.chmod(0o640)
    write_lock(path, LOCK)
    assert [found.name for found in tmp_path.iterdir()] == ["baseops.lock"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_lock_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "baseops.lock"
    write_lock(path, LOCK)
    unprintable = Lock(frozen={"x": object()})  # a mistake of the program's: JSON has no such value
    with pytest.raises(TypeError):
        write_lock(path, unprintable)
    assert read_lock(path) == LOCK
    assert [found.name for found in tmp_path.iterdir()] == ["baseops.lock"]


def test_a_lock_is_readable_for_others_as_other_files_are(tmp_path):
    path = tmp_path / "baseops.lock"
    write_lock(path, LOCK)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "its version is None, not 1"),
        ("{}", "its version is None, not 1"),
        ('{"version": "1"}', "its version is '1', not 1"),
        ('{"version": true}', "its version is True, not 1"),
        ('{"version": 1, "base": {}}', "the key 'base' is not known"),
        ('{"version": 1, "bases": []}', "has no attribute 'items'"),
        ('{"version": 1, "bases": {"web": {"image_id": "ami-1"}}}', "missing 3 required"),
        ('{"version": 1, "places": {"logs": {"web": "1"}}}', "web is '1', not of type int"),
        ('{"version": 1, "places": {"logs": {"web": true}}}', "web is True, not of type int"),
        ('{"version": 1, "frozen": {"x": 1}}', "x is 1, not of type str"),
        ('{"version": 1, "version": 1}', "the key 'version' stands twice"),
    ],
)
def test_a_damaged_lock_is_refused_with_the_way_back(tmp_path, text, why):
    path = tmp_path / "baseops.lock"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        read_lock(path)
    assert refused.value.what == f"{path} is damaged"
    assert why in refused.value.why
    assert refused.value.remedy == f"Take it back from version control: git checkout -- {path}"


def test_a_merge_conflict_is_named(tmp_path):
    path = tmp_path / "baseops.lock"
    path.write_text('{\n<<<<<<< HEAD\n"version": 1\n=======\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match="merge conflict"):
        read_lock(path)


def test_the_lock_of_a_newer_baseops_is_refused(tmp_path):
    path = tmp_path / "baseops.lock"
    path.write_text(json.dumps({"version": 2, "shape": "new"}), encoding="utf-8")
    with pytest.raises(
        DeclarationError, match="written by a newer baseops: it has version 2, and this baseops knows 1"
    ):
        read_lock(path)


def test_a_folder_is_no_lock(tmp_path):
    with pytest.raises(DeclarationError, match="cannot read"):
        read_lock(tmp_path)
