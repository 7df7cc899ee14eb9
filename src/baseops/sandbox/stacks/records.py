"""What the sandbox's CloudFormation remembers: stacks, resources, events, outputs. Plain data and its own updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baseops.sandbox.stacks.operation import Operation

# Any: templates and properties are JSON of any shape.

STACK_TYPE = "AWS::CloudFormation::Stack"
MASK = "****"


@dataclass(frozen=True)
class Resource:
    """A resource of a stack. `properties` are resolved but for dynamic references, without the stack's own tags."""

    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    status: str
    changed_at: datetime
    reason: str = ""
    needs: frozenset[str] = frozenset()
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    description: str = ""
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    imported: bool = False
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def is_held(self) -> bool:
        """Whether the stack still answers for something in the account; after a rollback it only remembers."""
        return bool(self.physical_id) and self.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    time: datetime
    reason: str = ""
    properties: str = ""
    token: str = ""


@dataclass(frozen=True)
class Output:
    """An output, and the name under which it is exported ('' for none)."""

    key: str
    value: str
    description: str = ""
    export: str = ""


@dataclass(frozen=True)
class Goal:
    """What a stack should become: a template with its conditions applied, and all that is resolved with it.

    `source` is the template as written, `body` its text; `parameters` are the texts given, `stored` the values of
    those that name Systems Manager parameters; `imports` maps logical ids to existing physical ids.
    """

    body: str
    source: Mapping[str, Any]
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    stored: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    role_arn: str = ""
    notification_arns: tuple[str, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The wanted resources by logical id."""
        wanted: Mapping[str, Mapping[str, Any]] = self.template["Resources"]
        return wanted

    @property
    def hidden(self) -> frozenset[str]:
        """The names of the parameters that are declared with NoEcho."""
        declared = self.source.get("Parameters") or {}
        return frozenset(name for name, each in declared.items() if str(each.get("NoEcho")).lower() == "true")

    def masked(self, text: str) -> str:
        """A text to show, with the values of hidden parameters as asterisks."""
        for value in sorted((self.parameters[name] for name in self.hidden & self.parameters.keys()), key=len)[::-1]:
            text = text.replace(value, MASK) if value else text
        return text


@dataclass(frozen=True)
class Former:
    """What a stack was before an update, for the way back."""

    goal: Goal | None
    resources: Mapping[str, Resource]


@dataclass
class Stack:
    """A stack of one account and region. `goal` is what it last reached; `former` is set while it can go back.

    `superseded` are old resources that a successful update will remove, `leftovers` new ones that a rollback will.
    """

    name: str
    id: str
    created_at: datetime
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    goal: Goal | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    events: list[Event] = field(default_factory=list)
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    former: Former | None = None
    pending: Goal | None = None
    superseded: list[Resource] = field(default_factory=list)
    leftovers: list[Resource] = field(default_factory=list)
    operation: Operation | None = None
    is_protected: bool = False
    disable_rollback: bool = False
    timeout_minutes: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it has been deleted; it can then only be found by its id."""
        return self.status == "DELETE_COMPLETE"

    @property
    def shown(self) -> Goal | None:
        """The goal whose parameters and description the stack shows: the one in work, else the one reached."""
        return self.pending or self.goal
