"""The tags that every snapshot of ours carries: they find it again, and bound what DLM's role may delete."""

from __future__ import annotations

from collections.abc import Mapping

from baseops.contract.site import DECLARATION_TAG, Site

BACKUP_TAG = "baseops:backup"


def snapshot_tags(site: Site, name: str, own: Mapping[str, str]) -> dict[str, str]:
    """The declared tags, ours, and the schedule's own.

    DLM copies no source tags unless asked, and copies carry an arbitrary volume id
    (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html), so these are what links them.
    """
    return {**site.tags, **own, DECLARATION_TAG: site.name, BACKUP_TAG: name}
