"""Resolves the outputs of a stack and guards the exports among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.stacks.engine import Engine, known_resources
from baseops.sandbox.stacks.records import Goal, Output, Stack
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.scope import Scope
from baseops.semantics.templates.values import text

# Any: templates are JSON of any shape.


def resolved_outputs(engine: Engine, stack: Stack, goal: Goal) -> tuple[Output, ...]:
    """The outputs of a goal against what exists; an export that is taken or still used is refused."""
    scope = engine.scope(stack, goal, known_resources(stack))
    outputs = tuple(_output(scope, name, each) for name, each in (goal.template.get("Outputs") or {}).items())
    for output in outputs:
        _check_export(engine, stack, output)
    kept = {output.export: output.value for output in outputs}
    for former in stack.outputs:
        if former.export and kept.get(former.export) != former.value:
            refuse_if_imported(engine, stack, former.export)
    return outputs


def _output(scope: Scope, name: str, entry: Mapping[str, Any]) -> Output:
    value = scope.resolve(entry["Value"])
    if isinstance(value, (list, Mapping)):
        raise TemplateError(
            f"Template format error: The Value field of every Outputs member must evaluate to a String. [{name}]"
        )
    export = entry.get("Export") or {}
    exported = text(scope.resolve(export["Name"])) if "Name" in export else ""
    return Output(name, text(value), str(entry.get("Description", "")), exported)


def _check_export(engine: Engine, stack: Stack, output: Output) -> None:
    owner = engine.exports().get(output.export)
    if output.export and owner and owner[0] is not stack:
        raise TemplateError(f"Export with name {output.export} is already exported by stack {owner[0].name}")


def importers(engine: Engine, export: str) -> list[str]:
    """The names of the stacks that import a value."""
    return [each.name for each in engine.live() if each.goal and export in _imported(engine, each, each.goal)]


def refuse_if_imported(engine: Engine, stack: Stack, export: str) -> None:
    """Exports that another stack imports cannot go or change."""
    users = [name for name in importers(engine, export) if name != stack.name]
    if users:
        raise TemplateError(f"Export {export} cannot be deleted as it is in use by {', '.join(users)}")


def _imported(engine: Engine, stack: Stack, goal: Goal) -> set[str]:
    scope = engine.scope(stack, goal, known_resources(stack), predicting=True)
    return {text(scope.resolve(each)) for each in _import_values(goal.template)}


def _import_values(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for each in value for found in _import_values(each)]
    if not isinstance(value, Mapping):
        return []
    if value.keys() == {"Fn::ImportValue"}:
        return [value["Fn::ImportValue"]]
    return [found for each in value.values() for found in _import_values(each)]
