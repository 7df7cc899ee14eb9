"""Moves, inside a Systems Manager automation, the protection from deregistration to the AMI that was just published.

It runs in AWS with Python's library and boto3 alone, by the automation's role. Whatever is not as it should be is an
error, which fails the automation and is told.
"""

from __future__ import annotations

from typing import Any

import boto3

# Any: botocore makes its classes at run time.


def protect(events: dict[str, Any], context: object) -> dict[str, list[str]]:  # noqa: ARG001  # as it is called
    """Which AMI is protected in each region, as region/id."""
    session = boto3.session.Session()
    return {"protected": [f"{region}/{moved(session, region, events)}" for region in events["regions"]]}


def moved(session: Any, region: str, events: dict[str, Any]) -> str:
    """Protect the published AMI of a region before older ones of the image are let go."""
    ec2, ssm = (session.client(service, region_name=region) for service in ("ec2", "ssm"))
    published = str(ssm.get_parameter(Name=events["parameter"])["Parameter"]["Value"])
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in events["tags"].items()]
    found = ec2.describe_images(Owners=["self"], Filters=filters, IncludeDeprecated=True, IncludeDisabled=True)
    states = {each["ImageId"]: each.get("DeregistrationProtection", "") for each in found["Images"]}
    if published not in states:
        raise RuntimeError(f"{events['parameter']} names {published} in {region}, which is no AMI of this image")
    if not states[published].startswith("enabled"):
        ec2.enable_image_deregistration_protection(ImageId=published, WithCooldown=False)
    for image_id, state in sorted(states.items()):
        if image_id != published and state.startswith("enabled"):
            ec2.disable_image_deregistration_protection(ImageId=image_id)
    return published
