"""Which files are searched for credentials, what is said of a hit, and what is said when nobody searched."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

import pytest

from baseops.contract.finding import Finding, Severity
from baseops.declaration.credentials import Hit, scan
from baseops.declaration.repository import MAX_FILE_BYTES, MAX_FILES, read_repository

# Put together when run, so that this file is no finding itself.
PLANTED = "password: " + "Xk9" + "vRt27" + "QmLp3"


def names(folder) -> list[str]:
    return [name for name, _ in read_repository(folder).files]


def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def repository_folder(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("ignored/\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("acme\n", encoding="utf-8")
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/baseops.yaml").write_text("version: 1\n", encoding="utf-8")
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored/notes.txt").write_text(PLANTED, encoding="utf-8")
    git(tmp_path, "add", "README.md", ".gitignore")
    return tmp_path


def test_what_git_tracks_or_would_add_is_read_the_declarations_folder_first(repository_folder):
    assert names(repository_folder / "acme") == ["acme/baseops.yaml", ".gitignore", "README.md"]


def test_without_git_the_folder_is_read_but_not_what_others_put_there(tmp_path):
    for name in ("baseops.yaml", "scripts/run.sh", "node_modules/x/index.js", ".venv/lib/x.py", ".terraform/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert names(tmp_path) == ["baseops.yaml", "scripts/run.sh"]


def test_links_and_binaries_are_not_read(tmp_path):
    (tmp_path / "outside").symlink_to("/etc/hostname")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "a.txt").write_bytes(b"text")
    assert ("a.txt", b"text") in read_repository(tmp_path).files
    assert not [content for name, content in read_repository(tmp_path).files if name != "a.txt" and content]


def test_a_repository_cannot_run_a_program_by_its_configuration(repository_folder):
    git(repository_folder, "config", "core.fsmonitor", f"touch {repository_folder}/ran; true")
    names(repository_folder)
    assert not (repository_folder / "ran").exists()


def test_files_over_the_bounds_are_counted_and_said(tmp_path):
    for number in range(MAX_FILES + 3):
        (tmp_path / f"{number:04}.txt").touch()
    (tmp_path / "0000.txt").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    [note] = scan(tmp_path, lambda files: [])
    assert note.severity is Severity.NOTE
    assert note.message == f"at least 2 files of {tmp_path} were not searched for credentials: too many or too large"


def test_a_hit_is_said_with_file_line_and_kind_and_never_its_value(tmp_path):
    (tmp_path / "app.yaml").write_text(f"user: app\n{PLANTED}\n", encoding="utf-8")
    hits = [Hit("app.yaml", 2, ("Key", "Password"), is_certain=True), Hit("app.yaml", 1, ("Token",), is_certain=False)]
    findings = scan(tmp_path, lambda files: hits)
    assert [(one.severity, one.rule, one.message) for one in findings] == [
        (Severity.WARNING, "declaration.credential", "app.yaml, line 1, looks like a credential (Token)"),
        (Severity.ERROR, "declaration.credential", "app.yaml, line 2, looks like a credential (Key, Password)"),
    ]
    assert "baseops secrets put" in findings[0].remedy
    assert PLANTED[10:] not in str(findings)


def test_a_line_that_says_it_is_none_is_left_out(tmp_path):
    (tmp_path / "a.sh").write_text(f"{PLANTED}  # pragma: allowlist secret\n", encoding="utf-8")
    assert scan(tmp_path, lambda files: [Hit("a.sh", 1, ("Password",), is_certain=True)]) == []


def test_lock_files_are_not_searched(tmp_path):
    (tmp_path / "baseops.lock").write_text("{}", encoding="utf-8")
    (tmp_path / "baseops.yaml").write_text("version: 1\n", encoding="utf-8")
    seen = []
    scan(tmp_path, lambda files: seen.extend(name for name, _ in files) or [])
    assert seen == ["baseops.yaml"]


@pytest.mark.skipif(find_spec("credsweeper") is not None, reason="the extra `scan` is installed")
def test_without_the_extra_a_note_says_that_nobody_searched(tmp_path):
    assert scan(tmp_path) == [
        Finding(
            Severity.NOTE,
            "declaration.credentials-not-searched",
            (),
            "the repository was not searched for credentials: the extra `scan` is not installed",
            "Run: pip install 'baseops-aws[scan]'",
        )
    ]


@pytest.mark.skipif(find_spec("credsweeper") is None, reason="the extra `scan` (CredSweeper) is not installed")
def test_credsweeper_finds_a_planted_password_and_not_the_name_of_a_secret(tmp_path):
    (tmp_path / "baseops.yaml").write_text("secrets:\n  db: {secret: app/db-password}\n", encoding="utf-8")
    (tmp_path / "app.yaml").write_text(PLANTED + "\n", encoding="utf-8")
    [finding] = scan(tmp_path)
    assert finding.message.startswith("app.yaml, line 1, looks like a credential (")
