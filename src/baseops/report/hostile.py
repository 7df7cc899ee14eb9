"""Makes texts from elsewhere safe to look at: names in AWS are whatever somebody typed.

Escaping for HTML is the template's; this is about what HTML lets through: control characters, letters that turn the
reading direction, unpaired surrogates, names without an end. And about whom a page may name: nobody's mail address.
"""

from __future__ import annotations

import re
import unicodedata

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:/=]+@([\w-]+(?:\.[\w-]+)+)")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST = 2000
"""Characters of one text that are shown; evidence itself keeps at most 1,000."""


def visible(text: object, longest: int = LONGEST) -> str:
    """One line in which nothing is hidden: `⟨U+202E⟩` for what has no picture, cut where it is longer.

    Of a mail address only the domain is shown: a page is sent on.

    https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
    """
    line = str(text)
    # A little more than is shown: an address is not cut in two.
    begins = _ADDRESS.sub(r"…@\1", line[: longest + 400]) if "@" in line else line
    shown = "".join(map(_seen, begins[:longest]))
    return shown if len(line) <= longest else f"{shown}… ({len(line):,} characters)"


def beginning(text: object, longest: int) -> str:
    """As `visible`, cut after the last whole word that fits."""
    line = visible(text)
    return line if len(line) <= longest else f"{line[:longest].rpartition(' ')[0] or line[:longest]} …"


def shortened(text: object, longest: int = 36) -> str:
    """As `visible`, with the middle left out: both ends of a name tell it from others."""
    line = visible(text)
    if len(line) <= longest:
        return line
    head = (longest - 1) // 2
    return f"{line[:head]}…{line[head + 1 - longest :]}"


def _seen(letter: str) -> str:
    if letter in "\t\n\r":
        return " "
    return f"⟨U+{ord(letter):04X}⟩" if unicodedata.category(letter) in _UNSEEN else letter
