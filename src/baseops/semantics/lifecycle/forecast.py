"""Which snapshots and copies of one volume exist at a moment, computed without AWS.

It assumes that every snapshot is made, `delay` after its time (DLM starts within the hour), and that nobody deletes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from baseops.semantics.lifecycle.firings import Firing, firings
from baseops.semantics.lifecycle.snapshot_policy import Keep, SnapshotPolicy

_NO_DELAY = timedelta(0)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """A snapshot that exists. `expires` is None where the count decides; `fast_restored` names zones."""

    at: datetime
    schedule: str
    tier: Literal["standard", "archive"] = "standard"
    expires: datetime | None = None
    fast_restored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedCopy:
    """A copy that exists in another region; `expires` is None where it is kept for good."""

    at: datetime
    region: str
    expires: datetime | None


def snapshots_on(
    policy: SnapshotPolicy, when: datetime, *, since: datetime, delay: timedelta = _NO_DELAY
) -> tuple[Expected, ...]:
    """The snapshots of a volume that has been under the policy from `since` on, oldest first."""
    fired = _fired(policy, when, since, delay)
    fast = _fast_restored(policy, fired, when, delay)
    kept: list[Expected] = []
    for schedule in policy.schedules:
        owned = [firing for firing in fired if firing.owner is schedule]
        for rank, firing in enumerate(reversed(owned)):
            expected = _expected(firing, rank, when, delay, fast.get(firing.at, ()))
            kept += [expected] if expected else []
    return tuple(sorted(kept, key=lambda each: each.at))


def copies_on(
    policy: SnapshotPolicy, when: datetime, *, since: datetime, delay: timedelta = _NO_DELAY
) -> tuple[ExpectedCopy, ...]:
    """The copies of a volume's snapshots, oldest first; a copy outlives its source if its rule says so."""
    found = []
    for firing in _fired(policy, when, since, delay):
        made = firing.at + delay
        for copy in firing.copies:
            expires = None if copy.age is None else copy.age.after(made)
            if expires is None or expires > when:
                found.append(ExpectedCopy(made, copy.region, expires))
    return tuple(found)


def _fired(policy: SnapshotPolicy, when: datetime, since: datetime, delay: timedelta) -> list[Firing]:
    return list(firings(policy, since, when - delay + _INSTANT))


def _expected(firing: Firing, rank: int, when: datetime, delay: timedelta, zones: tuple[str, ...]) -> Expected | None:
    """The snapshot as it is at `when`, the `rank`-th newest of its schedule; None if it is gone."""
    owner, made = firing.owner, firing.at + delay
    expires = firing.expires(made)
    is_standard = expires > when if expires is not None else _is_counted(owner.keep, rank)
    if is_standard:
        return Expected(made, owner.name, "standard", expires, zones)
    if owner.archive is None:
        return None
    if owner.archive.age is None or expires is None:
        is_archived, gone = _is_counted(owner.archive, rank - (owner.keep.count or 0)), None
    else:
        gone = owner.archive.age.after(expires)
        is_archived = gone > when
    return Expected(made, owner.name, "archive", gone) if is_archived else None


def _is_counted(keep: Keep, rank: int) -> bool:
    return keep.count is None or rank < keep.count


def _fast_restored(
    policy: SnapshotPolicy, fired: Iterable[Firing], when: datetime, delay: timedelta
) -> dict[datetime, tuple[str, ...]]:
    """The zones in which the snapshots of each start are enabled for fast restore."""
    zones: dict[datetime, set[str]] = {}
    newest_first = list(fired)[::-1]
    for schedule in policy.schedules:
        rule = schedule.fast_restore
        own = [firing for firing in newest_first if schedule in firing.schedules] if rule else []
        for rank, firing in enumerate(own):
            age = rule.keep.age if rule else None
            if rule and (age.after(firing.at + delay) > when if age else _is_counted(rule.keep, rank)):
                zones.setdefault(firing.at, set()).update(rule.zones)
    return {at: tuple(sorted(names)) for at, names in zones.items()}
