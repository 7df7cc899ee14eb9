"""What one schedule of a backup may be: its period, retention, archive, fast restore, sharing and tags."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.backups.copies import plan_copies
from baseops.areas.backups.costs import fast_restore_usd
from baseops.areas.backups.snapshot_tags import snapshot_tags
from baseops.areas.backups.timing import YEAR, longest_gap, spacing
from baseops.areas.backups.wording import (
    Findings,
    Path,
    error,
    finding,
    needs_count,
    only_for_instances,
    own_account,
    spoken,
    tag_key_findings,
    whole_days,
)
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Archive, FastRestore, Plan, Share
    from baseops.areas.backups.spec.section import Entry

MAX_SNAPSHOT_TAGS = 45
LEAST_ARCHIVED = timedelta(days=90)
LEAST_ARCHIVE_PERIOD = timedelta(days=28)


def plan_findings(path: Path, name: str, entry: Entry, plan: Plan, site: Site) -> Findings:
    """Everything about one schedule of the backup `name`."""
    yield from _period(path, plan)
    yield from _retain(path, plan)
    yield from plan_copies(path, plan, site)
    if plan.archive:
        yield from _archive(path, entry, plan, plan.archive)
    if plan.fast_restore:
        yield from _fast_restore(path, plan, plan.fast_restore, site)
    if plan.share:
        yield from _share(path, plan, plan.share, site)
    yield from _instances_only(path, entry, plan)
    yield from _tags(path, name, plan, site)


def _period(path: Path, plan: Plan) -> Findings:
    try:
        shortest, longest = spacing(plan.schedule)
    except ValueError as problem:
        yield error("cron-period", (*path, "schedule", "cron"), str(problem), "Write a cron that fires again and again")
        return
    if shortest < timedelta(hours=1) or longest > YEAR:
        yield error(
            "cron-period",
            (*path, "schedule", "cron"),
            f"DLM allows between an hour and a year from one start to the next; here it is between "
            f"{spoken(shortest)} and {spoken(longest)}",
            'Write for example: cron: "0 3 ? * SUN *"',
        )


def _retain(path: Path, plan: Plan) -> Findings:
    if plan.retain.count == 0 and plan.archive is None:
        yield error(
            "retain-none",
            (*path, "retain", "count"),
            "a count of 0 moves every snapshot to the archive at once, and there is no `archive`",
            "Write a count of 1 or more, or add `archive`",
        )
    gap = longest_gap([plan])
    if plan.retain.age and gap and plan.retain.age < gap:
        yield error(
            "retain-shorter-than-gap",
            (*path, "retain", "age"),
            f"snapshots would be deleted after {spoken(plan.retain.age)} while the next comes after {spoken(gap)}: "
            "there would be times without any",
            f"Write an age of at least {print_duration(whole_days(gap))}",
        )


def _archive(path: Path, entry: Entry, plan: Plan, archive: Archive) -> Findings:
    place = (*path, "archive")
    if entry.target and entry.target.resource == "instance":
        yield error(
            "archive", place, "DLM archives snapshots of volume policies only", "Delete `archive`, or target volumes"
        )
    gap = longest_gap([plan])
    if gap and gap < LEAST_ARCHIVE_PERIOD:
        yield error(
            "archive",
            place,
            "DLM archives snapshots that are made every 28 days or more rarely; "
            f"this schedule makes one every {spoken(gap)}",
            'Add a schedule of its own for the archive, such as {cron: "0 3 1 * ? *"}',
        )
    if (archive.retain.age is None) != (plan.retain.age is None):
        word = "count" if plan.retain.age is None else "age"
        yield error(
            "archive", (*place, "retain"), f"the schedule retains by {word}, so the archive has to", f"Write `{word}`"
        )
    elif archive.retain.age and archive.retain.age < LEAST_ARCHIVED:
        yield _archive_days((*place, "retain", "age"), archive.retain.age, "at least 90d")
    elif archive.retain.count and gap and archive.retain.count * gap < LEAST_ARCHIVED:
        least = -(-LEAST_ARCHIVED // gap)
        yield _archive_days((*place, "retain", "count"), archive.retain.count * gap, f"a count of at least {least}")


def _archive_days(place: Path, kept: timedelta, remedy: str) -> Finding:
    message = f"a snapshot has to stay in the archive for at least 90 days; it would stay {spoken(kept)}"
    return error("archive", place, message, f"Write {remedy}")


def _fast_restore(path: Path, plan: Plan, fast: FastRestore, site: Site) -> Findings:
    place = (*path, "fast_restore")
    for number, zone in enumerate(fast.zones):
        if zone[:-1] != site.region:
            yield error(
                "fast-restore",
                (*place, "zones", number),
                f"{zone} is not in {site.region}",
                f"Write a zone such as {site.region}a",
            )
    if plan.retain.count == 0:
        yield needs_count(path, "fast_restore")
    elif fast.count and plan.retain.count and fast.count > plan.retain.count:
        message = f"only {plan.retain.count} snapshots of a volume are retained, {fast.count} cannot restore fast"
        yield error("fast-restore", (*place, "count"), message, f"Write a count of at most {plan.retain.count}")
    try:
        costs = fast_restore_usd(fast, plan)
    except ValueError:
        return
    if costs > (fast.confirmed_usd_per_volume_hour or 0):
        yield error(
            "fast-restore-cost",
            (*place, "confirmed_usd_per_volume_hour"),
            f"fast restore of one volume costs about {costs:.2f} US dollars an hour "
            f"({costs * 730:,.0f} a month), which is not confirmed",
            f"Write: confirmed_usd_per_volume_hour: {costs:.2f}",
        )


def _share(path: Path, plan: Plan, share: Share, site: Site) -> Findings:
    for number, account in enumerate(share.accounts):
        if account in site.accounts:
            yield own_account((*path, "share", "accounts", number), account)
    if plan.retain.count == 0:
        yield needs_count(path, "share")
    if share.unshare_after and plan.retain.age and share.unshare_after > plan.retain.age:
        yield finding(
            Severity.WARNING,
            "unshare-after-deletion",
            (*path, "share", "unshare_after"),
            f"snapshots are deleted after {spoken(plan.retain.age)}, before they would be unshared",
            "Leave `unshare_after` out, or write less",
        )


def _instances_only(path: Path, entry: Entry, plan: Plan) -> Findings:
    if entry.target is None or entry.target.resource == "instance":
        return
    for key in ("scripts", "variable_tags"):
        if getattr(plan, key):
            yield only_for_instances(path, key)


def _tags(path: Path, name: str, plan: Plan, site: Site) -> Findings:
    for key in (*plan.tags, *plan.variable_tags):
        yield from tag_key_findings((*path, "tags" if key in plan.tags else "variable_tags", key), key)
    count = len(snapshot_tags(site, name, plan.tags)) + len(plan.variable_tags)
    if count > MAX_SNAPSHOT_TAGS:
        yield error(
            "too-many-tags",
            (*path, "tags"),
            f"DLM adds at most {MAX_SNAPSHOT_TAGS} tags to a snapshot; with those of the declaration there are {count}",
            "Delete some",
        )
