"""The drills of images. What is observed here reads descriptions alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from baseops.areas.images.names import DECLARATION_TAG, IMAGE_TAG
from baseops.aws.errors import translated
from baseops.contract.drill import Drill, DrillContext, Evidence, proven, refuted
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section

# Any: what EC2 describes.

_BUILD_TIME = timedelta(hours=2)
"""A pipeline that starts at the promise's end needs so long before its AMI is there."""


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the images that baseops builds."""
    if not section.managed:
        return []
    return [
        Drill(
            name="images/published",
            promise="the newest AMI is in every region, encrypted, as young as promised, shared exactly as declared",
            targets=tuple(f"images.{name}" for name in section.managed),
            run=partial(_published, section.managed),
        )
    ]


def _published(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    for name, entry in entries.items():
        for region in entry.regions or (ctx.site.region,):
            yield _in_region(f"images.{name}/{region}", name, entry, region, ctx)


def _in_region(target: str, name: str, entry: Entry, region: str, ctx: DrillContext) -> Evidence:
    image = _newest(ctx, name, region)
    if image is None:
        return refuted(target, f"{region} has no available AMI of this image")
    image_id = str(image["ImageId"])
    age = ctx.clock.now() - datetime.fromisoformat(image["CreationDate"])
    unencrypted = _plain_snapshots(ctx, region, image)
    wanted, found = _declared_sharing(entry), _sharing(ctx, region, image_id)
    measures = {"age_seconds": age.total_seconds()}
    if age > entry.promise.max_age + _BUILD_TIME:
        return refuted(target, f"{image_id} is {age.total_seconds() / 86400:.1f} days old", measures=measures)
    if unencrypted:
        return refuted(target, f"{image_id} has snapshots that are not encrypted: {', '.join(unencrypted)}")
    if image.get("Public", False):
        return refuted(target, f"{image_id} is public")
    if wanted != found:
        said = "; ".join([*(f"not shared with {each}" for each in sorted(wanted - found)), *_too_many(found - wanted)])
        return refuted(target, f"{image_id} is {said}")
    return proven(target, f"{image_id} is there, shared as declared", measures=measures)


def _too_many(principals: set[str]) -> list[str]:
    return [f"shared with {each}, which is not declared" for each in sorted(principals)]


def _newest(ctx: DrillContext, name: str, region: str) -> Mapping[str, Any] | None:
    wanted = {DECLARATION_TAG: ctx.site.name, IMAGE_TAG: name}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    filters.append({"Name": "state", "Values": ["available"]})
    with translated(f"cannot list the AMIs of {region}"):
        found = ctx.clients.client("ec2", region).describe_images(Owners=["self"], Filters=filters)["Images"]
    return max(found, key=lambda each: str(each["CreationDate"]), default=None)


def _plain_snapshots(ctx: DrillContext, region: str, image: Mapping[str, Any]) -> list[str]:
    """The image's snapshots that are not encrypted: they, and not the image, are what holds the data."""
    mappings = [each["Ebs"] for each in image["BlockDeviceMappings"] if "Ebs" in each]
    ids = [each["SnapshotId"] for each in mappings if "SnapshotId" in each]
    with translated(f"cannot describe the snapshots of {image['ImageId']}"):
        found = ctx.clients.client("ec2", region).describe_snapshots(SnapshotIds=ids)["Snapshots"] if ids else []
    return [str(each["SnapshotId"]) for each in found if not each["Encrypted"]]


def _declared_sharing(entry: Entry) -> set[str]:
    permission = entry.launch_permission
    organization = {permission.organization} if permission.organization else set()
    return {*permission.accounts, *permission.organizational_units, *organization}


def _sharing(ctx: DrillContext, region: str, image_id: str) -> set[str]:
    with translated(f"cannot read with whom {image_id} is shared"):
        answer = ctx.clients.client("ec2", region).describe_image_attribute(
            ImageId=image_id, Attribute="launchPermission"
        )
    return {str(value) for each in answer["LaunchPermissions"] for value in each.values()}
