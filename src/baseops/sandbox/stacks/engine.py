"""What every stack operation needs of its account and region: time, clients, names, events, other stacks' exports."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.sandbox.kinds.kind import Context, Kind
from baseops.sandbox.stacks.records import STACK_TYPE, Event, Goal, Resource, Stack
from baseops.sandbox.ticker import Ticker
from baseops.semantics.templates import dynamic, parameters
from baseops.semantics.templates.scope import Known, Place, Scope

# Any: properties are JSON of any shape.

_RANDOM_NAME = string.ascii_uppercase + string.digits


@dataclass
class Engine:
    """The stacks of one account and region. `stacks` holds deleted ones as well, by id."""

    account_id: str
    region: str
    clients: Clients
    clock: Clock
    ticker: Ticker
    stacks: dict[str, Stack] = field(default_factory=dict)
    finished: list[Callable[[Stack], None]] = field(default_factory=list)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self.clock.now()

    def context(self, stack: Stack, logical_id: str) -> Context:
        """Where a kind works."""
        return Context(self.account_id, self.region, self.clients, self.clock, stack.name, stack.id, logical_id)

    def live(self) -> Iterator[Stack]:
        """The stacks that have not been deleted."""
        return (stack for stack in self.stacks.values() if not stack.is_gone)

    def exports(self) -> dict[str, tuple[Stack, str]]:
        """Every export of the region: its stack and value."""
        return {
            output.export: (stack, output.value) for stack in self.live() for output in stack.outputs if output.export
        }

    # --- events -------------------------------------------------------------------------------------------

    def stack_event(self, stack: Stack, status: str, reason: str = "", token: str = "") -> None:
        """Put a stack into a status and say so in its history."""
        stack.status, stack.reason = status, reason
        event = Event(
            _uuid(), stack.name, stack.id, STACK_TYPE, status, self.now(), reason, token=token or _token(stack)
        )
        stack.events.append(event)

    def resource_event(self, stack: Stack, resource: Resource, *, kept: bool = True) -> None:
        """Say a resource's status in the history and, where `kept`, remember the resource with it."""
        now = self.now()
        stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
        stack.events.append(
            Event(
                f"{resource.logical_id}-{resource.status}-{stamp}",
                resource.logical_id,
                resource.physical_id,
                resource.type,
                resource.status,
                now,
                resource.reason,
                _shown(stack, json.dumps(resource.properties)),
                _token(stack),
            )
        )
        if kept:
            stack.resources[resource.logical_id] = replace(resource, changed_at=now)

    # --- values -------------------------------------------------------------------------------------------

    def place(self, stack: Stack, goal: Goal) -> Place:
        """The pseudo parameters of a stack."""
        zones = {self.region: tuple(f"{self.region}{letter}" for letter in "abc")}
        return Place(self.account_id, self.region, stack.name, stack.id, goal.notification_arns, zones)

    def scope(self, stack: Stack, goal: Goal, known: Mapping[str, Known], *, predicting: bool = False) -> Scope:
        """What resolves a goal's template, given the resources that exist."""
        exports = {name: value for name, (_, value) in self.exports().items()}
        return Scope(goal.source, values(goal), self.place(stack, goal), known, exports, predicting)

    def actual(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """The properties with dynamic references looked up, as they go to the service."""
        if not dynamic.contains(properties):
            return properties
        looked_up: Mapping[str, Any] = dynamic.replaced(properties, self._look_up)
        return looked_up

    def _look_up(self, reference: dynamic.StoredParameter | dynamic.StoredSecret) -> str:
        if isinstance(reference, dynamic.StoredParameter):
            name = f"{reference.name}:{reference.version}" if reference.version else reference.name
            client = self.clients.client("ssm", self.region)
            return str(client.get_parameter(Name=name, WithDecryption=reference.secure)["Parameter"]["Value"])
        return self._secret(reference)

    def _secret(self, reference: dynamic.StoredSecret) -> str:
        client = self.clients.client("secretsmanager", self.region)
        version = {"VersionId": reference.version} if reference.version else {}
        stage = {"VersionStage": reference.stage} if reference.stage else {}
        value = client.get_secret_value(SecretId=reference.secret_id, **version, **stage)["SecretString"]
        return str(json.loads(value)[reference.json_key] if reference.json_key else value)

    def physical_name(self, stack: Stack, logical_id: str, kind: Kind) -> str:
        """A generated name, `stack-logical-RANDOM12`, within what the type allows."""
        room = (kind.name_limit - 14) // 2
        suffix = "".join(mock_random.choice(_RANDOM_NAME) for _ in range(12))
        name = f"{stack.name[: max(room, kind.name_limit - 14 - len(logical_id))]}-{logical_id[:room]}-{suffix}"
        return name.lower() if kind.lower_names else name


def values(goal: Goal) -> dict[str, parameters.Value]:
    """The parameters as Ref gives them: typed, and looked up where they name a stored parameter."""
    known = parameters.declared(goal.source)
    return {name: parameters.typed(known[name], goal.stored.get(name, text)) for name, text in goal.parameters.items()}


def known_resources(stack: Stack) -> dict[str, Known]:
    """What exists of a stack, for Ref and Fn::GetAtt."""
    return {
        name: Known(each.physical_id, each.attributes) for name, each in stack.resources.items() if each.physical_id
    }


def _uuid() -> str:
    return str(mock_random.uuid4())


def _shown(stack: Stack, text: str) -> str:
    for goal in (stack.pending, stack.goal):
        text = goal.masked(text) if goal else text
    return text


def _token(stack: Stack) -> str:
    return stack.shown.token if stack.shown else ""
