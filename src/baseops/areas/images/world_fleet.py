"""Rolls a fleet in the sandbox as an instance refresh would: instances of what is published come, old ones go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.images import sources
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

# Any: what botocore answers.
Described = Mapping[str, Any]


def roll(name: str, entry: Entry, account: SandboxAccount, site: Site, region: str) -> None:
    """Replace every instance that should run the image and does not; with its tags, profile, network and type."""
    if entry.used_by is None:
        return
    image_id = sources.parameter(account, region, str(entry.publish))
    if image_id is None:
        return
    ours = {image_id} | {str(each["ImageId"]) for each in sources.own_amis(account, region, site.name, name)}
    ec2 = account.client("ec2", region)
    for each in _instances(ec2, entry.used_by.tags):
        if each["ImageId"] not in ours and not _is_exempt(each, entry):
            ec2.run_instances(ImageId=image_id, MinCount=1, MaxCount=1, **_alike(each))
            ec2.terminate_instances(InstanceIds=[each["InstanceId"]])


def _instances(ec2: Any, tags: Mapping[str, str]) -> list[Described]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)
    return [each for page in pages for group in page["Reservations"] for each in group["Instances"]]


def _is_exempt(instance: Described, entry: Entry) -> bool:
    tags = _tags(instance)
    return any(
        instance["InstanceId"] in each.instances
        or (each.tags and all(tags.get(key) == value for key, value in each.tags.items()))
        for each in entry.exempt
    )


def _alike(instance: Described) -> dict[str, Any]:
    """What an instance of a launch template would be started with again."""
    profile = instance.get("IamInstanceProfile", {}).get("Arn")
    groups = [each["GroupId"] for each in instance.get("SecurityGroups", ())]
    tags = [{"Key": key, "Value": value} for key, value in _tags(instance).items() if not key.startswith("aws:")]
    return {
        "InstanceType": instance["InstanceType"],
        **({"SubnetId": instance["SubnetId"]} if instance.get("SubnetId") else {}),
        **({"SecurityGroupIds": groups} if groups else {}),
        **({"IamInstanceProfile": {"Arn": profile}} if profile else {}),
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
    }


def _tags(instance: Described) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in instance.get("Tags", ())}
