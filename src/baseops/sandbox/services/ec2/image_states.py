"""What can be said of an AMI and moto lacks: protection from deregistration, deprecation; deregistering with snapshots.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html and ami-deprecate.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.sandbox.service import Members, ServiceError, extend, opened

LONGEST = timedelta(days=3653)
COOLDOWN = timedelta(hours=24)
PROTECTED = ("enabled-with-cooldown", "enabled-without-cooldown")


# Any throughout: moto's EC2 backend and its images carry no types.
def _own(backend: Any, image_id: str) -> Any:
    image = backend.describe_images(ami_ids=[image_id])[0]
    if image.owner_id != backend.account_id:
        raise ServiceError(f"Not authorized for image:{image_id}", code="AuthFailure", status=403)
    return image


def enable_protection(backend: Any, image_id: str, with_cooldown: bool = False) -> Members:
    """Answer EnableImageDeregistrationProtection."""
    _own(backend, image_id).deregistration_protection = PROTECTED[0] if with_cooldown else PROTECTED[1]
    return {"Return": "true"}


def disable_protection(backend: Any, image_id: str) -> Members:
    """Answer DisableImageDeregistrationProtection; a cooldown goes on for a day."""
    image = _own(backend, image_id)
    if getattr(image, "deregistration_protection", "disabled") == PROTECTED[0]:
        until = opened().clock.now() + COOLDOWN
        image.deregistration_protection = f"disabled-after-cooldown:{until:%Y-%m-%dT%H:%M:%S.000Z}"
        image.baseops_protected_until = until
    else:
        image.deregistration_protection = "disabled"
    return {"Return": "true"}


def enable_deprecation(backend: Any, image_id: str, deprecate_at: datetime | str) -> Members:
    """Answer EnableImageDeprecation; EC2 rounds to the minute."""
    image = _own(backend, image_id)
    when = deprecate_at if isinstance(deprecate_at, datetime) else datetime.fromisoformat(deprecate_at)
    when, now = when.astimezone(UTC), opened().clock.now()
    if when > now + LONGEST:
        raise ServiceError("The deprecation date can be at most 10 years from now.", code="InvalidParameterValue")
    image.deprecation_time = f"{when:%Y-%m-%dT%H:%M}:00.000Z"
    return {"Return": True}


def disable_deprecation(backend: Any, image_id: str) -> Members:
    """Answer DisableImageDeprecation."""
    _own(backend, image_id).deprecation_time = None
    return {"Return": True}


def deregister(backend: Any, image_id: str, delete_associated_snapshots: bool = False) -> Members:
    """Answer DeregisterImage; the snapshots stay unless they are to go."""
    image = _own(backend, image_id)
    until = getattr(image, "baseops_protected_until", None)
    is_cooling = until is not None and until > opened().clock.now()
    if getattr(image, "deregistration_protection", "disabled") in PROTECTED or is_cooling:
        message = f"The image '{image_id}' can't be deregistered because deregistration protection is enabled."
        raise ServiceError(message, code="OperationNotPermitted")
    backend.deregister_image(image_id)
    if not delete_associated_snapshots:
        return {"Return": True}
    backend.delete_snapshot(image.ebs_snapshot.id)
    return {"Return": True, "DeleteSnapshotResults": [{"SnapshotId": image.ebs_snapshot.id, "ReturnCode": "success"}]}


def references(backend: Any, image_ids: Iterable[str], **options: Any) -> Members:
    """Answer DescribeImageReferences: instances, launch templates, and parameters of this account."""
    del options  # which types, and how many on a page: all, on one
    wanted = set(image_ids)
    found = [*_of_instances(backend, wanted), *_of_templates(backend, wanted), *_of_parameters(backend, wanted)]
    return {"ImageReferences": found}


def _of_instances(backend: Any, wanted: set[str]) -> Iterator[dict[str, str]]:
    for instance in (one for each in backend.all_reservations() for one in each.instances):
        if instance.image_id in wanted and instance.state != "terminated":
            yield _reference(backend, instance.image_id, "ec2:Instance", f"instance/{instance.id}")


def _of_templates(backend: Any, wanted: set[str]) -> Iterator[dict[str, str]]:
    for template in backend.launch_templates.values():
        for image_id in sorted({version.image_id for version in template.versions} & wanted):
            yield _reference(backend, image_id, "ec2:LaunchTemplate", f"launch-template/{template.id}")


def _of_parameters(backend: Any, wanted: set[str]) -> Iterator[dict[str, str]]:
    ssm = opened().clients_of(backend.account_id).client("ssm", backend.region_name)
    for page in ssm.get_paginator("describe_parameters").paginate():
        for each in page["Parameters"]:
            if each.get("DataType") == "aws:ec2:image":
                found = ssm.get_parameter(Name=each["Name"])["Parameter"]
                if found["Value"] in wanted:
                    yield {"ImageId": found["Value"], "ResourceType": "ssm:Parameter", "Arn": found["ARN"]}


def _reference(backend: Any, image_id: str, resource_type: str, resource: str) -> dict[str, str]:
    arn = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:{resource}"
    return {"ImageId": image_id, "ResourceType": resource_type, "Arn": arn}


extend("ec2", "EnableImageDeregistrationProtection", enable_protection)
extend("ec2", "DisableImageDeregistrationProtection", disable_protection)
extend("ec2", "EnableImageDeprecation", enable_deprecation)
extend("ec2", "DisableImageDeprecation", disable_deprecation)
extend("ec2", "DeregisterImage", deregister)
extend("ec2", "DescribeImageReferences", references)
