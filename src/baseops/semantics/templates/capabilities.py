"""Says which capabilities a template needs to be acknowledged with.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IAM_TYPES = frozenset(
    f"AWS::IAM::{name}"
    for name in (
        "AccessKey",
        "Group",
        "InstanceProfile",
        "ManagedPolicy",
        "Policy",
        "Role",
        "User",
        "UserToGroupAddition",
    )
)
_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


# Any: templates are JSON of any shape.
def needed(template: Mapping[str, Any]) -> list[str]:
    """The capabilities that have to be given; CAPABILITY_NAMED_IAM includes CAPABILITY_IAM."""
    resources = template.get("Resources", {}).values()
    required = []
    if any(_is_named(each) for each in resources):
        required.append("CAPABILITY_NAMED_IAM")
    elif any(each.get("Type") in IAM_TYPES for each in resources):
        required.append("CAPABILITY_IAM")
    if template.get("Transform"):
        required.append("CAPABILITY_AUTO_EXPAND")
    return required


def lacking(template: Mapping[str, Any], given: list[str]) -> list[str]:
    """The needed capabilities that were not given."""
    held = {*given, *(["CAPABILITY_IAM"] if "CAPABILITY_NAMED_IAM" in given else [])}
    return [each for each in needed(template) if each not in held]


def iam_types(template: Mapping[str, Any]) -> list[str]:
    """The IAM resource types in the template, sorted."""
    return sorted({each["Type"] for each in template.get("Resources", {}).values() if each.get("Type") in IAM_TYPES})


def _is_named(resource: Mapping[str, Any]) -> bool:
    name = _NAMES.get(str(resource.get("Type")))
    return name is not None and name in (resource.get("Properties") or {})
