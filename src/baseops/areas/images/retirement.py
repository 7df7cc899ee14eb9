"""What becomes of old images: a lifecycle policy of Image Builder for each image that declares `retire`.

https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, iam, imagebuilder

from baseops.areas.images.names import image_name
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Retire

DAY = timedelta(days=1)
MOST = 1000
"""https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_LifecyclePolicyDetailFilter.html"""
_ACTIONS = (("DEPRECATE", "deprecate_after"), ("DISABLE", "disable_after"), ("DELETE", "delete_after"))


def policy(name: str, entry: Entry, role: iam.Role, refs: Refs) -> imagebuilder.LifecyclePolicy | None:
    """The policy, over all versions of the image's recipe."""
    if entry.retire is None:
        return None
    return imagebuilder.LifecyclePolicy(
        logical_id(name, "LifecyclePolicy"),
        Name=image_name(refs.site, name),
        Description=f"Retires old images of {name}",
        ExecutionRole=GetAtt(role, "Arn"),
        ResourceType="AMI_IMAGE",
        Status="ENABLED",
        PolicyDetails=[imagebuilder.PolicyDetail.from_dict(None, each) for each in details(entry.retire)],
        ResourceSelection=imagebuilder.ResourceSelection(
            Recipes=[imagebuilder.RecipeSelection(Name=image_name(refs.site, name), SemanticVersion="x.x.x")]
        ),
    )


def details(retire: Retire) -> list[Mapping[str, Any]]:
    """The rules as CloudFormation writes them; a forecast reads the same."""
    return [_rule(action, getattr(retire, key), retire) for action, key in _ACTIONS if getattr(retire, key)]


def _rule(action: str, age: timedelta, retire: Retire) -> Mapping[str, Any]:
    is_delete = action == "DELETE"
    chosen: dict[str, Any] = {"Type": "AGE", **_age(age)}
    if is_delete:
        chosen["RetainAtLeast"] = retire.retain_at_least
    rule: dict[str, Any] = {
        "Action": {
            "Type": action,
            "IncludeResources": {"Amis": True, "Snapshots": True} if is_delete else {"Amis": True},
        },
        "Filter": chosen,
    }
    exclusions = _exclusions(retire)
    return {**rule, "ExclusionRules": {"Amis": exclusions}} if exclusions else rule


def _age(age: timedelta) -> dict[str, Any]:
    """A filter counts to a thousand: longer ages are in weeks, rounded up."""
    days = age // DAY
    return {"Value": days, "Unit": "DAYS"} if days <= MOST else {"Value": -(-days // 7), "Unit": "WEEKS"}


def _exclusions(retire: Retire) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if retire.not_launched_for:
        found["LastLaunched"] = {"Unit": "DAYS", "Value": retire.not_launched_for // DAY}
    if retire.keep_tags:
        found["TagMap"] = dict(retire.keep_tags)
    return found
