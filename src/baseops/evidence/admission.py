"""Whether drills may run now: the declared window of those that do more than read, and declared freezes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from baseops.contract.drill import Drill
from baseops.contract.site import Drills
from baseops.errors import InconclusiveError, UsageError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def require_admitted(drills: Iterable[Drill], rules: Drills, now: datetime) -> None:
    """Raise `UsageError` for a class that is not allowed, `InconclusiveError` outside the window or in a freeze."""
    frozen = next((each for each in rules.freeze if is_frozen(each, now)), None)
    if frozen:
        raise InconclusiveError(
            "no drill runs now", f"the declaration freezes {frozen}", "Wait, or take it out of drills.freeze."
        )
    for drill in drills:
        if drill.drill_class not in rules.allow:
            raise UsageError(
                f"the drill {drill.name} may not run",
                f"its class {drill.drill_class} is not in drills.allow",
                f"Write: drills: {{allow: [{', '.join((*rules.allow, drill.drill_class))}]}}",
            )
        if drill.drill_class != "observe" and rules.window and not is_open(rules.window, now):
            raise InconclusiveError(
                f"the drill {drill.name} does not run now",
                f"it is {now:%a %H:%M} UTC, outside drills.window {rules.window}",
                "Wait for the window, or change it.",
            )


def is_frozen(freeze: str, now: datetime) -> bool:
    """Whether a moment lies in `2026-12-20/2027-01-05`, both days included, in UTC."""
    first, last = (date.fromisoformat(each) for each in freeze.split("/"))
    return first <= now.astimezone(UTC).date() <= last


def is_open(window: str, now: datetime) -> bool:
    """Whether a moment lies in a window such as `Sun 02:00-05:00 UTC`; one that ends earlier ends the next day."""
    *days, times, _ = window.split()
    start, end = (time.fromisoformat(each) for each in times.split("-"))
    at = now.astimezone(UTC)
    today, yesterday = at.weekday(), (at.weekday() - 1) % 7
    chosen = _chosen(days[0]) if days else set(range(7))
    if start <= end:
        return today in chosen and start <= at.time() < end
    return (today in chosen and at.time() >= start) or (yesterday in chosen and at.time() < end)


def next_opening(window: str | None, now: datetime) -> datetime:
    """The first moment from now on, to the minute, that lies in the window; now where there is none."""
    at = now
    while window and not is_open(window, at):
        at = (at + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return at


def _chosen(days: str) -> set[int]:
    """`Sat,Sun` and `Mon-Fri`, which may go round the week's end."""
    found: set[int] = set()
    for part in days.split(","):
        first, _, last = part.partition("-")
        start, stop = _DAYS.index(first), _DAYS.index(last or first)
        found |= {(start + step) % 7 for step in range((stop - start) % 7 + 1)}
    return found
