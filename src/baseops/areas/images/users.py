"""Who uses an image or will: instances, launch templates and Auto Scaling groups that tags select, with their AMIs.

AWS calls: ec2:DescribeInstances, DescribeLaunchTemplates and DescribeLaunchTemplateVersions,
autoscaling:DescribeAutoScalingGroups and DescribeLaunchConfigurations; all in pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from baseops.aws.errors import translated
from baseops.contract.clients import Clients

# Any: what botocore answers.
Described = Mapping[str, Any]
ALIAS = "resolve:ssm:"
ALIVE = ("pending", "running", "stopping", "stopped")
Kind = Literal["instance", "launch template", "Auto Scaling group"]


@dataclass(frozen=True)
class User:
    """One of them. `name` is unique in its region; `image_id` what it runs, or would start now."""

    kind: Kind
    name: str
    image_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Users:
    """Looks for the users of one region; lists of the whole region are read once, whatever the number of images."""

    def __init__(self, clients: Clients, region: str) -> None:
        """Make no call yet."""
        self._ec2 = clients.client("ec2", region)
        self._autoscaling = clients.client("autoscaling", region)
        self._region = region
        self._versions: list[Described] | None = None
        self._groups: list[Described] | None = None

    def selected(self, tags: Mapping[str, str]) -> list[User]:
        """Those that the tags select."""
        with translated(f"cannot look for what uses an image in {self._region}"):
            templates = self._templates(tags)
            chosen = {str(each["LaunchTemplateId"]) for each in templates}
            return [*self._instances(tags), *self._of_templates(templates), *self._of_groups(tags, chosen)]

    def _instances(self, tags: Mapping[str, str]) -> Iterator[User]:
        filters = [*_filters(tags), {"Name": "instance-state-name", "Values": list(ALIVE)}]
        for page in self._ec2.get_paginator("describe_instances").paginate(Filters=filters):
            for each in (one for group in page["Reservations"] for one in group["Instances"]):
                yield User("instance", str(each["InstanceId"]), str(each.get("ImageId", "")), _tags(each))

    def _templates(self, tags: Mapping[str, str]) -> list[Described]:
        """Default and latest versions of the templates that have the tags, or give them to instances."""
        pages = self._ec2.get_paginator("describe_launch_templates").paginate(Filters=_filters(tags))
        tagged = {each["LaunchTemplateId"] for page in pages for each in page["LaunchTemplates"]}
        found = {
            (each["LaunchTemplateId"], each["VersionNumber"]): each
            for each in self._all_versions()
            if each["LaunchTemplateId"] in tagged or _fits(_instance_tags(each), tags)
        }
        return [found[key] for key in sorted(found)]

    def _all_versions(self) -> list[Described]:
        if self._versions is None:
            pages = self._ec2.get_paginator("describe_launch_template_versions")
            wanted = pages.paginate(Versions=["$Default", "$Latest"])
            self._versions = [each for page in wanted for each in page["LaunchTemplateVersions"]]
        return self._versions

    def _of_templates(self, templates: Sequence[Described]) -> Iterator[User]:
        for each in templates:
            image_id = self._image_of(each)
            if image_id:
                name = f"{each['LaunchTemplateId']}:{each['VersionNumber']}"
                yield User("launch template", name, image_id, _instance_tags(each))

    def _image_of(self, version: Described) -> str:
        """The AMI that a version would start; a parameter in it is resolved by EC2 itself."""
        image_id = str(version["LaunchTemplateData"].get("ImageId", ""))
        if not image_id.startswith(ALIAS):
            return image_id
        resolved = self._version(str(version["LaunchTemplateId"]), str(version["VersionNumber"]), resolve=True)
        return str(resolved["LaunchTemplateData"].get("ImageId", ""))

    def _version(self, template: str, version: str, *, resolve: bool = False) -> Described:
        answer = self._ec2.describe_launch_template_versions(
            LaunchTemplateId=template, Versions=[version], **({"ResolveAlias": True} if resolve else {})
        )
        found: Described = answer["LaunchTemplateVersions"][0]
        return found

    def _of_groups(self, tags: Mapping[str, str], templates: set[str]) -> Iterator[User]:
        """The groups that have the tags, or start instances by one of the templates: they may pin an old version."""
        if self._groups is None:
            pages = self._autoscaling.get_paginator("describe_auto_scaling_groups").paginate()
            self._groups = [each for page in pages for each in page["AutoScalingGroups"]]
        for group in self._groups:
            sources = list(_template_sources(group))
            own = _tags(group)
            if _fits(own, tags) or any(each.get("LaunchTemplateId") in templates for each in sources):
                name = str(group["AutoScalingGroupName"])
                images = dict.fromkeys([*map(self._image_of_source, sources), *self._configured(group)])
                yield from (User("Auto Scaling group", name, each, own) for each in images if each)

    def _image_of_source(self, source: Described) -> str:
        version = str(source.get("Version") or "$Default")
        return self._image_of(self._version(str(source["LaunchTemplateId"]), version))

    def _configured(self, group: Described) -> list[str]:
        name = group.get("LaunchConfigurationName")
        if not name:
            return []
        answer = self._autoscaling.describe_launch_configurations(LaunchConfigurationNames=[name])
        return [str(each["ImageId"]) for each in answer["LaunchConfigurations"]]


def _template_sources(group: Described) -> Iterator[Described]:
    """Every launch template that a group may start instances by."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    sources = [group.get("LaunchTemplate"), mixed.get("LaunchTemplateSpecification")]
    sources += [each.get("LaunchTemplateSpecification") for each in mixed.get("Overrides", ())]
    yield from (each for each in sources if each)


def _instance_tags(version: Described) -> dict[str, str]:
    specifications = version["LaunchTemplateData"].get("TagSpecifications", ())
    return {
        str(tag["Key"]): str(tag.get("Value", ""))
        for each in specifications
        if each.get("ResourceType") == "instance"
        for tag in each.get("Tags", ())
    }


def _tags(described: Described) -> dict[str, str]:
    return {str(each["Key"]): str(each.get("Value", "")) for each in described.get("Tags", ())}


def _fits(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(tags.get(key) == value for key, value in wanted.items())


def _filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
