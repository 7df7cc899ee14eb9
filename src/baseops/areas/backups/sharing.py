"""The drill of sharing: snapshots and copies can be used by the declared accounts, and by nobody else.

Public ones are found all at once; who else may use one has to be asked for each, so a few of the newest are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.policies import SHARED_FOR
from baseops.areas.backups.sources import public_snapshots, recent_snapshots, tagged
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

MOST_ASKED = 10
LOOKS_BACK = timedelta(days=3)

# Any: what botocore answers.


def prove_sharing(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target and region."""
    for name, entry in entries.items():
        copied_to = dict.fromkeys(copy.region for copy in entry.copies_here)
        for region in (ctx.site.region, *copied_to):
            accounts = _accounts(entry) if region == ctx.site.region else frozenset()
            yield _proved(name, region, accounts, _shared_for(entry), ctx)


def _proved(name: str, region: str, accounts: frozenset[str], shared_for: timedelta, ctx: DrillContext) -> Evidence:
    target, now = f"{name}/{region}", ctx.clock.now()
    wanted = tagged(ctx.site.name, name.partition(".")[2])
    public = public_snapshots(ctx.clients, region, wanted)
    if public:
        return refuted(target, f"{len(public)} snapshots are public, such as {public[0]['SnapshotId']}")
    recent = recent_snapshots(ctx.clients, region, now - LOOKS_BACK, now, more=wanted)
    newest = [each for each in recent if each["State"] == "completed"]
    asked = ctx.random.sample(newest, min(MOST_ASKED, len(newest)))
    if not asked:
        return inconclusive(target, f"{region} has no recent snapshot to ask about")
    for each in asked:
        users, identifier = _users(each["SnapshotId"], region, ctx), each["SnapshotId"]
        if users - accounts:
            return refuted(target, f"{identifier} is shared with {', '.join(sorted(users - accounts))} as well")
        if accounts - users and now - each["StartTime"] < shared_for:
            return refuted(target, f"{identifier} is not shared with {', '.join(sorted(accounts - users))}")
    shared = f"shared with {', '.join(sorted(accounts))} alone" if accounts else "shared with nobody"
    return proven(target, f"none is public; {len(asked)} are {shared}", measures={"snapshots": len(asked)})


def _accounts(entry: Entry) -> frozenset[str]:
    """Whom the snapshots are shared with: those declared, and those whose own declaration copies them."""
    found: set[str] = set()
    for plan in entry.plans.values():
        found |= {str(copy.account) for copy in plan.copies if copy.account}
        found |= set(plan.share.accounts if plan.share else ())
    return frozenset(found)


def _shared_for(entry: Entry) -> timedelta:
    """How long every one of them has it at least."""
    ends = [plan.share.unshare_after for plan in entry.plans.values() if plan.share and plan.share.unshare_after]
    return min([SHARED_FOR, *ends])


def _users(snapshot_id: str, region: str, ctx: DrillContext) -> set[str]:
    with translated(f"cannot see with whom {snapshot_id} is shared"):
        answer: Mapping[str, Any] = ctx.clients.client("ec2", region).describe_snapshot_attribute(
            SnapshotId=snapshot_id, Attribute="createVolumePermission"
        )
    return {each.get("UserId") or each["Group"] for each in answer.get("CreateVolumePermissions", ())}
