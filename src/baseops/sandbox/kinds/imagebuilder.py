"""EC2 Image Builder: components and recipes that are only ever replaced, the rest changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import call, only, tag_changes

# Any: structures of the service's model.

_EC2_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_COMPONENT = {
    "Name": "nginx",
    "Version": "1.0.0",
    "Platform": "Linux",
    "Data": "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: a, action: UpdateOS}]}]\n",
}
_RECIPE = {
    "Name": "web",
    "Version": "1.0.x",
    "ParentImage": "ami-0123456789abcdef0",
    "Components": [{"ComponentArn": {"Ref": "Component"}}],
}
_INFRASTRUCTURE = {"Name": "web", "InstanceProfileName": {"Ref": "Profile"}}
_DISTRIBUTION = {
    "Name": "web",
    "Distributions": [
        {"Region": "eu-west-1", "AmiDistributionConfiguration": {"Name": "web {{ imagebuilder:buildDate }}"}}
    ],
}


def _resource(noun: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::{noun}", "Properties": properties}


_BESIDE = {
    "Component": _resource("ImageBuilder::Component", _COMPONENT),
    "Recipe": _resource("ImageBuilder::ImageRecipe", _RECIPE),
    "Role": _resource("IAM::Role", {"AssumeRolePolicyDocument": _EC2_TRUST}),
    "Profile": _resource("IAM::InstanceProfile", {"Roles": [{"Ref": "Role"}]}),
    "Infrastructure": _resource("ImageBuilder::InfrastructureConfiguration", _INFRASTRUCTURE),
    "Distribution": _resource("ImageBuilder::DistributionConfiguration", _DISTRIBUTION),
}


def as_template(shape: Any, value: Any) -> Any:
    """A value of the API in a template's words: members with a capital, the keys of maps (tags) as they are."""
    if shape.type_name == "structure":
        return {_pascal(name): as_template(shape.members[name], each) for name, each in value.items()}
    if shape.type_name == "list":
        return [as_template(shape.member, each) for each in value]
    return value


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {new if key == old else key: _renamed(each, old, new) for key, each in value.items()}
    return [_renamed(each, old, new) for each in value] if isinstance(value, list) else value


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


class _Named(Kind):
    """What all six have in common. `noun` is botocore's: `image_pipeline`; `member` the structure in its Get."""

    service = "imagebuilder"
    noun: ClassVar[str]
    member: ClassVar[str]
    arn_member: ClassVar[str]
    identifier = ("Arn",)
    attributes = frozenset({"Arn"})
    name_property = "Name"
    importable = True
    tags = "map"
    seconds = 5.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        made = call(ctx.client("imagebuilder"), f"create_{self.noun}", self.given(props))
        return str(made[self.arn_member])

    def given(self, props: Props) -> dict[str, Any]:
        """The properties under the API's names."""
        return dict(props)

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": physical_id}

    def named(self, ctx: Context, props: Props) -> str | None:
        """By name; the ARN is the physical id, so nothing is imported by its name."""
        return None

    def live(self, ctx: Context, physical_id: str) -> dict[str, Any] | None:
        """The structure that the API has; None when it is gone."""
        client = ctx.client("imagebuilder")
        try:
            answer = getattr(client, f"get_{self.noun}")(**{self.arn_member: physical_id})
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        found: dict[str, Any] = answer[self.member]
        return found

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found = self.live(ctx, physical_id)
        if found is None:
            return None
        model = ctx.client("imagebuilder").meta.service_model
        return only(as_template(model.shape_for(_pascal(self.member)), found), self.properties)

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("imagebuilder")
        changed = {key: value for key, value in new.items() if key not in ("Name", "Tags")}
        if changed != {key: value for key, value in old.items() if key not in ("Name", "Tags")}:
            self.change(client, physical_id, changed)
        tags, removed = tag_changes(old, new)
        if tags:
            client.tag_resource(resourceArn=physical_id, tags=tags)
        if removed:
            client.untag_resource(resourceArn=physical_id, tagKeys=removed)

    def change(self, client: Any, physical_id: str, props: Props) -> None:
        """Replace all members but name and tags."""
        call(client, f"update_{self.noun}", {self.arn_member: physical_id, **props})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        getattr(ctx.client("imagebuilder"), f"delete_{self.noun}")(**{self.arn_member: physical_id})


