"""A sandbox account, and a driver that brings stacks to their end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from baseops.sandbox.account import Account, open_account

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


class StackDriver:
    """Calls CloudFormation as a user would and waits on the account's clock."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client = account.client("cloudformation")
        self._numbers = iter(range(10_000))

    def change_set(self, name: str, template: Any, kind: str | None = None, **more: Any) -> dict[str, Any]:
        """Make a change set, wait for it, describe it.

        It is not validated before the deployment unless asked for, so that failures come where a test wants them.
        """
        more.setdefault("DisableValidation", True)
        made = self.client.create_change_set(
            StackName=name,
            ChangeSetName=f"set-{next(self._numbers)}",
            ChangeSetType=kind or ("UPDATE" if self.exists(name) else "CREATE"),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            TemplateBody=template if isinstance(template, str) else json.dumps(template),
            **more,
        )
        while True:
            found = self.client.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True)
            if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return found
            self.account.clock.sleep(1)

    def apply(self, name: str, template: Any, kind: str | None = None, **more: Any) -> str:
        """Execute a change set to the end and say the stack's status; 'no changes' when there are none."""
        made = self.change_set(name, template, kind, **more)
        if made["Status"] == "FAILED":
            self.client.delete_change_set(ChangeSetName=made["ChangeSetId"])
            return "no changes" if "didn't contain changes" in made["StatusReason"] else made["StatusReason"]
        self.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
        return self.settle(name)

    def settle(self, name: str) -> str:
        """Wait until nothing is in progress; the status."""
        identifier = self.stack(name)["StackId"]
        while self.stack(identifier)["StackStatus"].endswith("_IN_PROGRESS"):
            self.account.clock.sleep(5)
        return str(self.stack(identifier)["StackStatus"])

    def delete(self, name: str, **more: Any) -> str:
        """Delete a stack to the end; the status."""
        identifier = self.stack(name)["StackId"]
        self.client.delete_stack(StackName=name, **more)
        return self.settle(identifier)

    def exists(self, name: str) -> bool:
        try:
            return bool(self.stack(name)["StackStatus"] != "REVIEW_IN_PROGRESS")
        except self.client.exceptions.ClientError:
            return False

    def stack(self, name: str) -> dict[str, Any]:
        return dict(self.client.describe_stacks(StackName=name)["Stacks"][0])

    def outputs(self, name: str) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.stack(name).get("Outputs", [])}

    def events(self, name: str) -> list[dict[str, Any]]:
        """The history, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name)
        return [each for page in pages for each in page["StackEvents"]][::-1]

    def history(self, name: str) -> list[tuple[str, str]]:
        """Logical id and status of every event, oldest first."""
        return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in self.events(name)]

    def reasons(self, name: str) -> dict[tuple[str, str], str]:
        """The last reason given for a logical id and status."""
        return {
            (each["LogicalResourceId"], each["ResourceStatus"]): each.get("ResourceStatusReason", "")
            for each in self.events(name)
        }

    def physical_ids(self, name: str) -> dict[str, str]:
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=name)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}

    def drifts(self, name: str) -> dict[str, str]:
        """Detect the drift of a whole stack; the status of each resource, as its summary has it."""
        look = self.client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        status = "DETECTION_IN_PROGRESS"
        while status == "DETECTION_IN_PROGRESS":
            self.account.clock.sleep(1)
            answer = self.client.describe_stack_drift_detection_status(StackDriftDetectionId=look)
            status = answer["DetectionStatus"]
        assert status == "DETECTION_COMPLETE", answer
        found = self.client.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {each["LogicalResourceId"]: each["DriftInformation"]["StackResourceDriftStatus"] for each in found}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture(scope="session")
def stack_driver() -> type[StackDriver]:
    """The driver's class, for tests that open accounts of their own."""
    return StackDriver


@pytest.fixture
def stacks(account: Account) -> StackDriver:
    return StackDriver(account)
