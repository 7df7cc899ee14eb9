"""What is said about a declaration or an account: severity, place, statement, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error stops, a warning is counted, a note is information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """A statement with its place and what to do about it.

    `path` leads from the root of the declaration to the value meant, e.g. `("logs", "web", "alarms", "x",
    "remedy")`; the command line turns it into file, line and column. `rule` is a stable, dotted code such as
    `logs.remedy-without-targets`. `message` says what is wrong and why, `remedy` what to write or type.
    """

    severity: Severity
    rule: str
    path: tuple[str | int, ...]
    message: str
    remedy: str = ""
