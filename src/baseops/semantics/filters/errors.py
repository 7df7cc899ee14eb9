"""The error of filter patterns."""

from __future__ import annotations

from baseops.semantics.expressions import ExpressionError


class PatternError(ExpressionError):
    """A filter pattern that CloudWatch Logs would refuse, or that no line can match."""

    noun = "filter pattern"
