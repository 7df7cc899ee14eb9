"""Where copies may go, and with which key; what another account has to declare for its half."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from baseops.areas.backups.wording import Findings, Path, error, finding, needs_count, own_account
from baseops.contract.finding import Severity
from baseops.contract.site import Site
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Copy, Plan

MAX_COPIES = 3


def plan_copies(path: Path, plan: Plan, site: Site) -> Findings:
    """The copies that a schedule makes.

    https://docs.aws.amazon.com/dlm/latest/APIReference/API_CrossRegionCopyRule.html
    """
    regional = [copy for copy in plan.copies if not copy.account]
    if len(regional) > MAX_COPIES:
        yield error(
            "too-many-copies",
            (*path, "copies"),
            f"DLM copies a snapshot to at most three other regions, not {len(regional)}",
            "Delete some, or make a second backup for them",
        )
    if plan.copies and plan.retain.count == 0:
        yield needs_count(path, "copies")
    for number, copy in enumerate(plan.copies):
        place = (*path, "copies", number)
        if copy.account:
            yield from _copy_account(place, copy, site)
        elif copy.region == site.region:
            yield error(
                "copy-to-own-region",
                (*place, "region"),
                f"{copy.region} is where the snapshots are made; a copy there protects from nothing",
                "Write another region, or `account` for a copy in another account",
            )
        else:
            yield from copy_region(place, copy, site)
            yield from copy_key(place, copy, site)
    yield from copies_twice(path, plan.copies)


def _copy_account(place: Path, copy: Copy, site: Site) -> Findings:
    account = str(copy.account)
    if account in site.accounts:
        yield own_account((*place, "account"), account)
        return
    if copy.key:
        yield error(
            "copy-key",
            (*place, "key"),
            f"the copy is made by account {account}, whose own declaration names its key",
            "Delete `key`",
        )
    yield finding(
        Severity.NOTE,
        "copy-in-other-account",
        (*place, "account"),
        f"baseops shares each snapshot with account {account} for a week or as `share` says; that account copies it",
        f"In the declaration of account {account}: backups: {{from-{site.name}: {{receive: {{accounts: "
        f'["{site.accounts[0]}"]}}, copies: [{{region: {copy.region}, retain: {print_duration(copy.retain)}}}], '
        "promise: {copy_rpo: 40h}}}",
    )


def copy_region(place: Path, copy: Copy, site: Site) -> Findings:
    """A copy is never under aws/ebs, so its region has to have a stack with a key."""
    if copy.region not in site.regions:
        yield error(
            "copy-region",
            (*place, "region"),
            f"a copy needs a key and an alert topic in {copy.region}, which `regions` does not name",
            f"Write at the top: regions: [{', '.join([*site.regions, copy.region])}]",
        )


def copy_key(place: Path, copy: Copy, site: Site) -> Findings:
    """A named key has to be where the copy is."""
    if not copy.key:
        return
    region, account = copy.key.split(":")[3:5]
    if region != copy.region:
        yield error(
            "copy-key",
            (*place, "key"),
            f"the key is in {region}, the copy in {copy.region}",
            "Name a key of that region",
        )
    if account not in site.accounts:
        yield error(
            "copy-key",
            (*place, "key"),
            f"the key belongs to account {account}, the copy to {' or '.join(site.accounts)}",
            "Name a key of this account",
        )


def copies_twice(path: Path, copies: tuple[Copy, ...]) -> Findings:
    """One copy to a place."""
    counted = Counter((copy.region, copy.account) for copy in copies)
    for (region, account), times in counted.items():
        if times > 1:
            where = f"{region} in account {account}" if account else region
            yield error("copy-twice", (*path, "copies"), f"{where} is named {times} times", "Keep one of them")
