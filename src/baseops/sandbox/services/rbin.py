"""Recycle Bin: retention rules and their locks. What they do to deleted snapshots stands with EC2."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, SandboxBackend, ServiceError


class Rbin(SandboxBackend):
    """The retention rules of one account and region. https://docs.aws.amazon.com/recyclebin/latest/APIReference/."""

    service = "rbin"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.rules: dict[str, dict[str, Any]] = {}

    def create_rule(self, **members: Any) -> Members:
        """Answer CreateRule."""
        request = {_pascal(name): value for name, value in members.items()}
        self._check("CreateRule", request)
        _check_period(request["ResourceType"], request["RetentionPeriod"])
        _check_level(request)
        if request.get("LockConfiguration") and request.get("ResourceTags"):
            raise _invalid("Only Region-level retention rules can be locked.")
        identifier = self.hex(11)
        rule = {
            "Identifier": identifier,
            "RuleArn": self.arn(f"rule/{identifier}"),
            "Status": "available",
            "LockState": "locked" if request.get("LockConfiguration") else "unlocked",
            **request,
        }
        self.rules[identifier] = rule
        return copy.deepcopy(rule)

    def get_rule(self, identifier: str) -> Members:
        """Answer GetRule."""
        return {key: value for key, value in copy.deepcopy(self._rule(identifier)).items() if key != "Tags"}

    def list_rules(self, resource_type: str, **filters: Any) -> Members:
        """Answer ListRules."""
        wanted = {_pascal(name): value for name, value in filters.items() if name not in ("max_results", "next_token")}
        shown = ("Identifier", "Description", "RetentionPeriod", "LockState", "RuleArn")
        found = [
            {key: rule[key] for key in shown if key in rule}
            for rule in self.rules.values()
            if rule["ResourceType"] == resource_type and all(rule.get(key) == value for key, value in wanted.items())
        ]
        return {"Rules": copy.deepcopy(found)}

    def update_rule(self, identifier: str, **members: Any) -> Members:
        """Answer UpdateRule."""
        rule = self._unlocked(identifier, "update")
        request = {_pascal(name): value for name, value in members.items()}
        self._check("UpdateRule", {"Identifier": identifier, **request})
        if request.get("ResourceType", rule["ResourceType"]) != rule["ResourceType"]:
            raise _invalid("You cannot update the resource type of a retention rule.")
        _check_period(rule["ResourceType"], request.get("RetentionPeriod", rule["RetentionPeriod"]))
        _check_level({**rule, **request})
        rule.update(request)
        return self.get_rule(identifier)

    def delete_rule(self, identifier: str) -> Members:
        """Answer DeleteRule."""
        self._unlocked(identifier, "delete")
        del self.rules[identifier]
        return {}

    def lock_rule(self, identifier: str, lock_configuration: Mapping[str, Any]) -> Members:
        """Answer LockRule."""
        rule = self._rule(identifier)
        self._check("LockRule", {"Identifier": identifier, "LockConfiguration": lock_configuration})
        if rule.get("ResourceTags"):
            raise _invalid("Only Region-level retention rules can be locked.")
        rule.update(LockConfiguration=dict(lock_configuration), LockState="locked")
        return self.get_rule(identifier)

    def unlock_rule(self, identifier: str) -> Members:
        """Answer UnlockRule."""
        rule = self._rule(identifier)
        if rule["LockState"] != "locked":
            raise _conflict("The retention rule is not locked.")
        delay = timedelta(days=rule["LockConfiguration"]["UnlockDelay"]["UnlockDelayValue"])
        rule.update(LockState="pending_unlock", LockEndTime=self.now() + delay)
        self.sandbox.clock.ticker.after(delay, lambda: self._finish_unlock(identifier), f"unlock of rule {identifier}")
        return self.get_rule(identifier)

    def list_tags_for_resource(self, resource_arn: str) -> Members:
        """Answer ListTagsForResource."""
        return {"Tags": copy.deepcopy(self._by_arn(resource_arn).get("Tags", []))}

    def tag_resource(self, resource_arn: str, tags: list[Mapping[str, str]]) -> Members:
        """Answer TagResource."""
        rule = self._by_arn(resource_arn)
        new = {tag["Key"] for tag in tags}
        rule["Tags"] = [tag for tag in rule.get("Tags", []) if tag["Key"] not in new] + [dict(tag) for tag in tags]
        return {}

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> Members:
        """Answer UntagResource."""
        rule = self._by_arn(resource_arn)
        rule["Tags"] = [tag for tag in rule.get("Tags", []) if tag["Key"] not in tag_keys]
        return {}

    def _finish_unlock(self, identifier: str) -> None:
        rule = self.rules.get(identifier)
        if rule and rule["LockState"] == "pending_unlock":
            rule["LockState"] = "unlocked"
            del rule["LockConfiguration"], rule["LockEndTime"]

    def _rule(self, identifier: str) -> dict[str, Any]:
        if identifier not in self.rules:
            raise ServiceError(
                f"Rule {identifier} not found.", code="ResourceNotFoundException", status=404, Reason="RULE_NOT_FOUND"
            )
        return self.rules[identifier]

    def _by_arn(self, arn: str) -> dict[str, Any]:
        return self._rule(arn.rpartition("/")[2])

    def _unlocked(self, identifier: str, verb: str) -> dict[str, Any]:
        rule = self._rule(identifier)
        if rule["LockState"] != "unlocked":
            raise _conflict(f"You cannot {verb} a locked retention rule.")
        return rule

    def _check(self, operation: str, request: Mapping[str, Any]) -> None:
        shape = self.clients.client("rbin").meta.service_model.operation_model(operation).input_shape
        said = refusal(shape, request)
        if said:
            raise _invalid(said)


Rbin.register()


def _check_period(resource_type: str, period: Mapping[str, Any]) -> None:
    # https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin-create-rule.html
    most = 7 if resource_type == "EBS_VOLUME" else 365
    if not 1 <= period["RetentionPeriodValue"] <= most:
        raise _invalid(f"The retention period for {resource_type} must be between 1 and {most} days.")


def _check_level(rule: Mapping[str, Any]) -> None:
    if rule.get("ResourceTags") and rule.get("ExcludeResourceTags"):
        raise _invalid("You can't specify both resource tags and exclusion tags.")


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="ValidationException", status=400, Reason="INVALID_PARAMETER_VALUE")


def _conflict(message: str) -> ServiceError:
    return ServiceError(message, code="ConflictException", status=409, Reason="INVALID_RULE_STATE")


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
