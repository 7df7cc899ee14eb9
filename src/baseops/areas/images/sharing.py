"""With whom an image is shared, by launch permission or by copy; two ways that are easily taken for one.

A launch permission shares the AMI in place; a copy belongs to the other account and needs a role there
(https://docs.aws.amazon.com/imagebuilder/latest/userguide/cross-account-dist.html). Both need the images key, since
an AMI under aws/ebs can never be shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.images.wording import Findings, Path, error, warning
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, LaunchPermission, Section

DISTRIBUTION_ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
LIFECYCLE_ROLE = "Ec2ImageBuilderCrossAccountLifecycleAccess"


def accounts(section: Section) -> frozenset[str]:
    """The accounts that need the images key."""
    return frozenset(
        account
        for entry in section.managed.values()
        for account in (*entry.launch_permission.accounts, *entry.copies_to)
    )


def organizations(section: Section) -> frozenset[str]:
    """The ids of the organisations that need it; a unit stands for its whole organisation in a key policy."""
    return frozenset(
        organization for entry in section.managed.values() for organization in _organizations(entry.launch_permission)
    )


def _organizations(permission: LaunchPermission) -> list[str]:
    arns = [*([permission.organization] if permission.organization else []), *permission.organizational_units]
    return [arn.split("/")[1] for arn in arns]


def sharing_findings(path: Path, entry: Entry, site: Site) -> Findings:
    """What cannot or need not be shared."""
    for key, listed in (
        (("launch_permission", "accounts"), entry.launch_permission.accounts),
        (("copies_to",), entry.copies_to),
    ):
        for number, account in enumerate(listed):
            place = (*path, *key, number)
            if account in site.accounts:
                yield error("own-account", place, f"{account} is an account of this declaration", "Delete it")
            if account in listed[:number]:
                yield error("account-twice", place, f"{account} stands twice", "Delete one of them")
    for number, account in enumerate(entry.copies_to):
        if account in entry.launch_permission.accounts:
            yield warning(
                "shared-and-copied",
                (*path, "copies_to", number),
                f"{account} may launch the AMI and gets a copy of it as well, with snapshots that it pays for",
                "Keep one of the two",
            )
    yield from _existing_key(path, entry, site)


def _existing_key(path: Path, entry: Entry, site: Site) -> Findings:
    """The policy of a key that the declaration brings is not ours to write."""
    regions = [region for region in entry.regions or (site.region,) if ("images", region) in site.keys]
    if regions and (entry.launch_permission.is_given or entry.copies_to):
        yield warning(
            "key-of-others",
            (*path, "launch_permission") if entry.launch_permission.is_given else (*path, "copies_to"),
            f"`keys` brings the images key of {', '.join(regions)}: its own policy decides whether others can use it",
            "Let its policy allow them kms:Decrypt, kms:DescribeKey, kms:ReEncrypt* and kms:CreateGrant",
        )
