"""`baseops backups coverage`: every volume, what protects it, how old its newest snapshot is; the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

from baseops.areas.backups.sources import target_instances
from baseops.aws.fleet import Fleet, FleetSnapshot, FleetVolume

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section
    from baseops.contract.clients import Clients
    from baseops.contract.clock import Clock


class State(IntEnum):
    """How a volume stands, the worst first."""

    UNPROTECTED = 0
    LATE = 1
    NEW = 2
    COVERED = 3

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower()


@dataclass(frozen=True)
class Promise:
    """What a volume was promised, by which backup: its newest snapshot is at most this old."""

    name: str
    rpo: timedelta
    grace: timedelta
    tags: Mapping[str, str]
    of_instances: frozenset[str] | None = None

    def selects(self, volume: FleetVolume) -> bool:
        """Whether it is about the volume."""
        if self.of_instances is not None:
            return any(each in self.of_instances for each in volume.instances)
        return any(volume.tags.get(key) == value for key, value in self.tags.items())


@dataclass(frozen=True)
class Cover:
    """One volume. `age` is None where no snapshot was begun within the longest promise."""

    volume: FleetVolume
    state: State
    promises: tuple[str, ...]
    snapshot_id: str | None
    age: timedelta | None
    promised: timedelta | None


@dataclass(frozen=True)
class Coverage:
    """All volumes of a region, unprotected ones first, then late ones."""

    region: str
    covers: tuple[Cover, ...]
    requests: int
    window: timedelta

    def count(self, state: State) -> int:
        """How many stand so."""
        return sum(each.state is state for each in self.covers)


def promises_of(section: Section, clients: Clients, region: str) -> list[Promise]:
    """What the declared backups promise. AWS call: ec2:DescribeInstances, where a backup selects instances."""
    return [
        _promise(name, entry, clients, region)
        for name, entry in section.entries.items()
        if entry.target is not None and entry.promise.rpo is not None
    ]


def promise_to_all(age: timedelta) -> Promise:
    """The same for every volume, where nothing is declared."""
    return Promise("every volume", age, age, {}, None)


def coverage(promises: Sequence[Promise], clients: Clients, region: str, clock: Clock) -> Coverage:
    """Look at every volume of a region."""
    now = clock.now()
    window = max((each.rpo for each in promises), default=timedelta(days=1))
    with Fleet(clients, region, clock) as fleet:
        volumes = fleet.volumes()
        newest = _newest(fleet.snapshots_since(now - window))
    covers = [_cover(volume, promises, newest.get(volume.volume_id), now) for volume in volumes]
    return Coverage(region, tuple(sorted(covers, key=_worst_first)), fleet.requests, window)


def _worst_first(cover: Cover) -> tuple[State, float, str]:
    age = inf if cover.age is None else cover.age.total_seconds()
    return cover.state, -age, cover.volume.volume_id


def _promise(name: str, entry: Entry, clients: Clients, region: str) -> Promise:
    target, rpo = entry.target, entry.promise.rpo or timedelta()
    instances = None
    if target is not None and target.resource == "instance":
        instances = frozenset(each["InstanceId"] for each in target_instances(clients, region, target))
    return Promise(name, rpo, entry.grace or rpo, target.tags if target else {}, instances)


def _newest(snapshots: Sequence[FleetSnapshot]) -> dict[str, FleetSnapshot]:
    found: dict[str, FleetSnapshot] = {}
    for each in snapshots:
        known = found.get(each.volume_id)
        if known is None or known.started < each.started:
            found[each.volume_id] = each
    return found


def _cover(volume: FleetVolume, promises: Sequence[Promise], newest: FleetSnapshot | None, now: datetime) -> Cover:
    meant = [each for each in promises if each.name == "every volume" or each.selects(volume)]
    age = now - newest.started if newest else None
    shortest = min(meant, key=lambda each: each.rpo, default=None)
    return Cover(
        volume=volume,
        state=_state(volume, shortest, age, now),
        promises=tuple(each.name for each in meant),
        snapshot_id=newest.snapshot_id if newest else None,
        age=age,
        promised=shortest.rpo if shortest else None,
    )


def _state(volume: FleetVolume, promise: Promise | None, age: timedelta | None, now: datetime) -> State:
    if promise is None:
        return State.UNPROTECTED
    if age is not None and age <= promise.rpo:
        return State.COVERED
    return State.NEW if now - volume.created < promise.grace else State.LATE
