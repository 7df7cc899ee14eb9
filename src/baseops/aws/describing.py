"""How EC2's describe calls are asked for very many things: page sizes, a filter's values, days as a filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

VOLUMES_PER_PAGE, SNAPSHOTS_PER_PAGE = 500, 1000
MOST_VALUES = 200
"""Of a filter. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"""
MOST_DAYS = 190
"""Days that fit into a filter, and some."""


def days_between(since: datetime, until: datetime) -> list[str]:
    """Every day of UTC that holds some of it, as a filter by `start-time` takes them."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return [f"{first + timedelta(days=number):%Y-%m-%d}*" for number in range((last - first).days + 1)]
