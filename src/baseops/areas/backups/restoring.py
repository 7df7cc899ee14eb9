"""The drill of restoring: a volume is made from the newest snapshot, attached to a drill instance, and files are read.

A volume is available before its blocks have come (`created_seconds`); restored is what has been read (`rto_seconds`).
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-initialize.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.meant import meant_by
from baseops.areas.backups.restore_script import Answer, FileRead, parse, script
from baseops.areas.backups.wording import spoken
from baseops.aws.errors import translated
from baseops.aws.sources import newest
from baseops.aws.waiting import until
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import InconclusiveError, NotFoundError
from baseops.evidence import resources
from baseops.evidence.drill_commands import answers, run
from baseops.evidence.drill_instances import STARTS_WITHIN, amazon_linux, security_group, start
from baseops.evidence.drill_network import Way, way_to_systems_manager
from baseops.evidence.prices import cost

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read
    from baseops.areas.backups.spec.section import Entry

MOST_VOLUMES = 2
"""For each backup."""
MOST_USD = 0.5
DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")
READ_WITHIN = timedelta(minutes=30)

# Any throughout: botocore makes the classes at run time.


@dataclass(frozen=True)
class Restored:
    """A volume made from a snapshot, how long that took, and what to read from it."""

    target: str
    snapshot: Mapping[str, Any]
    reads: Sequence[Read]
    volume_id: str
    created_seconds: float


def prove_restores(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target, volume and path."""
    way = way_to_systems_manager(ctx)
    wanted = list(_wanted(entries, ctx))
    yield from (each for each in wanted if isinstance(each, Evidence))
    restorable = [each for each in wanted if not isinstance(each, Evidence)]
    if not restorable:
        return
    # What is created last is removed first: a volume cannot go before the instance that has it.
    restored = [_volume(target, snapshot, reads, way, ctx) for target, snapshot, reads in restorable]
    instance = _reading_instance(way, ctx)
    for device, each in zip(DEVICES, restored, strict=False):
        yield from _read(each, device, instance, ctx)


def _reading_instance(way: Way, ctx: DrillContext) -> str:
    """An instance of Amazon's own image that answers; its id. Raises `InconclusiveError`."""
    image = amazon_linux(ctx)
    if image is None:
        raise InconclusiveError("no instance was started", f"there is no image of Amazon's in {ctx.site.region}")
    started = start(ctx, image, way, security_group(ctx, way, "restore"))
    if started.reason:
        raise InconclusiveError("nothing was read", f"the drill instance ended at once: {started.reason}")
    if not answers(ctx, started.instance_id, STARTS_WITHIN):
        minutes = STARTS_WITHIN // timedelta(minutes=1)
        raise InconclusiveError(
            f"{started.instance_id} did not answer Systems Manager within {minutes} minutes",
            f"by {way.by} it is not reached",
            "See: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html",
        )
    return started.instance_id


def _wanted(
    entries: Mapping[str, Entry], ctx: DrillContext
) -> Iterator[Evidence | tuple[str, Mapping[str, Any], list[Read]]]:
    """For each backup a few volumes with files declared on them: target, newest snapshot, what to read."""
    for name, entry in entries.items():
        reads: dict[str, list[Read]] = {}
        for read in entry.read:
            for volume in meant_by(read, name.partition(".")[2], entry, ctx).chosen[:1]:
                reads.setdefault(volume, []).append(read)
        if not reads:
            yield inconclusive(name, "no selected volume is meant for any declared file")
        for volume, files in list(reads.items())[:MOST_VOLUMES]:
            try:
                yield f"{name}/{volume}", newest(ctx.clients, ctx.site.region, volume), files
            except NotFoundError as error:
                yield inconclusive(f"{name}/{volume}", error.what)


