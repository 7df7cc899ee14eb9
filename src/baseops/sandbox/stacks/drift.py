"""Compares what a stack remembers of its resources with what the services say now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.handler import Handler
from baseops.sandbox.stacks.records import Resource, Stack
from baseops.semantics.templates import dynamic
from baseops.semantics.templates.differences import Difference, differences
from baseops.semantics.templates.values import text

# Any: properties are JSON of any shape.

_WORDS = {"Add": "ADD", "Remove": "REMOVE", "Modify": "NOT_EQUAL"}


@dataclass(frozen=True)
class ResourceDrift:
    """What was found of one resource. `actual` is None for a resource that is gone."""

    resource: Resource
    status: str
    expected: Mapping[str, Any]
    actual: Mapping[str, Any] | None
    differences: tuple[Difference, ...]
    checked_at: datetime


@dataclass(frozen=True)
class Detection:
    """Detects the drift of one stack's resources."""

    engine: Engine
    stack: Stack

    def resource(self, resource: Resource) -> ResourceDrift:
        """Look at one resource, and remember the finding on it."""
        found = self._found(resource)
        self.stack.resources[resource.logical_id] = replace(
            resource, drift_status=found.status, drift_checked_at=found.checked_at
        )
        return found

    def _found(self, resource: Resource) -> ResourceDrift:
        now, kind = self.engine.now(), KINDS[resource.type]
        expected = resource.properties
        if not kind.drift:
            return ResourceDrift(resource, "NOT_CHECKED", expected, None, (), now)
        live = Handler(self.engine, self.stack).read(resource)
        if live is None:
            return ResourceDrift(resource, "DELETED", expected, None, (), now)
        expected = {
            name: value
            for name, value in expected.items()
            if name not in kind.write_only and not dynamic.contains(value)
        }
        actual = self._comparable(resource, expected, live)
        found = tuple(differences(_normal(expected), _normal(actual)))
        return ResourceDrift(resource, "MODIFIED" if found else "IN_SYNC", expected, actual, found, now)

    def _comparable(self, resource: Resource, expected: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
        """The live properties that the template states; tags without those of the stack and of AWS."""
        kind = KINDS[resource.type]
        actual = {name: live[name] for name in expected if name in live}
        name = kind.tag_property
        if kind.tags and name in live:
            own = _own_tags(live[name], expected.get(name), resource.stack_tags)
            if own or name in expected:
                actual[name] = own
        return actual


def _own_tags(live: Any, expected: Any, stack_tags: Mapping[str, str]) -> Any:
    if isinstance(live, Mapping):
        named = {*(expected or {})}
        return {key: value for key, value in live.items() if _is_own(key, text(value), named, stack_tags)}
    named = {tag["Key"] for tag in expected or ()}
    return [tag for tag in live if _is_own(tag["Key"], text(tag["Value"]), named, stack_tags)]


def _is_own(key: str, value: str, named: set[str], stack_tags: Mapping[str, str]) -> bool:
    return key in named or not (key.startswith("aws:") or stack_tags.get(key) == value)


def _normal(value: Any) -> Any:
    """Values in one form: documents parsed, lists whose order means nothing sorted."""
    if isinstance(value, Mapping):
        return {key: _normal(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((_normal(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, str) and value[:1] in "{[" and value[:1]:
        try:
            return _normal(json.loads(value))
        except ValueError:
            return value
    return value


def shown(stack: Stack, drift: ResourceDrift) -> dict[str, Any]:
    """One resource's drift in AWS's members."""
    resource = drift.resource
    return {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "StackResourceDriftStatus": drift.status,
        "Timestamp": drift.checked_at,
        "ExpectedProperties": json.dumps(drift.expected),
        "ActualProperties": json.dumps(drift.actual) if drift.actual is not None else None,
        "PropertyDifferences": [
            {
                "PropertyPath": each.pointer,
                "ExpectedValue": _word(each.before),
                "ActualValue": _word(each.after),
                "DifferenceType": _WORDS[each.change],
            }
            for each in drift.differences
        ],
    }


def _word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (Mapping, list)) else "null" if value is None else text(value)
