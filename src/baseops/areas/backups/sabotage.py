"""The breaks of backups that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.backups import breaks
from baseops.areas.backups.damage import FileDamage, damaged_files
from baseops.contract.drill import Sabotage
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec import Section
    from baseops.areas.backups.spec.read import Read
    from baseops.areas.backups.spec.section import Entry

WEEK = timedelta(days=7)
NEXT_RUN = timedelta(hours=27)
"""By when a daily schedule has run once more, and its copies are there."""
STRANGER = "999999999999"


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:
    """The breaks that the drills of this section must notice."""
    found = [
        each
        for name, entry in section.managed.items()
        if entry.target is not None and entry.enabled
        for each in _of_entry(name, entry, site)
    ]
    return [*found, *_of_claims(section)]


def _of_entry(name: str, entry: Entry, site: Site) -> Iterator[Sabotage]:
    policy = breaks.PolicyBreaks(name, site)
    yield _break("policy", name, "policy-disabled", "somebody disables the policy", policy.disable)
    yield _break("coverage", name, "snapshots-stopped", "snapshots stopped a week ago", policy.delete, WEEK)
    yield _break("policy", name, "grants-forbidden", "the role may make no grants any more", policy.forbid_grants)
    yield _break("retention", name, "a-week-deleted", "snapshots of a week are deleted", policy.delete_a_week)
    yield _break(
        "sharing",
        name,
        "shared-with-a-stranger",
        "snapshots are shared with an account that nobody declared",
        policy.share(site.region, UserIds=[STRANGER]),
    )
    if all(plan.retain.age for plan in entry.plans.values()):
        shorter, longer = policy.keep(2), policy.keep(365)
        yield _break("retention", name, "kept-too-short", "snapshots are kept for two days", shorter, NEXT_RUN)
        yield _break("retention", name, "kept-too-long", "snapshots are kept for a year", longer, NEXT_RUN)
    if entry.target is not None and entry.target.resource == "volume":
        mistyped = breaks.mistype(entry.target.tags)
        yield _break("strays", name, "tag-mistyped", "the tag of a new volume has a typo", mistyped)
    yield from _of_copies(name, entry, policy)
    for file, read in damaged_files(entry):
        yield from _of_database(name, file, read)


def _of_database(name: str, file: FileDamage, read: Read) -> Iterator[Sabotage]:
    stories = (
        ("page-flipped", "a page of the database has flipped bits", file.flip),
        ("database-truncated", "half of the database is missing", file.truncate),
        ("database-empty", "the database was made anew, empty", file.empty),
        ("database-gone", "the database is not there", file.remove),
        ("volume-wiped", "the volume holds noise in place of a file system", file.wipe),
        ("volume-deselected", "the database's volume lost the tag that selects it", file.deselect),
    )
    for what, story, act in stories:
        yield _break("read-back", name, what, story, act)
    wiped = "a volume made from the snapshot cannot be mounted"
    yield _break("restore", name, "restored-volume-unreadable", wiped, file.wipe)
    yield _break("restore", name, "restored-database-gone", "the database is not on it", file.remove)
    if read.modified_within:
        yield _break(
            "read-back",
            name,
            "application-stopped",
            "the application has not written for days",
            file.stop_writing,
            max(read.modified_within, NEXT_RUN),
        )


def _of_copies(name: str, entry: Entry, policy: breaks.PolicyBreaks) -> Iterator[Sabotage]:
    regions = [copy.region for copy in entry.copies_here]
    if not regions or entry.promise.copy_rpo is None:
        return
    yield _break(
        "copies", name, "copies-stopped", "the copy rule is removed", policy.copy_nowhere, entry.promise.copy_rpo
    )
    yield _break(
        "copies", name, "copies-under-a-wrong-key", "copies get another key", policy.copy_under_another_key, NEXT_RUN
    )
    yield _break("policy", name, "key-closed", "the copies' key forbids grants", policy.close_the_key(regions[0]))
    yield _break("retention", name, "copies-deleted", "old copies are deleted", policy.delete_copies(regions[0]))
    yield _break(
        "sharing",
        name,
        "copies-shared",
        "copies are shared with an account that nobody declared",
        policy.share(regions[0], UserIds=[STRANGER]),
    )


def _of_claims(section: Section) -> Iterator[Sabotage]:
    if section.account.recycle_bin.snapshots:
        yield _break("claims", "account", "bin-emptied", "the Recycle Bin keeps for a day only", breaks.empty_the_bin)
    if section.account.block_public_access:
        yield _break(
            "claims", "account", "public-allowed", "the block on public sharing is off", breaks.allow_public_snapshots
        )


def _break(
    drill: str, name: str, what: str, story: str, act: breaks.Break, passes: timedelta = timedelta(0)
) -> Sabotage:
    return Sabotage(f"backups/{name}-{what}", f"backups/{drill}", f"backups.{name}: {story}", act, passes)
