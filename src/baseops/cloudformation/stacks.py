"""The state of our stacks: read, interpreted, and what each state allows next."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import AwsError, StackError

TOKEN_PREFIX = "baseops-"  # noqa: S105  # it is no secret
"""What our change sets and request tokens begin with."""


def new_token(verb: str) -> str:
    """A request token that shows in a stack's events and says that the operation is ours."""
    return f"{TOKEN_PREFIX}{verb}-{uuid.uuid4().hex[:12]}"


class Next(Enum):
    """What can be done with a stack in its present state."""

    CREATE = "create"
    UPDATE = "update"
    WAIT = "wait"
    REMOVE_FIRST = "remove first"
    STUCK = "stuck"


@dataclass(frozen=True)
class StackState:
    """A stack as DescribeStacks shows it. `status` is empty when there is none."""

    name: str
    region: str
    status: str = ""
    reason: str = ""
    stack_id: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False

    @property
    def exists(self) -> bool:
        """Whether the stack holds or held resources (a stack in review holds none)."""
        return self.status not in ("", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE")

    @property
    def next(self) -> Next:
        """What the state allows.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
        """
        if not self.exists:
            return Next.CREATE
        if self.status.endswith("_IN_PROGRESS"):
            return Next.WAIT
        if self.status == "ROLLBACK_COMPLETE":
            return Next.REMOVE_FIRST
        if self.status in _STUCK:
            return Next.STUCK
        return Next.UPDATE


_STUCK = {
    "CREATE_FAILED": (
        "its creation failed and was not rolled back",
        "aws cloudformation delete-stack --region {region} --stack-name {name}",
    ),
    "ROLLBACK_FAILED": (
        "its creation failed and so did the roll-back",
        "aws cloudformation delete-stack --region {region} --stack-name {name}",
    ),
    "UPDATE_FAILED": (
        "an update failed and was not rolled back",
        "aws cloudformation rollback-stack --region {region} --stack-name {name}",
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "an update failed and so did the roll-back",
        "aws cloudformation continue-update-rollback --region {region} --stack-name {name}",
    ),
    "IMPORT_ROLLBACK_FAILED": (
        "an import failed and so did the roll-back",
        "aws cloudformation continue-update-rollback --region {region} --stack-name {name}",
    ),
    "DELETE_FAILED": (
        "some of its resources could not be deleted",
        "aws cloudformation delete-stack --region {region} --stack-name {name}",
    ),
}


def read_state(clients: Clients, name: str, region: str) -> StackState:
    """The stack's state; one DescribeStacks call."""
    try:
        with translated(f"cannot read the stack {name} in {region}"):
            found = clients.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
    except AwsError as error:
        if "does not exist" in error.why:
            return StackState(name, region)
        raise
    return _state_of(found[0], region)


def _state_of(stack: Mapping[str, Any], region: str) -> StackState:
    return StackState(
        name=stack["StackName"],
        region=region,
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        stack_id=stack["StackId"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])},
        protected=bool(stack.get("EnableTerminationProtection")),
    )


def stuck_error(state: StackState) -> StackError:
    """The sentence for a stack that apply cannot go on from, and the command that goes on."""
    why, command = _STUCK[state.status]
    return StackError(
        f"stack {state.name} in {state.region} is in {state.status}",
        f"{why}; {state.reason}" if state.reason else why,
        f"Run: {command.format(region=state.region, name=state.name)}; then the same baseops command again.",
    )


def busy_error(state: StackState) -> StackError:
    """The sentence for a stack on which somebody else is working."""
    return StackError(
        f"stack {state.name} in {state.region} is in {state.status}",
        "somebody else started an operation on it",
        "Wait for it, or stop it: "
        f"aws cloudformation cancel-update-stack --region {state.region} --stack-name {state.name}",
    )
