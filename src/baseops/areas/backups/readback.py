"""The drill of reading back: declared files come out of the newest snapshots whole, without a volume or an instance.

The blocks come by the EBS direct APIs, whose quota backup vendors share: so a part of it is used, and the first word
of the account's throttling ends the drill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from baseops.areas.backups.contents import Content, check_file
from baseops.areas.backups.meant import Meant, meant_by, others, region_of
from baseops.aws.ebs import EbsBlocks
from baseops.aws.sources import Opened, Reading, Sources
from baseops.aws.spending import Spending
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import (
    DamagedError,
    NoSuchPathError,
    NotFoundError,
    SnapshotError,
    UnsupportedError,
)
from baseops.evidence.block_reading import StoppingPace
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_device
from baseops.snapshots.volumes import volumes_of

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read
    from baseops.areas.backups.spec.section import Entry

MOST_USD = 0.1
MOST_BYTES = 8 << 30
"""What the drill may read at most, and how large one file may be."""


def prove_reads(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target, volume and path."""
    sources = Sources(
        lambda: ctx.clients, ctx.clock, Reading(max_bytes=MOST_BYTES, max_usd=MOST_USD), StoppingPace(ctx)
    )
    for name, entry in entries.items():
        reads: dict[str, list[Read]] = {}
        for read in entry.read:
            meant = meant_by(read, name.partition(".")[2], entry, ctx)
            yield from _unmeant(name, read, meant)
            for each in meant.chosen:
                reads.setdefault(each, []).append(read)
        for each in others(entry, reads, ctx):
            reads.setdefault(each, [])
        for each, wanted in reads.items():
            source = each if entry.receive else f"latest:{each}"
            yield from _volume(f"{name}/{each}", source, wanted, sources, region_of(entry, ctx), ctx)


def _unmeant(name: str, read: Read, meant: Meant) -> Iterator[Evidence]:
    for volume in meant.unselected:
        yield refuted(
            f"{name}/{volume}{read.path}", f"{volume} is meant by its tags, and the backup does not select it"
        )
    if not meant.chosen and not meant.unselected:
        yield inconclusive(f"{name}{read.path}", f"no selected volume is meant for {read.path}")


def _volume(
    target: str, source: str, reads: Sequence[Read], sources: Sources, region: str, ctx: DrillContext
) -> Iterator[Evidence]:
    """What is declared of one volume; where nothing is, whether its file system opens."""
    before = counted(sources.spending)
    try:
        opened = sources.open(source, region=region)
    except (NotFoundError, SnapshotError) as error:
        yield from _each(target, reads, error.what)
        return
    with opened:
        ctx.steps.add(f"open {opened.identifier}")
        if isinstance(opened.blocks, EbsBlocks) and opened.blocks.is_empty:
            yield from _each(target, reads, f"{opened.identifier} has no block: nothing was ever written to the volume")
            return
        wanted: Sequence[Read | None] = reads or [None]
        for read in wanted:
            found = _one(target, read, opened, ctx)
            yield replace(found, measures={**found.measures, **_difference(before, sources.spending)})
            before = counted(sources.spending)


def _one(target: str, read: Read | None, opened: Opened, ctx: DrillContext) -> Evidence:
    place = f"{target}{read.path}" if read else target
    try:
        with open_device(opened.device, str(read.partition) if read and read.partition else None) as snapshot:
            return _found(place, read, snapshot, opened, ctx)
    except NoSuchPathError as error:
        return refuted(place, f"{opened.identifier}: {error.what}", method="exercised")
    except DamagedError as error:
        return refuted(place, f"{opened.identifier}: {error.what}: {error.why}", method="exercised")
    except UnsupportedError as error:
        if read and all(each.kind in ("unknown", "damaged") for each in volumes_of(opened.device)):
            why = f"{opened.identifier} holds no file system that is known, and {read.path} is declared on it"
            return refuted(place, why, method="exercised")
        return inconclusive(place, f"{opened.identifier}: {error}")
    except SnapshotError as error:
        return inconclusive(place, f"{opened.identifier}: {error}")


def _found(place: str, read: Read | None, snapshot: Snapshot, opened: Opened, ctx: DrillContext) -> Evidence:
    started = opened.started
    if read is None or started is None:
        names = len(snapshot.listdir("/"))
        found = proven(
            place, f"{opened.identifier} opens as {snapshot.kind}", method="exercised", measures={"names": names}
        )
    else:
        found = _verdict(place, opened.identifier, check_file(snapshot, read, started, MOST_BYTES, ctx.fingerprint))
    return replace(found, not_exercised=tuple(snapshot.notes))


def _verdict(place: str, identifier: str, content: Content) -> Evidence:
    if content.fault:
        return refuted(place, f"{identifier}: {content.fault}", method="exercised", measures=content.measures)
    stable = f"; fingerprint {content.fingerprint}" if content.fingerprint else ""
    said = f"read whole from {identifier}{stable}"
    return proven(place, said, method="exercised", measures=content.measures)


def _each(target: str, reads: Sequence[Read], why: str) -> Iterator[Evidence]:
    for place in [f"{target}{each.path}" for each in reads] or [target]:
        yield inconclusive(place, why)


def counted(spending: Spending) -> dict[str, float]:
    """What was spent so far, by the names of measures."""
    return {
        "blocks_read": spending.block_requests,
        "requests": spending.requests,
        "bytes": spending.bytes,
        "cost_usd": spending.usd,
    }


def _difference(before: Mapping[str, float], spending: Spending) -> dict[str, float]:
    return {name: value - before[name] for name, value in counted(spending).items()}
