"""When schedules fire: cron(…) and rate(…) expressions of EventBridge, DLM and Image Builder, and DLM's intervals.

Pure: a schedule knows its moments, not what it starts nor what time it is.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

from baseops.semantics.schedules.cron import Cron, gaps
from baseops.semantics.schedules.cron_parser import parse_cron
from baseops.semantics.schedules.errors import ScheduleError
from baseops.semantics.schedules.rates import (
    DLM_HOURS,
    Interval,
    Rate,
    Schedule,
    dlm_interval,
    intervals_after,
    parse_rate,
    shortest_gap,
)

__all__ = [
    "DLM_HOURS",
    "Cron",
    "Interval",
    "Rate",
    "Schedule",
    "ScheduleError",
    "dlm_interval",
    "gaps",
    "intervals_after",
    "parse",
    "parse_cron",
    "parse_rate",
    "shortest_gap",
]


def parse(expression: str, timezone: str = "UTC") -> Cron | Rate:
    """Read `cron(…)` or `rate(…)`; raises ScheduleError. A rate knows no time zone."""
    text = expression.strip()
    if text.startswith("cron("):
        return parse_cron(text, timezone)
    if text.startswith("rate("):
        return parse_rate(text)
    raise ScheduleError.at(
        expression, 0, "a schedule begins with cron( or rate(", "Write it as in cron(0 3 * * ? *) or rate(1 day)"
    )
