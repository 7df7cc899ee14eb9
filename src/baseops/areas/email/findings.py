"""Findings of this area: the code gets the area before it, the rest stays as it is given."""

from __future__ import annotations

from baseops.contract.finding import Finding, Severity

Path = tuple[str | int, ...]
"""Where something stands in the declaration."""


def error(code: str, path: Path, message: str, remedy: str) -> Finding:
    """What stops."""
    return Finding(Severity.ERROR, f"email.{code}", path, message, remedy)


def warning(code: str, path: Path, message: str, remedy: str) -> Finding:
    """What is counted."""
    return Finding(Severity.WARNING, f"email.{code}", path, message, remedy)
