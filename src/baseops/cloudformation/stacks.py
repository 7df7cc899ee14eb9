"""The state of our stacks: read, interpreted, and what each state allows next."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import DECLARATION_TAG
from baseops.contract.types import Json
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
    def is_settled(self) -> bool:
        """Whether the stack is whole: drift can be detected then, and is refused by AWS otherwise."""
        return self.exists and self.next is Next.UPDATE

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


def find_stacks(clients: Clients, declaration: str, region: str, names: Collection[str] = ()) -> list[StackState]:
    """The stacks in a region that carry a declaration's tag or have one of the names.

    AWS call: DescribeStacks, all pages.
    """
    with translated(f"cannot list the stacks in {region}"):
        pages = clients.client("cloudformation", region).get_paginator("describe_stacks").paginate()
        found = [stack for page in pages for stack in page["Stacks"]]
    mine = {"Key": DECLARATION_TAG, "Value": declaration}
    return [_state_of(stack, region) for stack in found if mine in stack.get("Tags", []) or stack["StackName"] in names]


def current_template(clients: Clients, state: StackState) -> dict[str, Json]:
    """The template that a stack was last given, as JSON values. AWS call: GetTemplate."""
    with translated(f"cannot read the template of the stack {state.name} in {state.region}"):
        body = clients.client("cloudformation", state.region).get_template(StackName=state.name)["TemplateBody"]
    parsed: dict[str, Json] = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
    return parsed


def resources_of(clients: Clients, state: StackState) -> dict[str, str]:
    """The physical id of each resource of a stack, by logical id. AWS call: ListStackResources, all pages."""
    with translated(f"cannot list the resources of the stack {state.name} in {state.region}"):
        pages = clients.client("cloudformation", state.region).get_paginator("list_stack_resources")
        found = [each for page in pages.paginate(StackName=state.name) for each in page["StackResourceSummaries"]]
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}


def remove_review(clients: Clients, name: str, region: str) -> None:
    """Delete a stack that a CREATE change set left in REVIEW_IN_PROGRESS; leaves any other alone."""
    if read_state(clients, name, region).status == "REVIEW_IN_PROGRESS":
        with translated(f"cannot remove the stack in review {name} in {region}"):
            clients.client("cloudformation", region).delete_stack(
                StackName=name, ClientRequestToken=new_token("review")
            )


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
