"""Drift of one stack: what differs from its template in truth, and what AWS cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.waiting import until
from baseops.cloudformation.changes import PropertyChange
from baseops.cloudformation.stacks import StackState
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.errors import InconclusiveError

# Properties that services write back in their own form; a difference in them alone is no drift of anybody's.
_WRITTEN_BACK: Mapping[str, tuple[str, ...]] = {
    "AWS::DLM::LifecyclePolicy": ("/Times", "/PolicyLanguage", "/RetainInterval", "/Interval", "/IntervalUnit"),
}

# Versions that a service counts by itself: the template says `1.0.x`, the service which one it became.
_COUNTED_UP: Mapping[str, str] = {"AWS::ImageBuilder::ImageRecipe": "/Version"}


@dataclass(frozen=True)
class DriftedResource:
    """A resource that is not what the template says; `deleted` when it is gone."""

    logical_id: str
    type: str
    physical_id: str
    deleted: bool
    properties: tuple[PropertyChange, ...] = ()


@dataclass(frozen=True)
class StackDrift:
    """The drift of one stack; `unchecked` are the types that AWS cannot check, by name and never called clean."""

    name: str
    region: str
    drifted: tuple[DriftedResource, ...]
    unchecked: tuple[str, ...]


def detect(clients: Clients, clock: Clock, state: StackState) -> StackDrift:
    """Detect drift and wait for the result. AWS calls: DetectStackDrift, its status, DescribeStackResourceDrifts.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    client = clients.client("cloudformation", state.region)
    what = f"cannot detect the drift of the stack {state.name} in {state.region}"
    with translated(what):
        detection = client.detect_stack_drift(StackName=state.name)["StackDriftDetectionId"]
    _await(client, clock, detection, what)
    with translated(what):
        found = _all_drifts(client, state.name)
    checked = {each["LogicalResourceId"] for each in found if each["StackResourceDriftStatus"] != "NOT_CHECKED"}
    types = _types(clients, state)
    return StackDrift(
        name=state.name,
        region=state.region,
        drifted=tuple(drifted for each in found if (drifted := _drifted(each)) is not None),
        unchecked=tuple(sorted({kind for name, kind in types.items() if name not in checked})),
    )


def _await(client: Any, clock: Clock, detection: str, what: str) -> None:
    def look() -> Mapping[str, Any] | None:
        with translated(what):
            found: Mapping[str, Any] = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return None if found["DetectionStatus"] == "DETECTION_IN_PROGRESS" else found

    status = until(clock, look)
    if status["DetectionStatus"] != "DETECTION_COMPLETE":
        raise InconclusiveError(what, status.get("DetectionStatusReason", "AWS gives no reason").rstrip("."))


def _all_drifts(client: Any, name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = client.describe_stack_resource_drifts(StackName=name, MaxResults=100, **token)
        found += page["StackResourceDrifts"]
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _types(clients: Clients, state: StackState) -> dict[str, str]:
    with translated(f"cannot list the resources of the stack {state.name} in {state.region}"):
        pages = clients.client("cloudformation", state.region).get_paginator("list_stack_resources")
        found = [each for page in pages.paginate(StackName=state.name) for each in page["StackResourceSummaries"]]
    return {each["LogicalResourceId"]: each["ResourceType"] for each in found}


def _drifted(drift: Mapping[str, Any]) -> DriftedResource | None:
    status = drift["StackResourceDriftStatus"]
    if status not in ("MODIFIED", "DELETED"):
        return None
    ignored = _WRITTEN_BACK.get(drift["ResourceType"], ())
    properties = tuple(
        PropertyChange(each["PropertyPath"], each.get("ExpectedValue", ""), each.get("ActualValue", ""))
        for each in drift.get("PropertyDifferences", [])
        if not (each["DifferenceType"] == "ADD" and each["PropertyPath"].endswith(ignored))
        and not _is_counted_up(drift["ResourceType"], each)
    )
    if status == "MODIFIED" and not properties:
        return None
    return DriftedResource(
        logical_id=drift["LogicalResourceId"],
        type=drift["ResourceType"],
        physical_id=drift.get("PhysicalResourceId", ""),
        deleted=status == "DELETED",
        properties=properties,
    )


def _is_counted_up(kind: str, difference: Mapping[str, str]) -> bool:
    expected = difference.get("ExpectedValue", "").strip('"')
    same = difference.get("ActualValue", "").strip('"').startswith(expected.removesuffix("x"))
    return difference["PropertyPath"] == _COUNTED_UP.get(kind) and expected.endswith(".x") and same
