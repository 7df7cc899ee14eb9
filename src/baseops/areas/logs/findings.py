"""How the area's checks make findings: a stable code, the place, what is wrong and what to write."""

from __future__ import annotations

from typing import TypeAlias

from baseops.contract.finding import Finding, Severity

Path: TypeAlias = tuple[str | int, ...]


def error(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """What stops."""
    return Finding(Severity.ERROR, f"logs.{rule}", path, message, remedy)


def warning(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """What is counted."""
    return Finding(Severity.WARNING, f"logs.{rule}", path, message, remedy)


def note(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """What is good to know."""
    return Finding(Severity.NOTE, f"logs.{rule}", path, message, remedy)
