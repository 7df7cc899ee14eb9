"""What CloudFormation checks before it deploys a change set: property names, taken names, buckets that are full.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
A violation of mode FAIL fails the change set, one of WARN is only told; DescribeEvents tells both. A taken name is
only seen where the template holds the type's whole primary identifier: an existing topic comes up at execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Kind
from baseops.sandbox.stacks.comparison import ResourceChange
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.records import Stack
from baseops.semantics.templates import dynamic
from baseops.semantics.templates.values import is_known

# Any: properties are JSON of any shape.

_CHECKS = {
    "NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
    "PROPERTY_VALIDATION": "AWS::EarlyValidation::PropertyValidation",
}


@dataclass(frozen=True)
class Violation:
    """One thing found wrong with one resource."""

    logical_id: str
    type: str
    validation: str
    mode: Literal["FAIL", "WARN"]
    reason: str
    path: str


def violations(engine: Engine, stack: Stack, changes: Iterable[ResourceChange]) -> list[Violation]:
    """All that the checks find in a change set."""
    return [found for change in changes for found in _of_change(engine, stack, change)]


def failure(found: Iterable[Violation]) -> str:
    """The change set's reason; '' when nothing of mode FAIL was found."""
    failed = sorted({_CHECKS[each.validation] for each in found if each.mode == "FAIL"})
    if not failed:
        return ""
    return (
        f"The following hook(s)/validation failed: [{', '.join(failed)}]. To troubleshoot Early Validation errors, "
        "use the DescribeEvents API for detailed failure information."
    )


def _of_change(engine: Engine, stack: Stack, change: ResourceChange) -> Iterator[Violation]:
    kind = KINDS[change.type]
    if change.after is not None:
        yield from _properties(change, kind, change.after["Properties"])
    if change.action == "Add" and change.after is not None:
        yield from _name(engine, stack, change, kind, change.after["Properties"])
    if "Delete" in change.policy_action:
        yield from _bucket(engine, change)


def _properties(change: ResourceChange, kind: Kind, properties: Mapping[str, Any]) -> Iterator[Violation]:
    place = f"/Resources/{change.logical_id}/Properties"
    for name in sorted(kind.required - properties.keys()):
        yield Violation(
            change.logical_id,
            change.type,
            "PROPERTY_VALIDATION",
            "FAIL",
            f"Required property [{name}] not found",
            place,
        )
    for name in sorted(properties.keys() - kind.properties):
        yield Violation(
            change.logical_id,
            change.type,
            "PROPERTY_VALIDATION",
            "FAIL",
            f"Unsupported property [{name}]",
            f"{place}/{name}",
        )


def _name(
    engine: Engine, stack: Stack, change: ResourceChange, kind: Kind, properties: Mapping[str, Any]
) -> Iterator[Violation]:
    identifier = [properties.get(name) for name in kind.identifier]
    if any(each is None or not is_known(each) or dynamic.contains(each) for each in identifier):
        return
    ctx = engine.context(stack, change.logical_id)
    claimed = kind.named(ctx, properties)
    if claimed is not None and kind.read(ctx, claimed, properties) is not None:
        yield Violation(
            change.logical_id,
            change.type,
            "NAME_CONFLICT_VALIDATION",
            "FAIL",
            f"Resource of type '{change.type}' with identifier '{'|'.join(map(str, identifier))}' already exists.",
            f"/Resources/{change.logical_id}",
        )


def _bucket(engine: Engine, change: ResourceChange) -> Iterator[Violation]:
    if change.type != "AWS::S3::Bucket":
        return
    client = engine.clients.client("s3", engine.region)
    try:
        found = client.list_object_versions(Bucket=change.physical_id, MaxKeys=1)
    except client.exceptions.NoSuchBucket:
        return
    if found.get("Versions") or found.get("DeleteMarkers"):
        yield Violation(
            change.logical_id,
            change.type,
            "BUCKET_EMPTINESS_VALIDATION",
            "WARN",
            f"The bucket '{change.physical_id}' is not empty. You must either delete all objects and versions or use "
            "the deletion policy to retain it, otherwise the delete operation will fail.",
            f"/Resources/{change.logical_id}",
        )
