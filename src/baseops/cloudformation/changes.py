"""What a change set or a comparison of templates would do, as frozen values for plan, its JSON and its table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from baseops.contract.types import Json

Action = Literal["add", "modify", "replace", "maybe-replace", "remove", "import"]

HOLDS_DATA = frozenset(
    {
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
    }
)
"""Types whose removal or replacement loses data, or makes other data unreadable."""

REPLACES_DATA = frozenset(
    {("AWS::SecretsManager::Secret", "GenerateSecretString"), ("AWS::SecretsManager::Secret", "SecretString")}
)
"""Properties whose change in place puts other data in the place of the live one."""


@dataclass(frozen=True)
class PropertyChange:
    """One property: its path, values before and after as AWS prints them, and whether it forces a replacement."""

    name: str
    before: str
    after: str
    recreates: bool = False


@dataclass(frozen=True)
class Change:
    """What would happen to one resource. `loses_data` is set where data would be gone or unreadable."""

    action: Action
    logical_id: str
    type: str
    physical_id: str = ""
    properties: tuple[PropertyChange, ...] = ()
    loses_data: bool = False


@dataclass(frozen=True)
class StackPlan:
    """All changes of one stack. `source` is `aws` (a real change set) or `compiled` (nothing to compare with yet)."""

    stack: str
    name: str
    region: str
    source: Literal["aws", "compiled"]
    changes: tuple[Change, ...] = ()
    note: str = ""


_ACTIONS: Mapping[str, Action] = {"Add": "add", "Remove": "remove", "Import": "import"}
_REPLACEMENT: Mapping[str, Action] = {"True": "replace", "Conditional": "maybe-replace"}


def from_change_set(changes: Sequence[Mapping[str, Any]], template: Mapping[str, Json]) -> tuple[Change, ...]:
    """The changes of a described change set (`Any`: botocore's response), with lost data called out."""
    found = [_change(each["ResourceChange"], template) for each in changes if each.get("Type") == "Resource"]
    return tuple(sorted(found, key=lambda change: (change.action, change.logical_id)))


def _change(resource: Mapping[str, Any], template: Mapping[str, Json]) -> Change:
    action = _ACTIONS.get(resource["Action"]) or _REPLACEMENT.get(resource.get("Replacement", ""), "modify")
    return Change(
        action=action,
        logical_id=resource["LogicalResourceId"],
        type=resource["ResourceType"],
        physical_id=resource.get("PhysicalResourceId", ""),
        properties=(properties := _properties(resource.get("Details", []))),
        loses_data=_loses_data(action, resource, template) or _replaces_data(resource["ResourceType"], properties),
    )


def _properties(details: Sequence[Mapping[str, Any]]) -> tuple[PropertyChange, ...]:
    found: dict[str, PropertyChange] = {}
    for detail in details:
        target = detail.get("Target", {})
        name = target.get("Path") or target.get("Name") or target.get("Attribute", "")
        recreates = target.get("RequiresRecreation", "Never") != "Never"
        change = PropertyChange(name, target.get("BeforeValue", ""), target.get("AfterValue", ""), recreates)
        # A property may be listed once as static and once as dynamic: the one with values says more.
        if name not in found or (change.after and not found[name].after):
            found[name] = change
    return tuple(found[name] for name in sorted(found))


def _loses_data(action: Action, resource: Mapping[str, Any], template: Mapping[str, Json]) -> bool:
    kind = resource["ResourceType"]
    if kind not in HOLDS_DATA or action not in ("remove", "replace", "maybe-replace"):
        return False
    policy = resource.get("PolicyAction", "")
    if policy:
        return "Retain" not in policy
    key = "DeletionPolicy" if action == "remove" else "UpdateReplacePolicy"
    resources = template.get("Resources")
    declared = resources.get(resource["LogicalResourceId"]) if isinstance(resources, dict) else None
    return not (isinstance(declared, dict) and str(declared.get(key)).startswith("Retain"))


def _replaces_data(kind: str, properties: Sequence[PropertyChange]) -> bool:
    names = {change.name.strip("/").removeprefix("Properties/").split("/")[0] for change in properties}
    return any((kind, name) in REPLACES_DATA for name in names)


def from_templates(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[Change, ...]:
    """What differs between two templates, without asking AWS: additions, removals and changed properties."""
    old, new = _resources(before), _resources(after)
    changes = [Change("add", name, str(new[name]["Type"])) for name in sorted(new.keys() - old.keys())]
    changes += [_removal(name, old[name]) for name in sorted(old.keys() - new.keys())]
    for name in sorted(new.keys() & old.keys()):
        properties = _compare(old[name].get("Properties"), new[name].get("Properties"))
        if properties:
            kind = str(new[name]["Type"])
            lost = _replaces_data(kind, properties)
            changes.append(Change("modify", name, kind, properties=properties, loses_data=lost))
    return tuple(changes)


def _removal(logical_id: str, resource: Mapping[str, Json]) -> Change:
    kind = str(resource["Type"])
    kept = str(resource.get("DeletionPolicy")).startswith("Retain")
    return Change("remove", logical_id, kind, loses_data=kind in HOLDS_DATA and not kept)


def _resources(template: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    found = template.get("Resources")
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _compare(before: Json, after: Json) -> tuple[PropertyChange, ...]:
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return tuple(PropertyChange(name, _text(old.get(name)), _text(new.get(name))) for name in names)


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
