"""What brings deleted snapshots and images of a region back: the Recycle Bin's rules, when claimed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import rbin

from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import AccountClaims, Bin


def recycle_bin_rules(claims: AccountClaims, site: Site) -> Iterator[rbin.Rule]:
    """The rules of one region; there are none unless claimed.

    https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin-create-rule.html
    """
    if claims.recycle_bin.snapshots:
        yield _rule("SnapshotRecycleBin", "EBS_SNAPSHOT", "snapshots", claims.recycle_bin.snapshots, site)
    if claims.recycle_bin.images:
        yield _rule("ImageRecycleBin", "EC2_IMAGE", "images", claims.recycle_bin.images, site)


def _rule(title: str, resource_type: str, noun: str, kept: Bin, site: Site) -> rbin.Rule:
    properties: dict[str, Any] = {}
    if kept.tags:
        properties["ResourceTags"] = _tags(kept.tags)
    if kept.exclude_tags:
        properties["ExcludeResourceTags"] = _tags(kept.exclude_tags)
    if kept.lock:
        days = kept.lock.unlock_delay // timedelta(days=1)
        properties["LockConfiguration"] = rbin.UnlockDelay(UnlockDelayUnit="DAYS", UnlockDelayValue=days)
        # A locked rule cannot be deleted before it was unlocked for days: the stack would end in DELETE_FAILED.
        properties |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return rbin.Rule(
        title,
        Description=f"{site.prefix}: deleted {noun}",
        ResourceType=resource_type,
        RetentionPeriod=rbin.RetentionPeriod(
            RetentionPeriodUnit="DAYS", RetentionPeriodValue=kept.retain // timedelta(days=1)
        ),
        **properties,
    )


def _tags(tags: Mapping[str, str]) -> list[rbin.ResourceTag]:
    return [rbin.ResourceTag(ResourceTagKey=key, ResourceTagValue=tags[key]) for key in sorted(tags)]
