"""A length of time in AWS's units, counted on the calendar: a month after 31 January is the end of February."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self, TypeAlias

Unit: TypeAlias = Literal["DAYS", "WEEKS", "MONTHS", "YEARS"]

_LAST_YEAR = 9998


@dataclass(frozen=True, slots=True)
class Age:
    """So many days, weeks, months or years."""

    interval: int
    unit: Unit = "DAYS"

    @classmethod
    def read(cls, rule: Mapping[str, Any], interval: str = "Interval", unit: str = "IntervalUnit") -> Self | None:
        """The age that a rule of the API holds under these names, if it does."""  # Any: the API's JSON
        return cls(rule[interval], rule[unit]) if rule.get(interval) is not None and rule.get(unit) else None

    def after(self, moment: datetime) -> datetime:
        """The moment at which something made at `moment` reaches the age."""
        if self.unit in ("DAYS", "WEEKS"):
            return moment + timedelta(days=self.interval * (7 if self.unit == "WEEKS" else 1))
        months = moment.month - 1 + self.interval * (12 if self.unit == "YEARS" else 1)
        year, month = min(moment.year + months // 12, _LAST_YEAR), months % 12 + 1
        return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
