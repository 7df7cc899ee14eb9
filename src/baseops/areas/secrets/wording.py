"""The findings of this area in the making: their rules' names begin with its own."""

from __future__ import annotations

from baseops.contract.finding import Finding, Severity

Path = tuple[str | int, ...]


def error(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding that stops."""
    return Finding(Severity.ERROR, f"secrets.{rule}", path, message, remedy)


def warning(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding that is counted."""
    return Finding(Severity.WARNING, f"secrets.{rule}", path, message, remedy)
