"""Which volumes a declared file is to be read from: by tags, by device, the hosts' roots; a few, chosen at random."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.copied import received_copies
from baseops.areas.backups.sources import instances_named, selected_volumes, tags_of, volumes_with_tags
from baseops.contract.drill import DrillContext

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read
    from baseops.areas.backups.spec.section import Entry

MOST_VOLUMES = 5
"""For each declared file."""
MOST_OTHERS = 2
"""Of volumes of which nothing is declared."""
AT_ONCE = 100

# Any: what botocore answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Meant:
    """The volumes (or received snapshots) to read from, and those that are meant and not backed up."""

    chosen: tuple[str, ...]
    unselected: tuple[str, ...] = ()


def meant_by(read: Read, name: str, entry: Entry, ctx: DrillContext) -> Meant:
    """What a declared file means."""
    if entry.receive is not None:
        return Meant(tuple(_received(entry, name, ctx)))
    volumes = sorted(selected_volumes(ctx.clients, ctx.site.region, entry), key=lambda each: str(each["VolumeId"]))
    shuffled = ctx.random.sample(volumes, len(volumes))
    if read.volume == "each":
        return _few(shuffled)
    if read.volume == "root":
        return _few(_roots(shuffled, ctx))
    if read.volume.device is not None:
        device = read.volume.device
        return _few(each for each in shuffled if device in [one["Device"] for one in each.get("Attachments", [])])
    tags = read.volume.tags or {}
    return _few([each for each in shuffled if tags.items() <= tags_of(each).items()], _unselected(tags, volumes, ctx))


def others(entry: Entry, known: Collection[str], ctx: DrillContext) -> list[str]:
    """A few selected volumes of which nothing is declared."""
    if entry.target is None:
        return []
    ids = sorted(str(each["VolumeId"]) for each in selected_volumes(ctx.clients, ctx.site.region, entry))
    left = [each for each in ids if each not in known]
    return ctx.random.sample(left, min(MOST_OTHERS, len(left)))


def _few(volumes: Iterator[Described] | Sequence[Described], unselected: Sequence[str] = ()) -> Meant:
    return Meant(tuple(str(each["VolumeId"]) for each in islice(volumes, MOST_VOLUMES)), tuple(unselected))


def _unselected(tags: Mapping[str, str], selected: Sequence[Described], ctx: DrillContext) -> list[str]:
    known = {each["VolumeId"] for each in selected}
    found = [str(each["VolumeId"]) for each in volumes_with_tags(ctx.clients, ctx.site.region, tags)]
    return [each for each in found if each not in known][:MOST_VOLUMES]


def _roots(volumes: Sequence[Described], ctx: DrillContext) -> Iterator[Described]:
    """Those that are the root of the instance that has them; instances are asked for as long as more are wanted."""
    for at in range(0, len(volumes), AT_ONCE):
        some = volumes[at : at + AT_ONCE]
        ids = {one["InstanceId"] for each in some for one in each.get("Attachments", []) if one.get("InstanceId")}
        roots = {
            each["InstanceId"]: each.get("RootDeviceName")
            for each in instances_named(ctx.clients, ctx.site.region, ids)
        }
        for each in some:
            if any(roots.get(one.get("InstanceId")) == one["Device"] for one in each.get("Attachments", [])):
                yield each


def region_of(entry: Entry, ctx: DrillContext) -> str:
    """Where its snapshots are: what other accounts shared is copied somewhere."""
    return entry.copies[0].region if entry.receive is not None and entry.copies else ctx.site.region


def _received(entry: Entry, name: str, ctx: DrillContext) -> list[str]:
    """The newest copies of what others shared; their volume ids mean nothing."""
    held = received_copies(name, region_of(entry, ctx), ctx)
    done = sorted((each for each in held if each["State"] == "completed"), key=lambda each: each["StartTime"])
    return [str(each["SnapshotId"]) for each in done[-MOST_VOLUMES:]]
