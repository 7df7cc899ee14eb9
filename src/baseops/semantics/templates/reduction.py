"""Applies conditions: gives a template in which nothing is conditional any more; resolves no other function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.semantics.templates.scope import Scope

# Any: templates are JSON of any shape.

_NOTHING = {"Ref": "AWS::NoValue"}


def reduced(scope: Scope) -> dict[str, Any]:
    """The scope's template with false resources and outputs gone and every Fn::If replaced by its branch."""
    template = dict(scope.template)
    for section in ("Resources", "Outputs"):
        entries = template.get(section) or {}
        template[section] = {name: _chosen(scope, each) for name, each in entries.items() if _wanted(scope, each)}
    return template


def _wanted(scope: Scope, entry: Mapping[str, Any]) -> bool:
    return "Condition" not in entry or scope.holds(entry["Condition"])


def _chosen(scope: Scope, value: Any) -> Any:
    if isinstance(value, list):
        return [chosen for each in value if (chosen := _chosen(scope, each)) != _NOTHING]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"Fn::If"} and isinstance(value["Fn::If"], list) and len(value["Fn::If"]) == 3:
        name, when_true, when_false = value["Fn::If"]
        return _chosen(scope, when_true if scope.holds(name) else when_false)
    return {key: chosen for key, each in value.items() if (chosen := _chosen(scope, each)) != _NOTHING}
