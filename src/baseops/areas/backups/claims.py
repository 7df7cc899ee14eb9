"""The drill of claims: the block on public snapshots and the Recycle Bin's rules are at least as strong as declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.settings import STATES
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import AccountClaims, Bin

BLOCK, BIN = "backups/account/block_public_access", "backups/account/recycle_bin"

# Any: what botocore answers.


def claimed(claims: AccountClaims) -> tuple[str, ...]:
    """The targets."""
    bins = claims.recycle_bin.snapshots or claims.recycle_bin.images
    return (*([BLOCK] if claims.block_public_access else []), *([BIN] if bins else []))


def prove_claims(claims: AccountClaims, ctx: DrillContext) -> Iterator[Evidence]:
    """In every region of the declaration."""
    for region in (ctx.site.region, *ctx.site.regions):
        if claims.block_public_access:
            yield _block(claims.block_public_access, region, ctx)
        kinds = (("EBS_SNAPSHOT", claims.recycle_bin.snapshots), ("EC2_IMAGE", claims.recycle_bin.images))
        for resource_type, kept in kinds:
            if kept is not None:
                yield _bin(resource_type, kept, region, ctx)


def _block(declared: str, region: str, ctx: DrillContext) -> Evidence:
    with translated(f"cannot read the block on public snapshots in {region}"):
        state = str(ctx.clients.client("ec2", region).get_snapshot_block_public_access_state()["State"])
    said = f"{region} has {state}, declared is {declared}"
    is_kept = state in STATES and STATES.index(state) >= STATES.index(declared)
    return proven(f"{BLOCK}/{region}", said) if is_kept else refuted(f"{BLOCK}/{region}", said)


def _bin(resource_type: str, kept: Bin, region: str, ctx: DrillContext) -> Evidence:
    target, rbin = f"{BIN}/{region}/{resource_type}", ctx.clients.client("rbin", region)
    with translated(f"cannot read the Recycle Bin's rules of {region}"):
        pages = rbin.get_paginator("list_rules").paginate(ResourceType=resource_type)
        rules = [rbin.get_rule(Identifier=each["Identifier"]) for page in pages for each in page["Rules"]]
    wanted = kept.retain // timedelta(days=1)
    faults = [_fault(each, kept, wanted) for each in rules]
    if "" in faults:
        return proven(target, f"deleted ones are kept for {wanted} days")
    return refuted(target, "; ".join(faults) or f"{region} has no rule for {resource_type}")


def _fault(rule: Mapping[str, Any], kept: Bin, days: int) -> str:
    """Why a rule is not the declared one; empty where it is, or keeps more."""
    name, period = rule["Identifier"], rule["RetentionPeriod"]["RetentionPeriodValue"]
    if rule.get("Status", "available") != "available":
        return f"rule {name} is {rule['Status']}"
    if period < days:
        return f"rule {name} keeps for {period} days, declared are {days}"
    if _pairs(rule.get("ResourceTags")) not in (set(), set((kept.tags or {}).items())):
        return f"rule {name} keeps only what has tags"
    if not _pairs(rule.get("ExcludeResourceTags")) <= set((kept.exclude_tags or {}).items()):
        return f"rule {name} leaves more out than declared"
    if kept.lock and rule.get("LockState") != "locked":
        return f"rule {name} is {rule.get('LockState', 'unlocked')}"
    return ""


def _pairs(tags: Any) -> set[tuple[str, str]]:
    return {(each["ResourceTagKey"], each.get("ResourceTagValue", "")) for each in tags or ()}
