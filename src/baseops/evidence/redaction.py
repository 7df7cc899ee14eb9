"""Keeps out of evidence what must not be kept: mail addresses, secrets, lines of logs, control characters.

Measures are numbers, so only texts are looked at. It recognises forms, not meanings: drills are written so that it
has nothing to find, and it is the net under them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from baseops.contract.drill import Evidence, Verdict

LONGEST = 1000

_FORMS = (
    ("a mail address", re.compile(r"[^\s@<>\"'(),;:]+@[\w-]+(?:\.[\w-]+)+")),
    ("an access key id", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    (
        # The last 40 letters of a longer run as well: a key may follow a slash.
        "a secret access key",
        re.compile(
            r"(?=[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))(?=\w*[/+])(?=\D{0,39}\d)(?=[^A-Z]{0,39}[A-Z])[A-Za-z0-9/+]{40}"
        ),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a token", re.compile(r"\beyJ[\w-]{10,}\.[\w-]+")),
    ("a password", re.compile(r"(?i)\b(?:password|passwd|pwd|api[_-]?key)\s*[=:]\s*\S{4,}")),
    ("credentials in a URL", re.compile(r"\w+://[^\s/:@]+:[^\s/@]+@")),
    ("a line of a log", re.compile(r"[\x00-\x1f\x7f]|HTTP/[12]\.\d|\[\d{1,2}/[A-Z][a-z]{2}/\d{4}:|\{\s*\"")),
)


def unfit(text: str) -> str:
    """What the text holds that evidence must not; empty when it may be kept."""
    if len(text) > LONGEST:
        return f"more than {LONGEST} characters"
    return next((name for name, form in _FORMS if form.search(text)), "")


def first_unfit(texts: Iterable[str]) -> str:
    """As `unfit`, of several texts."""
    return next((found for found in map(unfit, texts) if found), "")


def _is_odd(value: object) -> bool:
    """Whether a measure is infinite, or no number at all: JSON has no word for it."""
    return not isinstance(value, int | float) or not math.isfinite(value)


def guarded(evidence: Evidence, drill: str) -> Evidence:
    """The evidence as it may be kept. What is withheld is named by its kind; a proof without words is none."""
    drawn = [text for span in evidence.spans for text in (span.lane, span.state)]
    texts = (evidence.target, evidence.reason, evidence.promise, *evidence.not_exercised, *evidence.measures, *drawn)
    odd = any(map(_is_odd, evidence.measures.values()))
    found = first_unfit(texts) or ("a measure that is no number" if odd else "")
    if not found:
        return evidence
    return replace(
        evidence,
        target=drill if unfit(evidence.target) else evidence.target,
        promise="" if unfit(evidence.promise) else evidence.promise,
        verdict=Verdict.REFUTED if evidence.verdict is Verdict.REFUTED else Verdict.INCONCLUSIVE,
        reason=f"withheld: the drill {drill} wanted to keep {found}, which evidence must not hold",
        measures={name: value for name, value in evidence.measures.items() if not unfit(name) and not _is_odd(value)},
        not_exercised=(),
        spans=(),
    )
