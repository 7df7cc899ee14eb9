"""The drill of strays: no volume is left out because its tag is spelt almost as the one that selects.

A tag that selects nothing is nobody's error to AWS. Meant are volumes without a recent snapshot whose tag no policy of
the account asks for, and which differs from a declared one in case, in white space or in one letter.
https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html (target tags are case-sensitive)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from baseops.areas.backups.coverage import MOST_NAMED
from baseops.areas.backups.sources import all_volumes, policies, recent_snapshots, tags_of
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

Tag: TypeAlias = tuple[str, str]
LEAST_LETTERS = 4
"""Shorter words differ in one letter and mean other things (`a1`, `a2`)."""


def prove_no_strays(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target."""
    region, now = ctx.site.region, ctx.clock.now()
    volumes = [(str(each["VolumeId"]), tags_of(each)) for each in all_volumes(ctx.clients, region)]
    asked_for = {pair for entry in entries.values() if entry.target for pair in entry.target.tags.items()}
    suspects = [
        (volume, pair, meant)
        for volume, tags in volumes
        if not asked_for & set(tags.items())
        for pair in tags.items()
        if (meant := nearly(pair, asked_for))
    ]
    if suspects:
        known = asked_for | _asked_for_by_policies(ctx)
        longest = max((each.promise.rpo or timedelta() for each in entries.values()), default=timedelta())
        ids = [volume for volume, _, _ in suspects]
        covered = {each["VolumeId"] for each in recent_snapshots(ctx.clients, region, now - longest, now, ids)}
        suspects = [each for each in suspects if each[1] not in known and each[0] not in covered]
    for name, entry in entries.items():
        mine = [each for each in suspects if entry.target and each[2] in entry.target.tags.items()]
        for volume, (key, value), meant in mine[:MOST_NAMED]:
            why = f"{volume} has the tag {key}={value}, no snapshot, and is not selected by {meant[0]}={meant[1]}"
            yield refuted(f"{name}/{volume}", why)
        if not mine:
            yield proven(name, "no tag is spelt almost as one that selects", measures={"volumes": len(volumes)})


def nearly(pair: Tag, wanted: Collection[Tag]) -> Tag | None:
    """The wanted tag that a tag is a misspelling of; None where it is none, or is wanted itself. Pure."""
    if pair in wanted:
        return None
    return next((each for each in wanted if _is_like(pair[0], each[0]) and _is_like(pair[1], each[1])), None)


def _is_like(text: str, wanted: str) -> bool:
    one, other = text.strip().lower(), wanted.strip().lower()
    if one == other:
        return True
    return len(other) >= LEAST_LETTERS and not any(map(str.isdigit, one + other)) and _is_one_edit(one, other)


def _is_one_edit(one: str, other: str) -> bool:
    """One letter added, left out, changed, or two neighbours swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[1:] == shorter
    return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _asked_for_by_policies(ctx: DrillContext) -> set[Tag]:
    """The tags that any policy of the account selects by, ours or not. AWS call: dlm:GetLifecyclePolicy for each."""
    dlm = ctx.clients.client("dlm", ctx.site.region)
    found: set[Tag] = set()
    for each in policies(ctx.clients, ctx.site.region):
        with translated(f"cannot read the policy {each['PolicyId']}"):
            details = dlm.get_lifecycle_policy(PolicyId=each["PolicyId"])["Policy"].get("PolicyDetails") or {}
        found |= {(tag["Key"], tag["Value"]) for tag in details.get("TargetTags") or ()}
    return found
