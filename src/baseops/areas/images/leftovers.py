"""What people and builds leave in an image and nobody should find there: keys to log in, host keys, shell histories.

Only names and sizes are looked at, besides where sshd is told to look for keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from baseops.areas.images.image_accounts import accounts, homes
from baseops.areas.images.matching import matching
from baseops.snapshots.files import Snapshot

MOST_BYTES = 1 << 20
_SSHD = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf")
_USUAL = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_KEYS = re.compile(r"^\s*AuthorizedKeysFile[\s=]+(?P<files>.+)$", re.IGNORECASE | re.MULTILINE)
_HISTORY = re.compile(r"^\.(\w+_history|zhistory|history|lesshst|viminfo)$")


def authorized_keys(snapshot: Snapshot) -> list[str]:
    """The files that let somebody log in by key; an empty one lets nobody in."""
    found = {_expanded(one, name, home) for one in _key_files(snapshot) for name, home in _logins(snapshot)}
    return sorted(each for each in found if _holds_something(snapshot, each))


def host_keys(snapshot: Snapshot) -> list[str]:
    """Host keys of sshd: every instance would have the same."""
    return [each for each in matching(snapshot, "/etc/ssh/ssh_host_*_key*") if _holds_something(snapshot, each)]


def histories(snapshot: Snapshot) -> list[str]:
    """What shells and editors remember of those who worked on it."""
    return sorted(
        each.path
        for home in homes(snapshot)
        for each in snapshot.scandir(home)
        if each.kind == "file" and each.size and _HISTORY.match(each.name)
    )


def _logins(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    known = [(each.name, each.home) for each in accounts(snapshot)]
    yield from known
    named = {home.rstrip("/") for _, home in known}
    yield from ((home.rpartition("/")[2], home) for home in homes(snapshot) if home not in named)


def _key_files(snapshot: Snapshot) -> Iterable[str]:
    """Where sshd looks for keys. https://man.openbsd.org/sshd_config#AuthorizedKeysFile."""
    told = [word for text in _texts(snapshot) for each in _KEYS.finditer(text) for word in each["files"].split()]
    return dict.fromkeys([*_USUAL, *(each for each in told if each.lower() != "none")])


def _texts(snapshot: Snapshot) -> Iterator[str]:
    for pattern in _SSHD:
        for each in matching(snapshot, pattern):
            if snapshot.exists(each) and snapshot.stat(each).kind == "file":
                with snapshot.open(each) as file:
                    yield file.read(MOST_BYTES).decode(errors="replace")


def _expanded(pattern: str, name: str, home: str) -> str:
    tokens = {"%h": home, "%u": name, "%%": "%"}
    path = re.sub("%[hu%]", lambda each: tokens[each[0]], pattern)
    return path if path.startswith("/") else f"{home.rstrip('/')}/{path}"


def _holds_something(snapshot: Snapshot, path: str) -> bool:
    return snapshot.exists(path) and snapshot.stat(path).size > 0
