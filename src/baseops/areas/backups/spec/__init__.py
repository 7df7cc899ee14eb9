"""The backups section of a declaration: its models, and what they cannot say about themselves."""

from __future__ import annotations

from baseops.areas.backups.limits import check
from baseops.areas.backups.spec.section import AccountClaims, Entry, Section

__all__ = ["AccountClaims", "Entry", "Section", "check"]
