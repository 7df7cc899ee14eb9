"""Templates: validated, shown, summed up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.stacks.goals import Request, ValidationError, check_types
from baseops.sandbox.stacks.operations.room import StackRoom
from baseops.semantics.templates import capabilities, parameters, validation
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.parse import parse
from baseops.semantics.templates.references import dependencies, order
from baseops.semantics.templates.values import text

# Any: members of AWS's shapes, and templates.


class TemplateOperations(StackRoom):
    """ValidateTemplate and its kind."""

    def validate_template(self, template_body: str | None = None, template_url: str | None = None) -> Mapping[str, Any]:
        """What a template asks for; one that is wrong is refused."""
        source = self._checked(Request(template_body, template_url))
        return {
            **_capabilities(source),
            "Description": source.get("Description"),
            "Parameters": [
                {
                    "ParameterKey": name,
                    "DefaultValue": _default(each),
                    "NoEcho": _is_hidden(each),
                    "Description": each.get("Description"),
                }
                for name, each in parameters.declared(source).items()
            ],
        }

    def get_template(
        self, stack_name: str | None = None, change_set_name: str | None = None, template_stage: str | None = None
    ) -> Mapping[str, Any]:
        """The text of a stack's template, or of a change set's."""
        goal = None
        if change_set_name:
            goal = next(
                (each.goal for each in self.change_sets.values() if change_set_name in (each.id, each.name)), None
            )
        elif stack_name:
            goal = self.stack(stack_name).goal
        return {"TemplateBody": goal.body if goal else "", "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, stack_name: str | None = None, **members: Any) -> Mapping[str, Any]:
        """Parameters, types, capabilities, and how each resource is identified for an import."""
        if stack_name:
            goal = self.stack(stack_name).goal
            source: Mapping[str, Any] = goal.source if goal else {}
        else:
            source = self._checked(Request(members.get("template_body"), members.get("template_url")))
        return {
            **_capabilities(source),
            "Description": source.get("Description"),
            "Metadata": text(source["Metadata"]) if "Metadata" in source else None,
            "Parameters": [_declaration(name, each) for name, each in parameters.declared(source).items()],
            "ResourceIdentifierSummaries": _identifiers(source),
            "ResourceTypes": sorted({each["Type"] for each in source.get("Resources", {}).values()}),
            "Version": source.get("AWSTemplateFormatVersion"),
        }

    def _checked(self, request: Request) -> Mapping[str, Any]:
        body = self.goals.body(request, None)
        try:
            source = parse(body)
            validation.check(source)
            check_types(source)
            if not source.get("Conditions"):
                order(dependencies(source["Resources"]))
        except TemplateError as error:
            raise ValidationError(str(error)) from error
        return source


def _capabilities(source: Mapping[str, Any]) -> dict[str, Any]:
    needed = capabilities.needed(source)
    types = capabilities.iam_types(source)
    reason = f"The following resource(s) require capabilities: [{', '.join(types)}]" if types else None
    return {"Capabilities": needed, "CapabilitiesReason": reason}


def _default(parameter: Mapping[str, Any]) -> str | None:
    return text(parameter["Default"]) if "Default" in parameter else None


def _is_hidden(parameter: Mapping[str, Any]) -> bool:
    return str(parameter.get("NoEcho", "false")).lower() == "true"


def _declaration(name: str, parameter: Mapping[str, Any]) -> dict[str, Any]:
    allowed = [text(each) for each in parameter.get("AllowedValues", ())]
    return {
        "ParameterKey": name,
        "DefaultValue": _default(parameter),
        "ParameterType": parameter["Type"],
        "NoEcho": _is_hidden(parameter),
        "Description": parameter.get("Description"),
        "ParameterConstraints": {"AllowedValues": allowed} if allowed else {},
    }


def _identifiers(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    by_type: dict[str, list[str]] = {}
    for name, each in source.get("Resources", {}).items():
        by_type.setdefault(each["Type"], []).append(name)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": list(KINDS[kind].identifier)}
        for kind, names in sorted(by_type.items())
        if KINDS[kind].importable
    ]
