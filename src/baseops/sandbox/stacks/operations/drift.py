"""Drift: detected a moment after it is asked for, then read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import ServiceError
from baseops.sandbox.stacks import drift
from baseops.sandbox.stacks.goals import ValidationError
from baseops.sandbox.stacks.operations.room import StackRoom
from baseops.sandbox.stacks.records import Stack
from baseops.sandbox.stacks.work import TaskError

# Any: members of AWS's shapes.

_SECONDS_EACH = 0.5


@dataclass
class Look:
    """One detection over a stack."""

    id: str
    stack: Stack
    asked_at: datetime
    logical_ids: frozenset[str]
    status: str = "DETECTION_IN_PROGRESS"
    reason: str = ""
    drifted: int = 0


@dataclass
class Findings:
    """What detections have found, by stack and logical id."""

    looks: dict[str, Look] = field(default_factory=dict)
    drifts: dict[str, dict[str, drift.ResourceDrift]] = field(default_factory=dict)


class DriftOperations(StackRoom):
    """DetectStackDrift and its kind."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._findings = Findings()

    def detect_stack_drift(self, stack_name: str, logical_resource_ids: list[str] | None = None) -> Mapping[str, Any]:
        """Begin to look at a stack's resources."""
        stack = self._settled(stack_name)
        names = frozenset(logical_resource_ids or stack.resources)
        look = Look(str(mock_random.uuid4()), stack, self.now(), names)
        self._findings.looks[look.id] = look
        seconds = 1 + _SECONDS_EACH * len(names)
        self.engine.ticker.after(seconds, partial(self._look, look), f"drift of {stack.name}")
        return {"StackDriftDetectionId": look.id}

    def _settled(self, stack_name: str) -> Stack:
        stack = self.live_stack(stack_name)
        if stack.status.endswith("_IN_PROGRESS") or stack.status.startswith("ROLLBACK"):
            raise ValidationError(
                f"Drift detection cannot be performed on stack {stack.id} while in {stack.status} state"
            )
        return stack

    def _look(self, look: Look) -> None:
        stack = look.stack
        found = self._findings.drifts.setdefault(stack.id, {})
        detection = drift.Detection(self.engine, stack)
        failed = []
        for name in sorted(look.logical_ids & stack.resources.keys()):
            try:
                found[name] = detection.resource(stack.resources[name])
            except TaskError as error:
                failed.append(f"{name}: {error}")
        look.drifted = sum(found[name].status in ("MODIFIED", "DELETED") for name in look.logical_ids & found.keys())
        look.status = "DETECTION_FAILED" if failed else "DETECTION_COMPLETE"
        look.reason = f"Failed to detect drift on resources [{'; '.join(failed)}]" if failed else ""
        stack.drift_status = "DRIFTED" if look.drifted else "IN_SYNC"
        stack.drift_checked_at = self.now()

    def describe_stack_drift_detection_status(self, stack_drift_detection_id: str) -> Mapping[str, Any]:
        """How far a detection is."""
        look = self._findings.looks.get(stack_drift_detection_id)
        if look is None:
            raise ValidationError(f"Drift detection id {stack_drift_detection_id} does not exist")
        answer = {
            "StackId": look.stack.id,
            "StackDriftDetectionId": look.id,
            "DetectionStatus": look.status,
            "DetectionStatusReason": look.reason or None,
            "Timestamp": look.asked_at,
        }
        if look.status == "DETECTION_IN_PROGRESS":
            return answer
        status = "DRIFTED" if look.drifted else "IN_SYNC"
        return {**answer, "StackDriftStatus": status, "DriftedStackResourceCount": look.drifted}

    def describe_stack_resource_drifts(
        self,
        stack_name: str,
        stack_resource_drift_status_filters: list[str] | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Mapping[str, Any]:
        """What the last detections found, resource by resource; types without drift support are left out."""
        stack = self.stack(stack_name)
        wanted = [
            each
            for name, each in sorted(self._findings.drifts.get(stack.id, {}).items())
            if name in stack.resources
            and each.status != "NOT_CHECKED"
            and (not stack_resource_drift_status_filters or each.status in stack_resource_drift_status_filters)
        ]
        found, following = self.page(wanted, next_token, max_results or 100)
        return {"StackResourceDrifts": [drift.shown(stack, each) for each in found], "NextToken": following}

    def detect_stack_resource_drift(self, stack_name: str, logical_resource_id: str) -> Mapping[str, Any]:
        """Look at one resource now."""
        stack = self._settled(stack_name)
        if logical_resource_id not in stack.resources:
            raise ValidationError(f"Resource {logical_resource_id} does not exist for stack {stack.name}")
        try:
            found = drift.Detection(self.engine, stack).resource(stack.resources[logical_resource_id])
        except TaskError as error:
            raise ServiceError(str(error), code="ValidationError", status=400) from error
        if found.status == "NOT_CHECKED":
            raise ValidationError(
                f"Drift detection is not supported for resource type {found.resource.type} ({logical_resource_id})"
            )
        self._findings.drifts.setdefault(stack.id, {})[logical_resource_id] = found
        return {"StackResourceDrift": drift.shown(stack, found)}
