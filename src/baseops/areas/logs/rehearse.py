"""What can be known of declared logs without AWS: whether each pattern finds a line that is made to match it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.contract.finding import Finding, Severity
from baseops.contract.refs import Refs
from baseops.semantics import filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section


def judge(section: Section, refs: Refs) -> list[Finding]:  # noqa: ARG001  # the protocol's signature
    """Patterns that no line can match: their metrics would stay silent for ever."""
    found = []
    for name, entry in section.entries.items():
        for metric_name, metric in entry.metrics.items():
            try:
                filters.compile(metric.pattern).example()
            except filters.PatternError as error:
                path = ("logs", name, "metrics", metric_name, "pattern")
                found.append(
                    Finding(
                        Severity.ERROR, "logs.unsatisfiable", path, str(error), "Write a pattern that a line can match"
                    )
                )
    return found
