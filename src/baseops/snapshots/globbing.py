"""Shell patterns for names, as in fnmatch but always with regard to case."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable


def matching_names(pattern: str) -> Callable[[str], bool]:
    """Whether a name matches; like a shell's, `*` and `?` match any bytes but not the dot that begins a name."""
    expression = re.compile(fnmatch.translate(pattern), re.DOTALL)
    return lambda name: bool(expression.match(name)) and (not name.startswith(".") or pattern.startswith("."))
