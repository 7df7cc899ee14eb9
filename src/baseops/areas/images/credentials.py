"""Looks for credentials in an image, by the names of files and by forms in them; never shows or keeps one.

Where people and builds write, any form counts; in configuration only those that can be nothing else, since packages
bring examples along.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from baseops.areas.images.image_accounts import homes, is_folder
from baseops.errors import SnapshotError
from baseops.snapshots.files import Entry, Snapshot

LARGEST = 1 << 20
"""Files over a mebibyte are data or programs."""
MOST_FILES = 20_000
WRITTEN = ("/home", "/root", "/srv", "/tmp", "/var/lib/cloud", "/var/tmp")  # noqa: S108  # in an image
CONFIGURATION = ("/etc", "/opt", "/usr/local", "/var/log", "/var/spool/cron", "/var/www")

Forms = tuple[tuple[str, re.Pattern[bytes]], ...]
_SURE: Forms = (
    (
        "a private key",
        re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\r?\n?[\sA-Za-z0-9+/=:,-]{40}"),
    ),
    ("an access key id", re.compile(rb"(?<![A-Z0-9])A[KS]IA(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}(?![A-Z0-9])")),
    (
        "a secret access key",
        re.compile(rb"(?i)(?:aws_)?secret(?:_access)?_?key[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"),
    ),
)
_LIKELY: Forms = (
    *_SURE,
    (
        "a password",
        re.compile(rb"(?i)(?:password|passwd|secret|api[_-]?key|token)[\"']?\s*[=:]\s*[\"']?[^\s\"'$<{]{6,}"),
    ),
    ("credentials in a URL", re.compile(rb"[a-z][a-z0-9+.-]*://[^\s/:@$<{]+:[^\s/@$<{]+@")),
    ("a token", re.compile(rb"(?<![\w-])(?:eyJ[\w-]{10,}\.eyJ[\w-]+|gh[pousr]_[A-Za-z0-9]{36}|xox[bap]-[\w-]{20})")),
)
_NAMED = {
    ".aws/credentials": "credentials of the AWS CLI",
    ".docker/config.json": "a login of docker",
    ".git-credentials": "passwords of git",
    ".netrc": "passwords of .netrc",
    ".pgpass": "passwords of PostgreSQL",
}


@dataclass
class Search:
    """What was found, as kinds by path, and how far the search came."""

    found: dict[str, str] = field(default_factory=dict)
    files: int = 0
    unread: list[str] = field(default_factory=list)
    is_complete: bool = True


def search(snapshot: Snapshot) -> Search:
    """Look through the places where credentials are left."""
    made = Search(found=dict(_by_name(snapshot)))
    for forms, tops in ((_LIKELY, WRITTEN), (_SURE, CONFIGURATION)):
        for top in tops:
            if is_folder(snapshot, top):
                _look_through(snapshot, top, forms, made)
    return made


def _by_name(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for home in homes(snapshot):
        for name, kind in _NAMED.items():
            path = f"{home.rstrip('/')}/{name}"
            if snapshot.exists(path) and snapshot.stat(path).size:
                yield path, kind


def _look_through(snapshot: Snapshot, top: str, forms: Forms, made: Search) -> None:
    for entry in snapshot.walk(top, on_error=lambda path, _: made.unread.append(path)):
        if entry.kind != "file" or not 0 < entry.size <= LARGEST:
            continue
        if made.files >= MOST_FILES:
            made.is_complete = False
            return
        made.files += 1
        content = _content(snapshot, entry, made)
        kind = next((kind for kind, form in forms if form.search(content)), "")
        if kind:
            made.found.setdefault(entry.path, kind)


def _content(snapshot: Snapshot, entry: Entry, made: Search) -> bytes:
    try:
        with snapshot.open(entry) as file:
            return _unpacked(file.read(LARGEST))
    except SnapshotError:
        made.unread.append(entry.path)
        return b""


def _unpacked(content: bytes) -> bytes:
    """User data and logs may be compressed; only so much of them as a file may have."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(BytesIO(content)) as file:
            return file.read(LARGEST)
    except (OSError, EOFError, zlib.error):
        return content
