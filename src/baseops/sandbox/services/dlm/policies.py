"""DLM's policies: made, read, changed, listed, tagged; what DLM adds to them by itself is written back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, SandboxBackend, ServiceError
from baseops.sandbox.services.dlm.rules import check_details, invalid
from baseops.sandbox.services.dlm.runs import Runs
from baseops.sandbox.services.events.bus import put_event

MAX_POLICIES = 100


class Dlm(SandboxBackend):
    """The policies of one account and region. https://docs.aws.amazon.com/dlm/latest/APIReference/."""

    service = "dlm"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.policies: dict[str, dict[str, Any]] = {}
        self.runs = Runs(self)

    def create_lifecycle_policy(
        self,
        execution_role_arn: str,
        description: str,
        state: str,
        policy_details: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        **default_policy: Any,
    ) -> Members:
        """Answer CreateLifecyclePolicy."""
        if default_policy or not policy_details or policy_details.get("PolicyLanguage") == "SIMPLIFIED":
            raise invalid("The sandbox has no default policies; specify PolicyDetails.")
        if len(self.policies) >= MAX_POLICIES:
            message = f"The maximum number of policies in a Region is {MAX_POLICIES}."
            raise ServiceError(message, code="LimitExceededException", status=429, ResourceType="policy")
        request = {
            "ExecutionRoleArn": execution_role_arn,
            "Description": description,
            "State": state,
            "PolicyDetails": policy_details,
            **({"Tags": tags} if tags else {}),
        }
        self._check("CreateLifecyclePolicy", request)
        policy_id = f"policy-0{self.hex(16)}"
        self.policies[policy_id] = {
            **request,
            "PolicyId": policy_id,
            "PolicyArn": self.arn(f"policy/{policy_id}"),
            "PolicyDetails": written_back(policy_details, self.now()),
            "Tags": dict(tags or {}),
            "DateCreated": self.now(),
            "DateModified": self.now(),
            "DefaultPolicy": False,
        }
        self.runs.plan(policy_id)
        return {"PolicyId": policy_id}

    def get_lifecycle_policy(self, policy_id: str) -> Members:
        """Answer GetLifecyclePolicy."""
        return {"Policy": copy.deepcopy(self._policy(policy_id))}

    def get_lifecycle_policies(
        self,
        policy_ids: list[str] | None = None,
        state: str | None = None,
        resource_types: list[str] | None = None,
        target_tags: list[str] | None = None,
        tags_to_add: list[str] | None = None,
        default_policy_type: str | None = None,
    ) -> Members:
        """Answer GetLifecyclePolicies."""
        if default_policy_type in ("VOLUME", "INSTANCE"):
            return {"Policies": []}
        unknown = [each for each in policy_ids or () if each not in self.policies]
        if unknown:
            raise _not_found(unknown)
        found = [
            _summary(policy)
            for policy in self.policies.values()
            if (not policy_ids or policy["PolicyId"] in policy_ids)
            and state in (None, policy["State"])
            and _is_about(policy["PolicyDetails"], resource_types, target_tags, tags_to_add)
        ]
        return {"Policies": found}

    def update_lifecycle_policy(self, policy_id: str, **changes: Any) -> Members:
        """Answer UpdateLifecyclePolicy."""
        policy = self._policy(policy_id)
        names = {
            "execution_role_arn": "ExecutionRoleArn",
            "state": "State",
            "description": "Description",
            "policy_details": "PolicyDetails",
        }
        unknown = sorted(set(changes) - set(names))
        if unknown:
            raise invalid(f"The policy is not a default policy: {', '.join(unknown)} cannot be set.")
        request = {names[key]: value for key, value in changes.items()}
        self._check("UpdateLifecyclePolicy", request)
        if "PolicyDetails" in request:
            _refuse_other_kind(policy["PolicyDetails"], request["PolicyDetails"])
            request["PolicyDetails"] = written_back(request["PolicyDetails"], self.now())
        policy.update(request, DateModified=self.now())
        policy.pop("StatusMessage", None)
        self.runs.plan(policy_id)
        return {}

    def delete_lifecycle_policy(self, policy_id: str) -> Members:
        """Answer DeleteLifecyclePolicy."""
        del self.policies[self._policy(policy_id)["PolicyId"]]
        self.runs.forget(policy_id)
        return {}

    def list_tags_for_resource(self, resource_arn: str) -> Members:
        """Answer ListTagsForResource."""
        return {"Tags": dict(self._by_arn(resource_arn)["Tags"])}

    def tag_resource(self, resource_arn: str, tags: Mapping[str, str]) -> Members:
        """Answer TagResource."""
        self._by_arn(resource_arn)["Tags"].update(tags)
        return {}

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> Members:
        """Answer UntagResource."""
        tags = self._by_arn(resource_arn)["Tags"]
        for key in tag_keys:
            tags.pop(key, None)
        return {}

    def fail(self, policy_id: str, cause: str) -> None:
        """Put a policy into the state ERROR, as DLM does when its role lacks a permission."""
        policy = self._policy(policy_id)
        if policy["State"] == "ERROR":
            return
        policy.update(State="ERROR", StatusMessage=cause)
        # https://docs.aws.amazon.com/ebs/latest/userguide/monitor-cloudwatch-events.html
        put_event(
            self.account_id,
            self.region_name,
            source="aws.dlm",
            detail_type="DLM Policy State Change",
            detail={"state": "ERROR", "cause": cause, "policy_id": policy["PolicyArn"]},
            resources=[policy["PolicyArn"]],
        )

    def _policy(self, policy_id: str) -> dict[str, Any]:
        if policy_id not in self.policies:
            raise _not_found([policy_id])
        return self.policies[policy_id]

    def _by_arn(self, arn: str) -> dict[str, Any]:
        return self._policy(arn.rpartition("/")[2])

    def _check(self, operation: str, request: Mapping[str, Any]) -> None:
        shape = self.clients.client("dlm").meta.service_model.operation_model(operation).input_shape
        said = refusal(shape, request)
        if said:
            raise invalid(said)
        role = request.get("ExecutionRoleArn")
        if role:
            self._check_role(role)
        if request.get("PolicyDetails"):
            check_details(request["PolicyDetails"], self.region_name)

    def _check_role(self, arn: str) -> None:
        iam = self.clients.client("iam")
        try:
            iam.get_role(RoleName=arn.rpartition("/")[2])
        except iam.exceptions.NoSuchEntityException:
            raise invalid(f"The role {arn} does not exist or cannot be assumed by DLM.") from None


