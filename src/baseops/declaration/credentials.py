"""Looks for credentials among the files that are kept with a declaration; never shows or keeps what it finds.

The looking is CredSweeper's, an extra (docs/decisions/credential-scanner.md says why). A line that is no credential
gets the comment `pragma: allowlist secret`, as other scanners know it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from baseops.contract.finding import Finding, Severity
from baseops.declaration.problem import shorten
from baseops.declaration.repository import Contents, read_repository

_ALLOWED = "pragma: allowlist secret"
_RULE = "declaration.credential"
_INSTALL = "Run: pip install 'baseops-aws[scan]'"


@dataclass(frozen=True, order=True)
class Hit:
    """A line that looks like a credential; `kinds` are the scanner's words for it. The line itself is not kept."""

    file: str
    line: int
    kinds: tuple[str, ...]
    is_certain: bool


Sweep: TypeAlias = Callable[[Sequence[tuple[str, bytes]]], Iterable[Hit]]
"""Looks through files (name and content)."""


def scan(folder: Path, sweep: Sweep | None = None) -> list[Finding]:
    """What looks like a credential in the repository that holds `folder`, a finding for each line.

    Says so in a note where it could not look: the extra is missing, or the repository is over the bounds. Takes
    seconds: CredSweeper loads a model.
    """
    chosen = sweep or _installed()
    if chosen is None:
        message = "the repository was not searched for credentials: the extra `scan` is not installed"
        return [Finding(Severity.NOTE, "declaration.credentials-not-searched", (), message, _INSTALL)]
    contents = read_repository(folder)
    files = [(name, content) for name, content in contents.files if not name.endswith(".lock")]
    allowed = {place for name, content in files for place in _allowed_lines(name, content)}
    hits = sorted(hit for hit in chosen(files) if (hit.file, hit.line) not in allowed)
    return [*map(_finding, hits), *_left_out(contents)]


def _finding(hit: Hit) -> Finding:
    kinds = ", ".join(hit.kinds[:3])
    return Finding(
        Severity.ERROR if hit.is_certain else Severity.WARNING,
        _RULE,
        (),
        f"{shorten(hit.file, 200)}, line {hit.line}, looks like a credential ({kinds})",
        "Revoke it, take it out of git's history, and keep it with: baseops secrets put. "
        f"If it is none, end the line with the comment: {_ALLOWED}",
    )


def _left_out(contents: Contents) -> list[Finding]:
    if not contents.left_out:
        return []
    which = f"at least {contents.left_out} files of {contents.root}"
    message = f"{which} were not searched for credentials: too many or too large"
    return [Finding(Severity.NOTE, "declaration.credentials-not-searched", (), message)]


def _allowed_lines(name: str, content: bytes) -> Iterable[tuple[str, int]]:
    lines = enumerate(content.splitlines(), start=1)
    return [(name, number) for number, line in lines if _ALLOWED.encode() in line]


def _installed() -> Sweep | None:
    return _sweep_with_credsweeper if find_spec("credsweeper") else None


def _sweep_with_credsweeper(files: Sequence[tuple[str, bytes]]) -> list[Hit]:
    """One hit for each line, in this process: its JSON output would put the values into a file."""
    logging.getLogger("credsweeper").setLevel(logging.CRITICAL)  # its log may name what it finds
    from credsweeper.app import CredSweeper
    from credsweeper.file_handler.files_provider import FilesProvider

    sweeper = CredSweeper(severity="medium", ml_threads_limit=1)
    provider = FilesProvider([(name, BytesIO(content)) for name, content in files])
    sweeper.scan(provider.get_scannable_files(sweeper.config), None)
    sweeper.post_processing(None)
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for candidate in sweeper.credential_manager.get_credentials():
        place = (str(candidate.line_data_list[0].path), int(candidate.line_data_list[0].line_num))
        found.setdefault(place, []).append((str(candidate.rule_name), str(candidate.severity.value)))
    return [_hit(*place, rules) for place, rules in found.items()]


def _hit(file: str, line: int, rules: list[tuple[str, str]]) -> Hit:
    kinds = tuple(sorted({name for name, _ in rules}))
    return Hit(file, line, kinds, any(severity in {"high", "critical"} for _, severity in rules))