class _Versioned(_Named):
    """Components and recipes: every change but of tags is a new version."""

    def given(self, props: Props) -> dict[str, Any]:
        """The API calls the version semantic."""
        return {"semanticVersion" if key == "Version" else key: value for key, value in props.items()}

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        found = self.live(ctx, physical_id) or {"version": "0.0.0"}
        major, minor, patch = str(found["version"]).split(".")
        base = "/".join(physical_id.split("/")[:2])
        return {
            "Arn": physical_id,
            "LatestVersion.Arn": f"{base}/x.x.x",
            "LatestVersion.Major": f"{base}/{major}.x.x",
            "LatestVersion.Minor": f"{base}/{major}.{minor}.x",
            "LatestVersion.Patch": f"{base}/{major}.{minor}.{patch}",
        }


_LATEST = frozenset(f"LatestVersion.{part}" for part in ("Arn", "Major", "Minor", "Patch"))


class Component(_Versioned):
    """A component document under a name and version."""

    type = "AWS::ImageBuilder::Component"
    noun, member, arn_member = "component", "component", "componentBuildVersionArn"
    name_property = ""  # a name and version that exist get a new build
    create_only = frozenset(
        {
            "ChangeDescription",
            "Data",
            "Description",
            "KmsKeyId",
            "Name",
            "Platform",
            "SupportedOsVersions",
            "Uri",
            "Version",
        }
    )
    properties = create_only | {"Tags"}
    required = frozenset({"Name", "Platform", "Version"})
    write_only = frozenset({"Data", "Uri"})
    attributes = frozenset({"Arn", "Encrypted", "Type"}) | _LATEST

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        found = self.live(ctx, physical_id) or {}
        more = {"Encrypted": found.get("encrypted", True), "Type": found.get("type", "BUILD")}
        return {**super().get(ctx, physical_id, props), **more}

    def example(self) -> Example:
        return Example(
            _COMPONENT,
            changed={**_COMPONENT, "Tags": {"owner": "platform"}},
            replaced={**_COMPONENT, "Version": "1.0.1"},
        )


class ImageRecipe(_Versioned):
    """A recipe: a parent image and components."""

    type = "AWS::ImageBuilder::ImageRecipe"
    noun, member, arn_member = "image_recipe", "imageRecipe", "imageRecipeArn"
    create_only = frozenset(
        {"AdditionalInstanceConfiguration", "AmiTags", "AmiWatermarks", "BlockDeviceMappings", "Components",
         "Description", "Name", "ParentImage", "Version", "WorkingDirectory"}
    )  # fmt: skip
    properties = create_only | {"Tags"}
    required = frozenset({"Name", "ParentImage", "Version"})
    attributes = frozenset({"Arn"}) | _LATEST

    def example(self) -> Example:
        fixed = {**_RECIPE, "Version": "1.0.0"}
        return Example(
            fixed,
            changed={**fixed, "Tags": {"owner": "platform"}},
            replaced={**fixed, "Version": "1.0.1", "ParentImage": "ami-00000000000000001"},
            beside=only(_BESIDE, ("Component",)),
        )


class InfrastructureConfiguration(_Named):
    """Where builds run."""

    type = "AWS::ImageBuilder::InfrastructureConfiguration"
    noun, member = "infrastructure_configuration", "infrastructureConfiguration"
    arn_member = "infrastructureConfigurationArn"
    create_only = frozenset({"Name"})
    properties = frozenset(
        {"Description", "InstanceMetadataOptions", "InstanceProfileName", "InstanceTypes", "KeyPair", "Logging", "Name",
         "ParentInstance", "Placement", "ResourceTags", "SecurityGroupIds", "SnsTopicArn", "SubnetId", "Tags",
         "TerminateInstanceOnCompletion", "TerminateInstanceOnFailure"}
    )  # fmt: skip
    required = frozenset({"Name", "InstanceProfileName"})

    def example(self) -> Example:
        return Example(
            _INFRASTRUCTURE,
            changed={**_INFRASTRUCTURE, "InstanceTypes": ["t3.large"]},
            replaced={**_INFRASTRUCTURE, "Name": "other"},
            beside=only(_BESIDE, ("Role", "Profile")),
        )