Dlm.register()


def written_back(details: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The details as DLM keeps them: what was left out is filled in, which is what shows up as drift."""
    kept: dict[str, Any] = copy.deepcopy(dict(details))
    kept.setdefault("PolicyType", "EBS_SNAPSHOT_MANAGEMENT")
    kept.setdefault("PolicyLanguage", "STANDARD")
    if kept["PolicyType"] == "EVENT_BASED_POLICY":
        return kept
    kept.setdefault("ResourceLocations", ["CLOUD"])
    for schedule in kept["Schedules"]:
        schedule.setdefault("CopyTags", False)
        rule = schedule["CreateRule"]
        rule.setdefault("Location", "CLOUD")
        if "Interval" in rule:
            rule.setdefault("IntervalUnit", "HOURS")
            # Without a time, DLM picks one within the next 24 hours.
            rule.setdefault("Times", [f"{(now.hour + 1) % 24:02d}:{now.minute:02d}"])
    return kept


def _summary(policy: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: policy[key] for key in ("PolicyId", "Description", "State", "Tags", "DefaultPolicy")}
    return {**shown, "Tags": dict(policy["Tags"]), "PolicyType": policy["PolicyDetails"]["PolicyType"]}


def _is_about(
    details: Mapping[str, Any],
    resource_types: list[str] | None,
    target_tags: list[str] | None,
    tags_to_add: list[str] | None,
) -> bool:
    targets = _pairs(details.get("TargetTags"))
    added = {pair for schedule in details.get("Schedules", ()) for pair in _pairs(schedule.get("TagsToAdd"))}
    return (
        (not resource_types or details.get("ResourceTypes") == resource_types)
        and set(target_tags or ()) <= targets
        and set(tags_to_add or ()) <= added
    )


def _pairs(tags: list[Mapping[str, str]] | None) -> set[str]:
    return {f"{tag['Key']}={tag['Value']}" for tag in tags or ()}


def _refuse_other_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for name in ("PolicyType", "ResourceTypes"):
        if name in new and new[name] != old.get(name):
            raise invalid(f"You cannot update {name} of a policy.")


def _not_found(policy_ids: list[str]) -> ServiceError:
    message = f"The following policies do not exist: {', '.join(policy_ids)}"
    return ServiceError(
        message, code="ResourceNotFoundException", status=404, ResourceType="policy", ResourceIds=policy_ids
    )
