"""Computes what a change set says: template against template, never against the live resources.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Kind
from baseops.sandbox.stacks.engine import Engine, known_resources, values
from baseops.sandbox.stacks.records import Goal, Output, Resource, Stack
from baseops.semantics.templates.differences import Difference, differences
from baseops.semantics.templates.references import Reference, dependencies, order, references
from baseops.semantics.templates.scope import Known, Scope
from baseops.semantics.templates.values import KNOWN_AFTER_APPLY, is_known, same, text

# Any: templates and properties are JSON of any shape.

State = Literal["added", "same", "modified", "conditional", "replaced"]


@dataclass(frozen=True)
class Detail:
    """One reason why a resource changes. `attribute` is Properties, Tags, Metadata or a policy."""

    attribute: str
    name: str = ""
    path: str = ""
    before: Any = None
    after: Any = None
    change: str = "Modify"
    recreation: str = "Never"
    evaluation: str = "Static"
    source: str = "DirectModification"
    causing: str = ""


@dataclass(frozen=True)
class ResourceChange:
    """What will happen to one resource. The contexts are its resolved definition before and after."""

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    details: tuple[Detail, ...] = ()
    policy_action: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    @property
    def scope(self) -> list[str]:
        """The attributes that change."""
        return list(dict.fromkeys(detail.attribute for detail in self.details))


@dataclass
class Comparison:
    """Compares a stack as it is remembered with a goal."""

    engine: Engine
    stack: Stack
    goal: Goal
    _states: dict[str, State] = field(default_factory=dict)
    _known: dict[str, Known] = field(default_factory=dict)

    def changes(self) -> list[ResourceChange]:
        """Every change, by logical id."""
        self._known = known_resources(self.stack)
        found = [self._change(name) for name in order(dependencies(self.goal.resources))]
        found += [_removed(each) for name, each in self.stack.resources.items() if name not in self.goal.resources]
        return sorted((each for each in found if each), key=lambda each: each.logical_id)

    def changes_outputs(self) -> bool:
        """Whether an output is added, removed or gets another value; asked after `changes`."""
        scope = self._scope()
        wanted = {
            name: (text(scope.resolve(each["Value"])), str(each.get("Description", "")), _export(scope, each))
            for name, each in (self.goal.template.get("Outputs") or {}).items()
        }
        return wanted != {each.key: _output(each) for each in self.stack.outputs}

    def _scope(self) -> Scope:
        return self.engine.scope(self.stack, self.goal, self._known, predicting=True)

    def _change(self, name: str) -> ResourceChange | None:
        entry, old = self.goal.resources[name], self.stack.resources.get(name)
        after = self._scope().resolve(entry.get("Properties") or {})
        if old is None or not old.physical_id:
            return self._added(name, entry, after)
        kind = KINDS[old.type]
        details = [*self._static(kind, entry, old, after), *self._dynamic(kind, entry, old, after)]
        details += _other_attributes(kind, entry, old, self.goal)
        replacement = _replacement(details)
        self._note(name, details, replacement)
        if not details and not old.status.endswith("_FAILED"):
            return None
        return ResourceChange(
            "Modify",
            name,
            old.type,
            old.physical_id,
            replacement,
            tuple(details),
            _replace_action(entry) if replacement == "True" else "",
            _context(old.properties, old.deletion_policy, old.replace_policy),
            _context(after, _policy(entry, "DeletionPolicy"), _policy(entry, "UpdateReplacePolicy")),
        )

    def _added(self, name: str, entry: Mapping[str, Any], after: Mapping[str, Any]) -> ResourceChange:
        self._states[name] = "added"
        physical_id = self.goal.imports.get(name, "")
        context = _context(after, _policy(entry, "DeletionPolicy"), _policy(entry, "UpdateReplacePolicy"))
        if physical_id:
            self._states[name] = "same"
        return ResourceChange("Import" if physical_id else "Add", name, entry["Type"], physical_id, after=context)

    def _note(self, name: str, details: list[Detail], replacement: str) -> None:
        """Remember what follows for resources that refer to this one."""
        if replacement == "True":
            self._states[name] = "replaced"
            del self._known[name]
        elif replacement == "Conditional":
            self._states[name] = "conditional"
        else:
            self._states[name] = "modified" if details else "same"

    # --- details ------------------------------------------------------------------------------------------

    def _static(
        self, kind: Kind, entry: Mapping[str, Any], old: Resource, after: Mapping[str, Any]
    ) -> Iterator[Detail]:
        for each in differences(old.properties, after):
            source, causing = self._source(entry.get("Properties", {}).get(each.name), each)
            yield Detail(
                "Properties",
                each.name,
                f"/Properties{each.pointer}",
                each.before,
                each.after,
                each.change,
                _recreation(kind, each.name),
                "Static",
                source,
                causing,
            )

    def _source(self, raw: Any, difference: Difference) -> tuple[str, str]:
        """Why a property changes: a resource that gets a new id, a parameter, or the template itself."""
        used = references(raw)
        if not is_known(difference.after):
            for each in used:
                if self._states.get(each.name) in ("added", "replaced"):
                    return _because_of(each)
        for each in used:
            if not each.attribute and each.name in self.goal.parameters and self._differs(each.name):
                return "ParameterReference", each.name
        return "DirectModification", ""

    def _differs(self, parameter: str) -> bool:
        former = values(self.stack.goal) if self.stack.goal else {}
        return former.get(parameter) != values(self.goal)[parameter]

    def _dynamic(
        self, kind: Kind, entry: Mapping[str, Any], old: Resource, after: Mapping[str, Any]
    ) -> Iterator[Detail]:
        """Properties that may change because a resource that they ask for an attribute changes."""
        for name, raw in (entry.get("Properties") or {}).items():
            if not same(old.properties.get(name), after.get(name)):
                continue
            for each in references(raw):
                if not self._may_change(each):
                    continue
                source, causing = _because_of(each)
                yield Detail(
                    "Properties",
                    name,
                    f"/Properties/{name}",
                    old.properties.get(name),
                    KNOWN_AFTER_APPLY,
                    "Modify",
                    _recreation(kind, name),
                    "Dynamic",
                    source,
                    causing,
                )

    def _may_change(self, reference: Reference) -> bool:
        state = self._states.get(reference.name)
        return state == "conditional" or (state == "modified" and bool(reference.attribute))


def _because_of(reference: Reference) -> tuple[str, str]:
    if reference.attribute:
        return "ResourceAttribute", f"{reference.name}.{reference.attribute}"
    return "ResourceReference", reference.name


def _recreation(kind: Kind, name: str) -> str:
    if name in kind.create_only:
        return "Always"
    return "Conditionally" if name in kind.conditional else "Never"


def _replacement(details: list[Detail]) -> str:
    if any(each.recreation == "Always" and each.evaluation == "Static" for each in details):
        return "True"
    return "Conditional" if any(each.recreation != "Never" for each in details) else "False"


def _other_attributes(kind: Kind, entry: Mapping[str, Any], old: Resource, goal: Goal) -> Iterator[Detail]:
    if kind.tags and dict(old.stack_tags) != dict(goal.tags):
        yield Detail("Tags", "", "/Tags", dict(old.stack_tags), dict(goal.tags))
    if (entry.get("Metadata") or {}) != (old.metadata or {}):
        yield Detail("Metadata", "", "/Metadata", old.metadata, entry.get("Metadata"))
    for attribute, before in (("DeletionPolicy", old.deletion_policy), ("UpdateReplacePolicy", old.replace_policy)):
        if _policy(entry, attribute) != before:
            yield Detail(attribute, "", f"/{attribute}", before, _policy(entry, attribute))


def _policy(entry: Mapping[str, Any], attribute: str) -> str:
    return str(entry.get(attribute, "Delete"))


def _replace_action(entry: Mapping[str, Any]) -> str:
    policy = _policy(entry, "UpdateReplacePolicy")
    return f"ReplaceAnd{policy}"


def _removed(resource: Resource) -> ResourceChange:
    policy = "Retain" if resource.deletion_policy.startswith("Retain") else resource.deletion_policy
    return ResourceChange(
        "Remove",
        resource.logical_id,
        resource.type,
        resource.physical_id,
        policy_action=policy,
        before=_context(resource.properties, resource.deletion_policy, resource.replace_policy),
    )


def _context(properties: Mapping[str, Any], deletion_policy: str, replace_policy: str) -> Mapping[str, Any]:
    context: dict[str, Any] = {"Properties": properties}
    if deletion_policy != "Delete":
        context["DeletionPolicy"] = deletion_policy
    if replace_policy != "Delete":
        context["UpdateReplacePolicy"] = replace_policy
    return context


def _export(scope: Scope, output: Mapping[str, Any]) -> str:
    return text(scope.resolve(output["Export"]["Name"])) if "Export" in output else ""


def _output(output: Output) -> tuple[str, str, str]:
    return output.value, output.description, output.export


def shown_value(value: Any) -> str:
    """A value in a change set's details: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
