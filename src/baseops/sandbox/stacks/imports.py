"""Says which existing resources a change set takes into a stack, by what the caller names or by custom names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.stacks.engine import Engine, known_resources
from baseops.sandbox.stacks.goals import ValidationError
from baseops.sandbox.stacks.records import Goal, Stack
from baseops.sandbox.stacks.removal import KEPT
from baseops.semantics.templates.errors import TemplateError

# Any: templates are JSON of any shape.


def explicit(engine: Engine, stack: Stack, goal: Goal, sent: Iterable[Mapping[str, Any]]) -> Goal:
    """The goal with the resources that the caller names by identifier (change set type IMPORT).

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources.html
    """
    named = {each["LogicalResourceId"]: each for each in sent}
    added = [name for name in goal.resources if name not in stack.resources]
    strange = [name for name in added if name not in named]
    if strange:
        raise ValidationError("As part of the import operation, you cannot modify or add [Resources]")
    unknown = [name for name in named if name not in added]
    if unknown:
        raise ValidationError(f"Resources [{', '.join(unknown)}] are not in the template or already in the stack")
    without = [name for name in added if "DeletionPolicy" not in goal.resources[name]]
    if without:
        raise ValidationError(
            f"The following resources to import [{', '.join(without)}] must have DeletionPolicy attribute specified "
            "in the template."
        )
    return replace(goal, imports={name: _found(engine, stack, goal, name, each) for name, each in named.items()})


def _found(engine: Engine, stack: Stack, goal: Goal, name: str, sent: Mapping[str, Any]) -> str:
    type_name = goal.resources[name]["Type"]
    kind, identifier = KINDS[type_name], sent["ResourceIdentifier"]
    if sent["ResourceType"] != type_name:
        raise ValidationError(f"ResourceType [{sent['ResourceType']}] does not match the template's [{type_name}]")
    if not kind.importable:
        raise ValidationError(f"ResourceTypes [{type_name}] are not supported for Import")
    if {*identifier} != {*kind.identifier}:
        raise ValidationError(
            f"Invalid ResourceIdentifier for {name}: expected [{', '.join(kind.identifier)}], "
            f"got [{', '.join(identifier)}]"
        )
    ctx = engine.context(stack, name)
    physical_id = kind.found(ctx, identifier)
    if kind.read(ctx, physical_id, {**_properties(engine, stack, goal, name), **identifier}) is None:
        raise ValidationError(f"Resource {physical_id} of type {type_name} does not exist")
    owner = owner_of(engine, type_name, physical_id)
    if owner:
        raise ValidationError(f"Resource {physical_id} already exists in stack {owner.id}")
    return physical_id


def by_name(engine: Engine, stack: Stack, goal: Goal) -> Goal:
    """The goal with every new resource that exists under its custom name and belongs to no stack.

    ImportExistingResources takes static names alone, and asks for a DeletionPolicy that retains:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    found = {name: _existing(engine, stack, goal, name) for name in goal.resources if name not in stack.resources}
    imports = {name: physical_id for name, physical_id in found.items() if physical_id}
    loose = [name for name in imports if goal.resources[name].get("DeletionPolicy") not in KEPT]
    if loose:
        affected = ", ".join(f"{name} ({{{_identified(goal, name)}}})" for name in loose)
        raise TemplateError(
            "CloudFormation is attempting to import some resources because they already exist in your account. The "
            "resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the "
            f"template for successful import. The affected resources are {affected}"
        )
    return replace(goal, imports=imports)


def _existing(engine: Engine, stack: Stack, goal: Goal, name: str) -> str | None:
    entry = goal.resources[name]
    kind, written = KINDS[entry["Type"]], entry.get("Properties") or {}
    if not kind.importable or not all(isinstance(written.get(each), str) for each in kind.identifier):
        return None
    ctx = engine.context(stack, name)
    claimed = kind.named(ctx, written)
    if claimed is None or kind.read(ctx, claimed, written) is None:
        return None
    return None if owner_of(engine, kind.type, claimed) else claimed


def _identified(goal: Goal, name: str) -> str:
    entry = goal.resources[name]
    return ", ".join(f"{each}={entry['Properties'][each]}" for each in KINDS[entry["Type"]].identifier)


def owner_of(engine: Engine, type_name: str, physical_id: str) -> Stack | None:
    """The stack that holds a resource."""
    for stack in engine.live():
        for each in stack.resources.values():
            if each.is_held and each.type == type_name and each.physical_id == physical_id:
                return stack
    return None


def _properties(engine: Engine, stack: Stack, goal: Goal, name: str) -> Mapping[str, Any]:
    scope = engine.scope(stack, goal, known_resources(stack), predicting=True)
    resolved: Mapping[str, Any] = scope.resolve(goal.resources[name].get("Properties") or {})
    return resolved
