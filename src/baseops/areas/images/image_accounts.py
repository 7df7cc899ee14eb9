"""The user accounts of an image and where their homes are, by its /etc/passwd."""

from __future__ import annotations

from dataclasses import dataclass

from baseops.snapshots.files import Snapshot

MOST_BYTES = 4 << 20
_FIELDS = 7


@dataclass(frozen=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    uid: int
    home: str


def accounts(snapshot: Snapshot) -> list[Account]:
    """The accounts; lines that are none are left out."""
    if not snapshot.exists("/etc/passwd"):
        return []
    with snapshot.open("/etc/passwd") as file:
        text = file.read(MOST_BYTES).decode(errors="replace")
    found = [line.split(":") for line in text.splitlines()]
    return [
        Account(each[0], int(each[2]), each[5])
        for each in found
        if len(each) == _FIELDS and each[2].isdigit() and each[5].startswith("/")
    ]


def homes(snapshot: Snapshot) -> list[str]:
    """Every home that exists: of the accounts, and what lies in /home."""
    named = {each.home.rstrip("/") or "/" for each in accounts(snapshot)} | {"/root"}
    below = {each.path for each in snapshot.scandir("/home")} if is_folder(snapshot, "/home") else set()
    return sorted(each for each in named | below if is_folder(snapshot, each))


def is_folder(snapshot: Snapshot, path: str) -> bool:
    """Whether a path leads to a directory."""
    return snapshot.exists(path) and snapshot.stat(path).kind == "dir"
