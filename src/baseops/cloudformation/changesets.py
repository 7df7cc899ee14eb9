"""Change sets of one stack: made, read and thrown away; executing them is `operations`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.identity import caller_account
from baseops.aws.waiting import until
from baseops.cloudformation.adoption import Adoption
from baseops.cloudformation.changes import Change, from_change_set
from baseops.cloudformation.stacks import TOKEN_PREFIX, StackState, new_token
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.contract.template import Template
from baseops.errors import AccessError, AwsError, StackError

MAX_INLINE_BYTES = 51_200
"""A larger TemplateBody goes by S3: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Body:
    """How a template travels: inline, or as the URL of an object in the artifact bucket."""

    text: str
    url: str = ""

    def arguments(self) -> dict[str, str]:
        """The argument that CreateChangeSet takes."""
        return {"TemplateURL": self.url} if self.url else {"TemplateBody": self.text}


@dataclass(frozen=True)
class ChangeSet:
    """A change set that is ready. `changes` is empty when there is nothing to do (it is then gone already)."""

    id: str
    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the stack already is what the template says."""
        return not self.id


class ChangeSets:
    """Makes change sets for the stacks of one site. AWS calls: Create-, Describe-, List- and DeleteChangeSet."""

    def __init__(self, clients: Clients, clock: Clock, site: Site) -> None:
        """Hold what every call needs."""
        self._clients = clients
        self._clock = clock
        self._site = site

    def create(self, template: Template, body: Body, inputs: Mapping[str, str], state: StackState) -> ChangeSet:
        """Make a change set and wait until it is ready; an empty one is deleted at once.

        Existing resources with the names that the template gives are imported
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html,
        ImportExistingResources). Raises `StackError` with AWS's reason when it cannot be made.
        """
        client = self._clients.client("cloudformation", template.region)
        with translated(f"cannot make a change set for the stack {template.name} in {template.region}"):
            made = client.create_change_set(
                StackName=template.name,
                ChangeSetName=new_token("set"),
                ChangeSetType="UPDATE" if state.exists else "CREATE",
                Parameters=[{"ParameterKey": key, "ParameterValue": inputs[key]} for key in sorted(inputs)],
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in sorted(self._tags().items())],
                Description=f"baseops {self._site.name}",
                ImportExistingResources=True,
                **body.arguments(),
                **role_argument(self._clients, self._site),
            )
        return self._ready(client, template, made["Id"])

    def create_import(self, template: Template, text: str, adopted: list[Adoption], state: StackState) -> ChangeSet:
        """Make a change set that takes existing resources into the stack by their identifiers, and nothing else."""
        client = self._clients.client("cloudformation", template.region)
        with translated(f"cannot make an import for the stack {template.name} in {template.region}"):
            made = client.create_change_set(
                StackName=template.name,
                ChangeSetName=new_token("import"),
                ChangeSetType="IMPORT",
                ResourcesToImport=[each.to_import for each in adopted],
                Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(state.parameters)],
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in sorted(self._tags().items())],
                Description=f"baseops {self._site.name}",
                TemplateBody=text,
                **role_argument(self._clients, self._site),
            )
        return self._ready(client, template, made["Id"])

    def discard(self, template: Template, change_set_id: str) -> None:
        """Delete a change set that will not be executed."""
        client = self._clients.client("cloudformation", template.region)
        with translated(f"cannot delete a change set of the stack {template.name}"):
            client.delete_change_set(ChangeSetName=change_set_id, StackName=template.name)

    def discard_left_over(self, name: str, region: str) -> int:
        """Delete change sets of ours that an interrupted run left behind; how many there were."""
        client = self._clients.client("cloudformation", region)
        with translated(f"cannot list the change sets of the stack {name} in {region}"):
            pages = client.get_paginator("list_change_sets").paginate(StackName=name)
            found = [each for page in pages for each in page["Summaries"]]
            old = [each for each in found if each["ChangeSetName"].startswith(TOKEN_PREFIX)]
            for each in old:
                client.delete_change_set(ChangeSetName=each["ChangeSetId"], StackName=name)
        return len(old)

    def _ready(self, client: Any, template: Template, change_set_id: str) -> ChangeSet:
        described = self._await(client, template, change_set_id)
        if described["Status"] == "FAILED":
            reason = self._explained(client, change_set_id, described.get("StatusReason", "").rstrip("."))
            self.discard(template, change_set_id)
            if any(words in reason for words in _NOTHING):
                return ChangeSet("", ())
            raise StackError(f"stack {template.name} in {template.region} cannot be changed", reason)
        with translated(f"cannot read a change set of the stack {template.name}"):
            pages = client.get_paginator("describe_change_set").paginate(
                ChangeSetName=change_set_id, StackName=template.name, IncludePropertyValues=True
            )
            changes = [each for page in pages for each in page.get("Changes", [])]
        return ChangeSet(change_set_id, from_change_set(changes, template.body))

    def _explained(self, client: Any, change_set_id: str, reason: str) -> str:
        """The reason with what validation found, which only DescribeEvents tells; as it is where that is refused.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
        """
        if "EarlyValidation" not in reason:
            return reason
        try:
            with translated("cannot read what validation found"):
                events = client.describe_events(ChangeSetName=change_set_id)["OperationEvents"]
        except (AccessError, AwsError):
            return reason
        failed = [each for each in events if each.get("ValidationFailureMode") == "FAIL"]
        return "; ".join(f"{each['LogicalResourceId']}: {each['ValidationStatusReason']}" for each in failed) or reason

    def _await(self, client: Any, template: Template, change_set_id: str) -> Mapping[str, Any]:
        def look() -> Mapping[str, Any] | None:
            with translated(f"cannot read a change set of the stack {template.name}"):
                described: Mapping[str, Any] = client.describe_change_set(
                    ChangeSetName=change_set_id, StackName=template.name
                )
            return None if described["Status"].endswith(("_PENDING", "_IN_PROGRESS")) else described

        return until(self._clock, look)

    def _tags(self) -> Mapping[str, str]:
        return {**self._site.tags, DECLARATION_TAG: self._site.name}


def role_argument(clients: Clients, site: Site) -> dict[str, str]:
    """The argument that makes CloudFormation work with the declared role; none where none is declared."""
    role = site.iam.service_role
    if role and "${AWS::AccountId}" in role:  # a declaration for several accounts names the role in each
        role = role.replace("${AWS::AccountId}", caller_account(clients))
    return {"RoleARN": role} if role else {}
