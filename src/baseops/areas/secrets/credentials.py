"""Tells text that looks like a secret from configuration, for values that stand in a declaration.

It keeps, prints and returns none of the text: the answer is what kind of secret it looks like.
"""

from __future__ import annotations

import math
import re
from collections import Counter

_KNOWN = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[\w-]{10,}")),
    ("a payment provider's key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")),
    ("a password in a URL", re.compile(r"://[^\s/:@]*:[^\s/@{}$]+@")),
    (
        "a password",
        re.compile(
            r"(?i)\b(?:password|passwd|pwd|secret|api[_-]?key|token)\b[\"']?\s*(?:=|:\s|:[\"'])\s*[\"']?[^\s\"'<$]{6,}"
        ),
    ),
)
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_SECRET_NAME = re.compile(r"(?i)(?:^|[/_.-])(?:password|passwd|passphrase|secret|token|private-?key|api-?key)$")
_BITS = 4.2
"""Bits for each character above which a token is taken for random; hexadecimal digests stay below."""


def kind_of_secret(text: str) -> str:
    """What kind of secret a text looks like; '' for configuration."""
    known = next((kind for kind, pattern in _KNOWN if pattern.search(text)), "")
    return known or ("a random token" if any(map(_is_random, _TOKEN.findall(text))) else "")


def names_a_secret(name: str) -> bool:
    """Whether a parameter's name says that its value is a secret: `/app/db-password` does, `/app/secret-name` not."""
    return bool(_SECRET_NAME.search(name))


def _is_random(token: str) -> bool:
    kinds = sum(bool(re.search(kind, token)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds == 3 and entropy(token) >= _BITS


def entropy(text: str) -> float:
    """Shannon's entropy in bits for each character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
