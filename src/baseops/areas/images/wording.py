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


def note(rule: str, path: Path, message: str, remedy: str = "") -> Finding:
    """A finding that only informs."""
    return finding(Severity.NOTE, rule, path, message, remedy)


def finding(severity: Severity, rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding under this area's name."""
    return Finding(severity, f"images.{rule}", path, message, remedy)


def spoken(value: timedelta) -> str:
    """A length of time as people say it: `7 days and 2 hours`, `90 minutes`."""
    minutes = round(value / timedelta(minutes=1))
    if minutes < 180 and minutes % 60:
        return f"{minutes} minutes"
    days, hours = divmod(round(minutes / 60), 24)
    if days < 2:
        return plural(24 * days + hours, "hour")
    return f"{plural(days, 'day')} and {plural(hours, 'hour')}" if hours else plural(days, "day")


def plural(count: int, noun: str) -> str:
    """A number and what it counts: `1 day`, `2 days`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def days_up(value: timedelta) -> str:
    """Rounded up to days, as the declaration writes it."""
    return f"{-(-value // timedelta(days=1))}d"
