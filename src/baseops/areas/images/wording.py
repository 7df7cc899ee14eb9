"""The findings of this area in the making: their rules' names, and lengths of time as people say them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from baseops.contract.finding import Finding, Severity

Path = tuple[str | int, ...]
Findings = Iterator[Finding]


def error(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding that stops."""
    return finding(Severity.ERROR, rule, path, message, remedy)


def warning(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding that is counted."""
    return finding(Severity.WARNING, rule, path, message, remedy)


def note(rule: str, path: Path, message: str, remedy: str = "Nothing has to be done") -> Finding:
    """A finding that only informs."""
    return finding(Severity.NOTE, rule, path, message, remedy)


def finding(severity: Severity, rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding under this area's name."""
    return Finding(severity, f"images.{rule}", path, message, remedy)


def spoken(value: timedelta) -> str:
    """A length of time as people say it."""
    hours = round(value / timedelta(hours=1))
    if hours < 1:
        return f"{round(value / timedelta(minutes=1))} minutes"
    return f"{hours} hours" if hours % 24 or hours < 48 else f"{hours // 24} days"


def days_up(value: timedelta) -> str:
    """Rounded up to days, as the declaration writes it."""
    return f"{-(-value // timedelta(days=1))}d"
