"""What an account knows of images: AMIs, parameters, pipelines; describe, get and list calls alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.areas.images.names import IMAGE_TAG
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import DECLARATION_TAG
from baseops.errors import AwsError, NotFoundError

# Any: what botocore answers.
Described = Mapping[str, Any]


def ami(clients: Clients, region: str, image_id: str) -> Described | None:
    """One AMI, deprecated ones too; None when it is gone or not shared. AWS call: ec2:DescribeImages."""
    try:
        with translated(f"cannot look at {image_id} in {region}"):
            found = clients.client("ec2", region).describe_images(ImageIds=[image_id], IncludeDeprecated=True)["Images"]
    except NotFoundError:
        return None
    except AwsError as problem:
        if problem.code not in ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"):
            raise
        return None
    return found[0] if found else None


def amis_named(clients: Clients, region: str, name: str, owner: str, architecture: str | None) -> list[Described]:
    """The available AMIs of an owner with such a name, oldest first. AWS call: ec2:DescribeImages."""
    filters = [{"Name": "name", "Values": [name]}, {"Name": "state", "Values": ["available"]}]
    if architecture:
        filters.append({"Name": "architecture", "Values": [architecture]})
    with translated(f"cannot look for AMIs named {name} in {region}"):
        found = clients.client("ec2", region).describe_images(Owners=[owner], Filters=filters)["Images"]
    return sorted(found, key=lambda image: str(image["CreationDate"]))


def own_amis(clients: Clients, region: str, declaration: str, name: str) -> list[Described]:
    """The AMIs of an image of ours, by their tags, oldest first. AWS call: ec2:DescribeImages."""
    wanted = {DECLARATION_TAG: declaration, IMAGE_TAG: name}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    with translated(f"cannot look for the AMIs of {name} in {region}"):
        found = clients.client("ec2", region).describe_images(
            Owners=["self"], Filters=filters, IncludeDeprecated=True, IncludeDisabled=True
        )["Images"]
    return sorted(found, key=lambda image: (str(image["CreationDate"]), str(image["ImageId"])))


def parameter(clients: Clients, region: str, name: str) -> str | None:
    """The value of a parameter; None where there is none. AWS call: ssm:GetParameter."""
    try:
        with translated(f"cannot read the parameter {name} in {region}"):
            return str(clients.client("ssm", region).get_parameter(Name=name)["Parameter"]["Value"])
    except NotFoundError:
        return None
    except AwsError as problem:
        if problem.code != "ParameterNotFound":
            raise
        return None


def parameter_history(clients: Clients, region: str, name: str) -> list[str]:
    """The values that a parameter has had, oldest first. AWS call: ssm:GetParameterHistory."""
    with translated(f"cannot read the history of the parameter {name} in {region}"):
        pages = clients.client("ssm", region).get_paginator("get_parameter_history").paginate(Name=name)
        found = [each for page in pages for each in page["Parameters"]]
    return [str(each["Value"]) for each in sorted(found, key=lambda each: int(each["Version"]))]


def pipelines(clients: Clients, region: str) -> dict[str, Described]:
    """The pipelines of a region by name. AWS call: imagebuilder:ListImagePipelines."""
    client = clients.client("imagebuilder", region)
    with translated(f"cannot list the image pipelines of {region}"):
        pages = client.get_paginator("list_image_pipelines").paginate()
        return {each["name"]: each for page in pages for each in page["imagePipelineList"]}


def lifecycle_policy(clients: Clients, region: str, name: str) -> Described | None:
    """A lifecycle policy by its name. AWS calls: imagebuilder:ListLifecyclePolicies and GetLifecyclePolicy."""
    client = clients.client("imagebuilder", region)
    with translated(f"cannot read the lifecycle policy {name} in {region}"):
        pages = client.get_paginator("list_lifecycle_policies").paginate()
        found = [each["arn"] for page in pages for each in page["lifecyclePolicySummaryList"] if each["name"] == name]
        if not found:
            return None
        policy: Described = client.get_lifecycle_policy(lifecyclePolicyArn=found[0])["lifecyclePolicy"]
    return policy


def builds(clients: Clients, region: str, pipeline_arn: str) -> list[Described]:
    """The builds of a pipeline, oldest first. AWS call: imagebuilder:ListImagePipelineImages."""
    client = clients.client("imagebuilder", region)
    with translated(f"cannot list the builds of {pipeline_arn}"):
        pages = client.get_paginator("list_image_pipeline_images").paginate(imagePipelineArn=pipeline_arn)
        found = [each for page in pages for each in page["imageSummaryList"]]
    return sorted(found, key=lambda each: str(each["dateCreated"]))
