"""The names and tags by which an image's things are found: recipe and pipeline, log groups, AMIs."""

from __future__ import annotations

from baseops.contract.site import DECLARATION_TAG, Site

IMAGE_TAG = "baseops:image"
BUILD_TAG = "Ec2ImageBuilderArn"
"""By which Image Builder says which build an AMI is of; the AMIs of one build are copies of each other."""
BASE_TAG = "baseops:base"
RELEASE_TAG = "baseops:base-release"


def image_name(site: Site, name: str) -> str:
    """The name of an image's recipe, pipeline, configurations and lifecycle policy."""
    return f"{site.prefix}-{name}"


def component_name(site: Site, key: str) -> str:
    """The name of a component in Image Builder."""
    return f"{site.prefix}-{key}"


def ami_name(site: Site, name: str) -> str:
    """The AMIs' name; Image Builder fills in the moment of the build.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/cr-upd-ami-distribution-settings.html
    """
    return f"{site.prefix}-{name} {{{{ imagebuilder:buildDate }}}}"


def image_log_group(site: Site, name: str) -> str:
    """Where builds are logged. Image Builder's policies allow what lies under /aws/imagebuilder/."""
    return f"/aws/imagebuilder/{site.prefix}-{name}"


def pipeline_log_group(site: Site, name: str) -> str:
    """Where the pipeline itself is logged."""
    return f"/aws/imagebuilder/pipeline/{site.prefix}-{name}"


def identity_tags(site: Site, name: str) -> dict[str, str]:
    """The tags by which an AMI, and an image of Image Builder, is known as ours."""
    return {**site.tags, DECLARATION_TAG: site.name, IMAGE_TAG: name}