class DistributionConfiguration(_Named):
    """Where AMIs go."""

    type = "AWS::ImageBuilder::DistributionConfiguration"
    noun, member = "distribution_configuration", "distributionConfiguration"
    arn_member = "distributionConfigurationArn"
    create_only = frozenset({"Name"})
    properties = frozenset({"Description", "Distributions", "Name", "Tags"})
    required = frozenset({"Name", "Distributions"})
    _other_name = ("LaunchPermissionConfiguration", "LaunchPermission")
    """What the template and the API call the same thing."""

    def given(self, props: Props) -> dict[str, Any]:
        """The properties under the API's names."""
        renamed: dict[str, Any] = _renamed(props, *self._other_name)
        return renamed

    def change(self, client: Any, physical_id: str, props: Props) -> None:
        """Replace all members but name and tags."""
        super().change(client, physical_id, self.given(props))

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found = super().read(ctx, physical_id, props)
        return _renamed(found, *reversed(self._other_name)) if found is not None else None

    def example(self) -> Example:
        return Example(
            _DISTRIBUTION,
            changed={**_DISTRIBUTION, "Description": "golden images"},
            replaced={**_DISTRIBUTION, "Name": "other"},
        )


class ImagePipeline(_Named):
    """A pipeline."""

    type = "AWS::ImageBuilder::ImagePipeline"
    noun, member, arn_member = "image_pipeline", "imagePipeline", "imagePipelineArn"
    create_only = frozenset({"Name"})
    properties = frozenset(
        {"ContainerRecipeArn", "Description", "DistributionConfigurationArn", "EnhancedImageMetadataEnabled",
         "ExecutionRole", "ImageRecipeArn", "ImageScanningConfiguration", "ImageTags", "ImageTestsConfiguration",
         "InfrastructureConfigurationArn", "LoggingConfiguration", "Name", "Schedule", "Status", "Tags", "Workflows"}
    )  # fmt: skip
    attributes = frozenset({"Arn", "DeploymentId"})

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        found = self.live(ctx, physical_id) or {}
        return {"Arn": physical_id, "DeploymentId": str(found.get("dateUpdated", ""))}

    def example(self) -> Example:
        properties = {
            "Name": "web",
            "ImageRecipeArn": {"Ref": "Recipe"},
            "InfrastructureConfigurationArn": {"Ref": "Infrastructure"},
            "DistributionConfigurationArn": {"Ref": "Distribution"},
            "Schedule": {"ScheduleExpression": "cron(0 3 ? * SUN *)"},
            "ImageTestsConfiguration": {"ImageTestsEnabled": True, "TimeoutMinutes": 90},
        }
        return Example(
            properties,
            changed={**properties, "Status": "DISABLED"},
            replaced={**properties, "Name": "other"},
            beside=_BESIDE,
        )


class LifecyclePolicy(_Named):
    """What becomes of old images."""

    type = "AWS::ImageBuilder::LifecyclePolicy"
    noun, member, arn_member = "lifecycle_policy", "lifecyclePolicy", "lifecyclePolicyArn"
    create_only = frozenset({"Name"})
    properties = frozenset(
        {"Description", "ExecutionRole", "Name", "PolicyDetails", "ResourceSelection", "ResourceType", "Status", "Tags"}
    )
    required = frozenset({"Name", "ExecutionRole", "ResourceType", "PolicyDetails", "ResourceSelection"})

    def example(self) -> Example:
        properties = {
            "Name": "web",
            "ExecutionRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "ResourceType": "AMI_IMAGE",
            "PolicyDetails": [
                {"Action": {"Type": "DEPRECATE"}, "Filter": {"Type": "AGE", "Value": 60, "Unit": "DAYS"}},
            ],
            "ResourceSelection": {"Recipes": [{"Name": "web", "SemanticVersion": "x.x.x"}]},
        }
        return Example(
            properties,
            changed={**properties, "Status": "DISABLED"},
            replaced={**properties, "Name": "other"},
            beside=only(_BESIDE, ("Role",)),
        )


KINDS = (
    Component(),
    DistributionConfiguration(),
    ImagePipeline(),
    ImageRecipe(),
    InfrastructureConfiguration(),
    LifecyclePolicy(),
)
