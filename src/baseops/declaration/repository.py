"""The files that are, or would be, committed with a declaration: bounded, regular, and read as bytes.

It asks git for their names and reads no configuration that could run a program.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 2_000
MAX_FILE_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = 32 * 1024 * 1024
# Folders that hold other people's files when no git says what belongs to the repository.
_FOREIGN = frozenset({".git", ".hg", ".svn", ".tox", ".venv", "venv", "node_modules", "__pycache__", ".terraform"})


@dataclass(frozen=True)
class Contents:
    """Files by their name from the root of the repository; `left_out` counts those over a bound."""

    root: Path
    files: tuple[tuple[str, bytes], ...]
    left_out: int = 0


def read_repository(folder: Path) -> Contents:
    """The text files of the git repository that holds a folder, or of the folder where git knows none.

    Files that git ignores are not among them, nor links, nor what holds NUL bytes. Those in the folder come first.
    """
    root = _root(folder)
    names = _tracked(root) if root else None
    if root is None or names is None:
        root, names = folder, sorted(_walk(folder))
    here = folder.resolve()
    names.sort(key=lambda name: (here not in (root.resolve() / name).parents, name))
    files: list[tuple[str, bytes]] = []
    left_out, total = max(0, len(names) - MAX_FILES), 0
    for name in names[:MAX_FILES]:
        content = _read(root / name)
        if content is None or total + len(content) > MAX_TOTAL_BYTES:
            left_out += 1
        elif b"\0" not in content:
            files.append((name, content))
            total += len(content)
    return Contents(root, tuple(files), left_out)


def _read(path: Path) -> bytes | None:
    """The bytes of a regular file; b'' where there is none, None where it is too large or may not be read."""
    try:
        if path.is_symlink() or not path.is_file():
            return b""
        return path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else None
    except OSError:
        return None


def _root(folder: Path) -> Path | None:
    answer = _git(folder, "rev-parse", "--show-toplevel")
    return Path(os.fsdecode(answer.rstrip(b"\n"))) if answer else None


def _tracked(root: Path) -> list[str] | None:
    """Names of what git tracks, and of what it does not ignore: that is committed next."""
    answer = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return None if answer is None else sorted({os.fsdecode(name) for name in answer.split(b"\0") if name})


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git answers; None where there is no git or no repository. A repository's fsmonitor could run a program."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _walk(folder: Path) -> Iterator[str]:
    """Names of at most one file more than is read, without foreign folders."""
    found = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _FOREIGN)
        for name in sorted(files):
            yield os.path.relpath(Path(place) / name, folder)
            found += 1
            if found > MAX_FILES:
                return
