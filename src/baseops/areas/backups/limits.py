"""What the models cannot say alone: AWS's limits across fields, promises that no schedule can keep, and overlaps.

It tells the story; the rules lie beside it. Paths begin with the area, as in the declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.backups.copies import MAX_COPIES, copies_twice, copy_key, copy_region
from baseops.areas.backups.promises import promise_findings, read_findings
from baseops.areas.backups.schedules import plan_findings
from baseops.areas.backups.wording import (
    Findings,
    Path,
    error,
    finding,
    only_for_instances,
    own_account,
    tag_key_findings,
)
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Plan
    from baseops.areas.backups.spec.section import Entry, Section

MAX_POLICIES = 100


def check(section: Section, site: Site) -> list[Finding]:
    """Everything that is wrong with or worth saying about the section; asks AWS nothing."""
    found = list(_quota(section))
    for name, entry in section.entries.items():
        path: Path = ("backups", name)
        found += _entry(path, name, entry, site)
    return [*found, *_overlaps(section)]


def _entry(path: Path, name: str, entry: Entry, site: Site) -> Findings:
    if not entry.managed:
        yield from _unmanaged(path, entry)
    elif entry.receive is not None:
        yield from _receive(path, entry, site)
    else:
        yield from _schedules(path, entry)
        for plan_path, plan in _plans(path, entry):
            yield from plan_findings(plan_path, name, entry, plan, site)
        yield from _target(path, entry, site)
        yield from _enabled(path, entry)
    yield from promise_findings(path, entry)
    yield from read_findings(path, entry)


def _plans(path: Path, entry: Entry) -> list[tuple[Path, Plan]]:
    return [((*path, "schedules", name) if name else path, plan) for name, plan in entry.plans.items()]


def _unmanaged(path: Path, entry: Entry) -> Findings:
    made = ("schedule", "schedules", "retain", "receive", "copies", "fast_restore", "archive", "share", "scripts")
    for key in made:
        if getattr(entry, key):
            yield error(
                "unmanaged",
                (*path, key),
                f"`managed: false` says that somebody else makes the snapshots, so `{key}` would change nothing",
                f"Delete `{key}`, or let baseops make the policy: delete `managed: false`",
            )


def _receive(path: Path, entry: Entry, site: Site) -> Findings:
    made = ("schedule", "schedules", "retain", "fast_restore", "archive", "share", "scripts")
    for key in made:
        if getattr(entry, key):
            yield error(
                "receive", (*path, key), f"`{key}` belongs to the account that makes the snapshots", f"Delete `{key}`"
            )
    if not 1 <= len(entry.copies) <= MAX_COPIES:
        yield error(
            "receive",
            (*path, "copies"),
            f"a policy for received snapshots makes one to three copies of each, not {len(entry.copies)}",
            "Write: copies: [{region: " + site.region + ", retain: 30d}]",
        )
    for number, account in enumerate(entry.receive.accounts if entry.receive else ()):
        if account in site.accounts:
            yield own_account((*path, "receive", "accounts", number), account)
    yield from _received_copies(path, entry, site)
    if entry.promise.rpo:
        yield error(
            "receive",
            (*path, "promise", "rpo"),
            "this account does not make the snapshots that it receives",
            "Write `copy_rpo` in its place",
        )


def _received_copies(path: Path, entry: Entry, site: Site) -> Findings:
    for number, copy in enumerate(entry.copies):
        place = (*path, "copies", number)
        if copy.account:
            message = "a received snapshot is copied into this account only"
            yield error("receive", (*place, "account"), message, "Delete `account`")
        if copy.region != site.region:
            yield from copy_region(place, copy, site)
        yield from copy_key(place, copy, site)
    yield from copies_twice(path, entry.copies)


def _schedules(path: Path, entry: Entry) -> Findings:
    if entry.schedules is None:
        for key in ("schedule", "retain"):
            if getattr(entry, key) is None:
                example = '{interval: 24h, time: "03:00"}' if key == "schedule" else "{age: 30d}"
                yield error("schedule", path, f"the key '{key}' is missing", f"Write: {key}: {example}")
        return
    for key in ("schedule", "retain", "copies", "fast_restore", "archive", "share", "scripts", "tags", "variable_tags"):
        if getattr(entry, key):
            yield error(
                "schedule",
                (*path, key),
                f"with `schedules`, each schedule has its own `{key}`",
                f"Move `{key}` into the schedules that it is meant for",
            )
    kinds = {plan.retain.age is None for plan in entry.schedules.values()}
    if len(kinds) > 1:
        # https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-ami-policy.html
        yield error(
            "retention-mixed",
            (*path, "schedules"),
            "all schedules of a policy retain by count, or all by age",
            "Write `count` in each, or `age` in each, or make a backup of its own of the other",
        )


def _target(path: Path, entry: Entry, site: Site) -> Findings:
    if entry.target is None:
        return
    for key in entry.target.tags:
        yield from tag_key_findings((*path, "target", "tags", key), key)
    for key in entry.exclude.data_volume_tags:
        yield from tag_key_findings((*path, "exclude", "data_volume_tags", key), key)
    if entry.target.resource == "volume" and (entry.exclude.boot_volume or entry.exclude.data_volume_tags):
        yield only_for_instances(path, "exclude")
    for number, key in enumerate(entry.target.keys):
        if key.split(":")[3] != site.region:
            yield error(
                "target-key",
                (*path, "target", "keys", number),
                f"the volumes are in {site.region}, the key is in {key.split(':')[3]}",
                "Name a key of that region",
            )


def _enabled(path: Path, entry: Entry) -> Findings:
    if not entry.enabled:
        yield finding(
            Severity.WARNING,
            "disabled",
            (*path, "enabled"),
            "a disabled policy makes no snapshots and deletes none; its promise is not kept and no alarm watches it",
            "Delete `enabled: false` when snapshots should be made again",
        )


def _quota(section: Section) -> Findings:
    count = len(section.managed)
    if count > MAX_POLICIES:
        message = f"a region has at most {MAX_POLICIES} DLM policies, and {count} are declared"
        yield error(
            "too-many-policies", ("backups",), message, "Join backups of the same resource as `schedules` of one"
        )


def _overlaps(section: Section) -> Findings:
    seen: dict[tuple[str, str, str], str] = {}
    for name, entry in section.managed.items():
        if entry.target is None:
            continue
        for key, value in entry.target.tags.items():
            former = seen.setdefault((entry.target.resource, key, value), name)
            if former != name:
                yield finding(
                    Severity.WARNING,
                    "overlap",
                    ("backups", name, "target", "tags", key),
                    f"{key}={value} also selects for backup {former!r}; two policies make two snapshots of each",
                    f"Write both as `schedules` of {former}, which then share a snapshot and keep the longer retention",
                )