def _read(restored: Restored, device: str, instance: str, ctx: DrillContext) -> Iterator[Evidence]:
    """Attach, mount, read; restored is what has been read, the instance's own start left out."""
    begun, target = ctx.clock.now(), restored.target
    _attach(restored.volume_id, device, instance, ctx)
    ctx.steps.add(f"{restored.volume_id} is attached to {instance} as {device}; read {len(restored.reads)} files")
    lines = script(restored.volume_id, device, restored.reads)
    said = run(ctx, instance, lines, READ_WITHIN)
    took = restored.created_seconds + (ctx.clock.now() - begun).total_seconds()
    measures = {"created_seconds": restored.created_seconds, "rto_seconds": took}
    if not said.is_success:
        why = f"the command that reads on {instance} ended as {said.details}" + f" ({said.code})" * (
            said.code is not None
        )
        not_run = ("a command in the drill instance",) if "not exercised" in said.errors else ()
        found = inconclusive(target, why, method="exercised", measures=measures)
        yield replace(found, not_exercised=not_run)
        return
    answer = parse(said.output)
    for number, read in enumerate(restored.reads):
        yield _verdict(f"{target}{read.path}", restored.snapshot, number, read, answer, measures)


def _verdict(
    target: str, source: Mapping[str, Any], number: int, read: Read, answer: Answer, measures: Mapping[str, float]
) -> Evidence:
    snapshot = str(source["SnapshotId"])
    if answer.trouble:
        is_unknown = "did not show up" in answer.trouble or "crypto_LUKS" in answer.trouble
        tell = inconclusive if is_unknown else refuted
        return tell(target, f"the volume made from {snapshot}: {answer.trouble}", method="exercised", measures=measures)
    file = answer.files.get(number, FileRead("unread"))
    faults = [*_unread(file), *_undeclared(file, read, source["StartTime"], answer.checks.get(number, ""))]
    if faults:
        return refuted(target, f"{snapshot}: {read.path} {faults[0]}", method="exercised", measures=measures)
    unchecked = read.check and answer.checks.get(number) == "nothing"
    found = proven(
        target,
        f"{file.read_bytes} bytes were read from a volume made from {snapshot}",
        method="exercised",
        measures={**measures, "bytes": file.read_bytes},
    )
    return replace(
        found, not_exercised=(f"{read.check} in the drill instance, which has no Python",) if unchecked else ()
    )


def _unread(file: FileRead) -> Iterator[str]:
    if file.word == "outside":
        yield "is a link that leads out of the volume"
    elif file.word != "read":
        yield f"is {file.word}"
    elif file.read_bytes != file.size:
        yield f"has {file.size} bytes, and {max(file.read_bytes, 0)} can be read"


def _undeclared(file: FileRead, read: Read, started: datetime, checked: str) -> Iterator[str]:
    """What is otherwise than declared."""
    if read.min_size is not None and file.size < read.min_size:
        yield f"has {file.size} bytes, declared are {read.min_size} at least"
    if read.modified_within is not None and file.modified and started - file.modified > read.modified_within:
        yield f"was last changed more than {spoken(read.modified_within)} before the snapshot"
    if read.check and (checked == "unsound" or not file.size):
        yield "is no sound database"


def _volume(target: str, snapshot: Mapping[str, Any], reads: Sequence[Read], way: Way, ctx: DrillContext) -> Restored:
    """Made, and available; it takes none of its source's tags, which would have it backed up itself."""
    begun = ctx.clock.now()
    ec2, size = ctx.clients.client("ec2", ctx.site.region), int(snapshot["VolumeSize"])
    ctx.budget.spend(cost_usd=cost("ebs-gp3", size))

    def make(tags: list[dict[str, str]]) -> str:
        with translated(f"cannot make a volume from {snapshot['SnapshotId']}"):
            made = ec2.create_volume(
                SnapshotId=snapshot["SnapshotId"],
                AvailabilityZone=way.zone,
                VolumeType="gp3",
                TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
            )
        return str(made["VolumeId"])

    ctx.steps.add(f"make a volume of {size} GiB from {snapshot['SnapshotId']}")
    volume = ctx.journal.create(resources.volume(ctx.site.region), lambda mark: make(mark.tag_list))
    with translated(f"cannot see whether {volume} is available"):
        until(ctx.clock, lambda: _is(ec2, volume, "available"))
    return Restored(target, snapshot, reads, volume, (ctx.clock.now() - begun).total_seconds())


def _attach(volume: str, device: str, instance: str, ctx: DrillContext) -> None:
    ec2 = ctx.clients.client("ec2", ctx.site.region)
    with translated(f"cannot attach {volume} to {instance}"):
        ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=device)
        until(ctx.clock, lambda: _is(ec2, volume, "in-use"))


def _is(ec2: Any, volume: str, state: str) -> bool | None:
    (found,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    return True if found["State"] == state else None
