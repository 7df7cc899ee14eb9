"""Holds a parsed template against CloudFormation's format and limits, in CloudFormation's words.

It looks at the template alone: whether a resource type or an attribute exists is the engine's question.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from baseops.semantics.templates import parameters
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.references import Reference, depends_on, references

# Any: templates are JSON of any shape until this module has looked at them.

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
RESOURCE_KEYS = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Description",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
_PARAMETER_KEYS = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
PSEUDO = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
_LIMITS = (("Resources", 500), ("Parameters", 200), ("Outputs", 200), ("Mappings", 200))
_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}
_LOGICAL = re.compile(r"[A-Za-z0-9]{1,255}")


def check(template: Mapping[str, Any]) -> None:
    """Raise what CloudFormation would say first; a template that passes can be resolved."""
    _check_sections(template)
    _check_limits(template)
    for name, parameter in parameters.declared(template).items():
        _check_parameter(name, parameter)
    for name, resource in template["Resources"].items():
        _check_resource(name, resource)
    _check_conditions(template)
    _check_references(template)
    check_outputs(template)


def _check_sections(template: Mapping[str, Any]) -> None:
    strange = sorted(key for key in template if key not in SECTIONS)
    if strange:
        raise TemplateError(f"Invalid template property or properties [{', '.join(strange)}]")
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise TemplateError(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    for section in SECTIONS - {"AWSTemplateFormatVersion", "Description", "Transform"}:
        if not isinstance(template.get(section) or {}, Mapping):
            raise TemplateError(f"Template format error: [/{section}] Value must be an object.")
    if not template.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")


def _check_limits(template: Mapping[str, Any]) -> None:
    for section, most in _LIMITS:
        count = len(template.get(section) or {})
        if count > most:
            raise TemplateError(
                f"Template format error: Number of {section.lower()}, {count}, is greater than maximum allowed, {most}"
            )
    if len(str(template.get("Description", "")).encode()) > 1024:
        raise TemplateError("Template format error: 'Description' length is greater than 1024.")


def _check_parameter(name: str, parameter: Any) -> None:
    if not _LOGICAL.fullmatch(name):
        raise TemplateError(f"Template format error: Parameter name {name} is non alphanumeric.")
    if not isinstance(parameter, Mapping) or "Type" not in parameter:
        raise TemplateError(
            f"Template format error: Every Parameters object must contain a Type member. [/Parameters/{name}]"
        )
    strange = sorted(key for key in parameter if key not in _PARAMETER_KEYS)
    if strange:
        raise TemplateError(f"Invalid template parameter property '{strange[0]}'")
    if parameter["Type"] not in parameters.TYPES:
        raise TemplateError(f"Template format error: Unrecognized parameter type: {parameter['Type']}")


def _check_resource(name: str, resource: Any) -> None:
    if not _LOGICAL.fullmatch(name):
        raise TemplateError(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(resource, Mapping):
        raise TemplateError("Template format error: Any Resources member must be an object.")
    if not isinstance(resource.get("Type"), str):
        raise TemplateError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    strange = sorted(key for key in resource if key not in RESOURCE_KEYS)
    if strange:
        raise TemplateError(f"Invalid template resource property '{strange[0]}'")
    if not isinstance(resource.get("Properties") or {}, Mapping):
        raise TemplateError("Template format error: Any Properties member must be a JSON object.")
    for key, allowed in _POLICIES.items():
        if resource.get(key) is not None and isinstance(resource[key], str) and resource[key] not in allowed:
            raise TemplateError(f"Template error: {key} {resource[key]} for resource {name} is not supported.")


def _check_conditions(template: Mapping[str, Any]) -> None:
    known = {*(template.get("Conditions") or {})}
    for section in ("Conditions", "Resources", "Outputs"):
        missing = sorted({*_conditions(template.get(section) or {}, top=section != "Conditions")} - known)
        if missing:
            raise TemplateError(
                f"Template format error: Unresolved condition dependency {missing[0]} in the {section} block of "
                "the template"
            )


def _conditions(value: Any, *, top: bool) -> Iterator[str]:
    """The condition names that a section uses: by Fn::If, by an entry's Condition, and between conditions."""
    if top:
        for entry in value.values():
            if isinstance(entry, Mapping) and isinstance(entry.get("Condition"), str):
                yield entry["Condition"]
    yield from _used_conditions(value, between=not top)


def _used_conditions(value: Any, *, between: bool) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _used_conditions(item, between=between)
    elif isinstance(value, Mapping):
        argument = value.get("Fn::If")
        if isinstance(argument, list) and argument and isinstance(argument[0], str):
            yield argument[0]
        if between and value.keys() == {"Condition"} and isinstance(value["Condition"], str):
            yield value["Condition"]
        for item in value.values():
            yield from _used_conditions(item, between=between)


def _check_references(template: Mapping[str, Any]) -> None:
    resources, known = template["Resources"], {*parameters.declared(template), *PSEUDO}
    for section in ("Resources", "Outputs"):
        check_resolved(section, _all_references(template.get(section) or {}), {*resources}, known)
    strange = sorted(each.name for each in references(template.get("Conditions") or {}) if each.name not in known)
    if strange:
        raise TemplateError(
            f"Template error: Unresolved dependencies [{', '.join(strange)}]. Cannot reference resources in the "
            "Conditions block of the template"
        )


def _all_references(entries: Mapping[str, Any]) -> Iterator[Reference]:
    for entry in entries.values():
        body = (
            {key: value for key, value in entry.items() if key != "Metadata"} if isinstance(entry, Mapping) else entry
        )
        yield from references(body)
        if isinstance(entry, Mapping):
            yield from (Reference(name, "DependsOn") for name in depends_on(entry))


def check_resolved(section: str, used: Iterable[Reference], resources: set[str], values: set[str]) -> None:
    """Refuse names that are neither a resource nor, for a plain Ref, a parameter or pseudo parameter."""
    found = list(used)
    undefined = [each for each in found if each.attribute not in ("", "DependsOn") and each.name not in resources]
    if undefined:
        raise TemplateError(f"Template error: instance of Fn::GetAtt references undefined resource {undefined[0].name}")
    missing = sorted(
        {each.name for each in found if each.name not in resources and not (each.name in values and not each.attribute)}
    )
    if missing:
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] in the {section} block of "
            "the template"
        )


def check_outputs(template: Mapping[str, Any]) -> None:
    """Every output is an object with a Value."""
    for name, output in (template.get("Outputs") or {}).items():
        if not isinstance(output, Mapping) or "Value" not in output:
            raise TemplateError(
                f"Template format error: Every Outputs member must contain a Value object. [/Outputs/{name}]"
            )
