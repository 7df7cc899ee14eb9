"""Whether a promise can be kept by its schedules, watched by an alarm, and says anything."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.backups.timing import START_WITHIN, least_rpo
from baseops.areas.backups.wording import Findings, Path, enough, error, finding, spoken
from baseops.contract.finding import Severity
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Plan
    from baseops.areas.backups.spec.section import Entry

LONGEST_ALARM = timedelta(days=7)
"""Period times evaluation periods. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""


def promise_findings(path: Path, entry: Entry) -> Findings:
    """What is promised, against what the schedules can do at best."""
    place = (*path, "promise")
    if entry.receive is None and entry.promise.rpo is None:
        least = least_rpo(entry.plans.values())
        yield error(
            "promise",
            place,
            "the key 'rpo' is missing",
            f"Write: rpo: {enough(least)}" if least else "Write: rpo: 30h",
        )
    if entry.copies_here and entry.promise.copy_rpo is None:
        yield finding(
            Severity.WARNING if entry.receive is None else Severity.ERROR,
            "copies-without-promise",
            place,
            "copies are made and nothing promises how old the newest may be, so nobody would notice their end",
            f"Write: copy_rpo: {print_duration((entry.promise.rpo or timedelta(hours=30)) + timedelta(hours=10))}",
        )
    yield from _copies_known(place, entry)
    plans = list(entry.plans.values())
    yield from _keepable(place, "rpo", entry.promise.rpo, plans, entry)
    copying = [plan for plan in plans if plan.copies]
    yield from _keepable(place, "copy_rpo", entry.promise.copy_rpo, copying, entry)


def _copies_known(place: Path, entry: Entry) -> Findings:
    promise = entry.promise
    if promise.copy_regions and entry.managed:
        yield error("promise", (*place, "copy_regions"), "`copies` says where the copies are", "Delete `copy_regions`")
    if promise.copy_rpo and not entry.managed and not promise.copy_regions:
        yield error("promise", place, "nothing says where the copies are", "Write: copy_regions: [us-east-1]")
    if promise.copy_rpo and entry.managed and entry.target and not entry.copies_here:
        yield error(
            "promise", (*place, "copy_rpo"), "there are no `copies` for it", "Delete `copy_rpo`, or add `copies`"
        )


def _keepable(place: Path, key: str, promised: timedelta | None, plans: list[Plan], entry: Entry) -> Findings:
    if promised is None:
        return
    least = least_rpo(plans)
    if least and promised < least:
        yield error(
            "promise-cannot-be-kept",
            (*place, key),
            f"snapshots are up to {spoken(least - START_WITHIN)} apart and DLM starts within the hour after its time, "
            f"so the newest is at times {spoken(least)} old and more",
            f"Write: {key}: {enough(least)}, or make snapshots more often",
        )
    if promised > LONGEST_ALARM and entry.managed:
        yield finding(
            Severity.NOTE,
            "no-alarm-on-missing",
            (*place, key),
            "an alarm looks back over seven days at most, so no alarm tells of missing snapshots; drills and status do",
            "",
        )


def read_findings(path: Path, entry: Entry) -> Findings:
    """What is to be read, against what is backed up."""
    for number, read in enumerate(entry.read):
        place = (*path, "read", number)
        if entry.receive is not None and read.volume != "each":
            yield error(
                "read-received",
                (*place, "volume"),
                "received snapshots bring no tags and a volume id that means nothing, so no volume can be named",
                "Write: volume: each",
            )
        if read.volume == "root" and entry.exclude.boot_volume:
            yield error(
                "read-excluded",
                (*place, "volume"),
                "`exclude` leaves the boot volume out, so it has no snapshot to read",
                "Name another volume, or delete `boot_volume: true`",
            )
        if read.min_size is None and not (read.check or read.modified_within or read.stable_sha256):
            yield finding(
                Severity.NOTE,
                "read-proves-little",
                place,
                "only that the file exists is proved; an empty one would do",
                "Add min_size, modified_within, check or stable_sha256",
            )
