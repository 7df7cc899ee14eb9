"""Paths out of images as evidence may show them: names are hostile, and may be what evidence must not hold."""

from __future__ import annotations

from collections.abc import Sequence

from baseops.evidence.redaction import unfit

LONGEST = 120
MOST = 5


def shown(path: str) -> str:
    """A path without control characters, not too long; what looks like an address or a secret is only named so."""
    plain = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in path)
    kind = unfit(plain)
    if kind:
        return f"a path with what looks like {kind} in it"
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def listed(things: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(things) - MOST} more" if len(things) > MOST else ""
    return ", ".join(things[:MOST]) + more
