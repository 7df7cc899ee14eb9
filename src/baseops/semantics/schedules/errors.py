"""The error of schedule expressions."""

from __future__ import annotations

from baseops.semantics.expressions import ExpressionError


class ScheduleError(ExpressionError):
    """A schedule that AWS would refuse."""

    noun = "schedule"
