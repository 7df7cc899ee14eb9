"""CloudWatch Logs filter patterns: which lines match, what is extracted, and a line that would match.

Pure: a pattern is compiled once into closures. The grammar is the user guide's, its traps included.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

from baseops.semantics.filters.errors import PatternError
from baseops.semantics.filters.pattern import Kind, Pattern, compile  # noqa: A004  # as in `re`
from baseops.semantics.filters.warnings import MAX_PATTERNS_WITH_REGEX

__all__ = ["MAX_PATTERNS_WITH_REGEX", "Kind", "Pattern", "PatternError", "compile"]
