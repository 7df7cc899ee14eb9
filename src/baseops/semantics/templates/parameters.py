"""Holds given values against the Parameters section and gives each its type; knows no account.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from baseops.semantics.templates.errors import TemplateError

# Any: a declared parameter is JSON whose keys `validation` has checked.
Declared: TypeAlias = Mapping[str, Mapping[str, Any]]
Value: TypeAlias = str | list[str]

SSM_VALUE = "AWS::SSM::Parameter::Value<"

_AWS_TYPES = (
    "AWS::EC2::AvailabilityZone::Name",
    "AWS::EC2::Image::Id",
    "AWS::EC2::Instance::Id",
    "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName",
    "AWS::EC2::SecurityGroup::Id",
    "AWS::EC2::Subnet::Id",
    "AWS::EC2::Volume::Id",
    "AWS::EC2::VPC::Id",
    "AWS::Route53::HostedZone::Id",
)
_SINGLE = frozenset({"String", "Number", "AWS::SSM::Parameter::Name", *_AWS_TYPES})
_LISTS = frozenset({"CommaDelimitedList", "List<Number>", "List<String>", *(f"List<{each}>" for each in _AWS_TYPES)})
_SSM = frozenset(f"{SSM_VALUE}{inner}>" for inner in (_SINGLE - {"Number", "AWS::SSM::Parameter::Name"}) | _LISTS)

TYPES = _SINGLE | _LISTS | _SSM


def declared(template: Mapping[str, Any]) -> Declared:
    """The template's parameters by name."""
    return template.get("Parameters") or {}


def chosen(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Each declared parameter's text: the given one or the default, all constraints checked."""
    parameters = declared(template)
    strange = [name for name in given if name not in parameters]
    if strange:
        raise TemplateError(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    missing = [name for name, each in parameters.items() if name not in given and "Default" not in each]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    values = {name: given.get(name, _text(each.get("Default"))) for name, each in parameters.items()}
    for name, value in values.items():
        _check(name, parameters[name], value)
    return values


def typed(parameter: Mapping[str, Any], text: str) -> Value:
    """What Ref gives: a list for list types, text for all others (a Number stays text until used)."""
    inner = inner_type(parameter)
    if inner in _LISTS:
        return [item.strip() for item in text.split(",")] if text else []
    return text


def inner_type(parameter: Mapping[str, Any]) -> str:
    """The type of the value itself, also behind an `AWS::SSM::Parameter::Value<…>`."""
    name = str(parameter.get("Type", "String"))
    return name.removeprefix(SSM_VALUE)[:-1] if name.startswith(SSM_VALUE) else name


def is_stored(parameter: Mapping[str, Any]) -> bool:
    """Whether the value is the name of a Systems Manager parameter that holds the real one."""
    return str(parameter.get("Type", "")).startswith(SSM_VALUE)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def _check(name: str, parameter: Mapping[str, Any], value: str) -> None:
    failed = _violation(name, parameter, value)
    if not failed:
        return
    reason = parameter.get("ConstraintDescription")
    raise TemplateError(f"Parameter {name} failed to satisfy constraint: {reason}" if reason else failed)


def _violation(name: str, parameter: Mapping[str, Any], value: str) -> str:
    """CloudFormation's sentence on the first constraint that the value breaks, '' when it keeps all."""
    kind = str(parameter.get("Type", "String"))
    items = [item.strip() for item in value.split(",")] if kind in _LISTS else [value]
    allowed = parameter.get("AllowedValues")
    if allowed is not None and not {*items} <= {_text(each) for each in allowed}:
        return f"Parameter '{name}' must be one of AllowedValues"
    if kind in ("Number", "List<Number>"):
        return next((said for item in items if (said := _number(name, parameter, item))), "")
    return next((said for item in items if (said := _string(name, parameter, item))), "")


def _number(name: str, parameter: Mapping[str, Any], item: str) -> str:
    try:
        number = float(item)
    except ValueError:
        return f"Parameter '{name}' must be a number"
    if "MinValue" in parameter and number < float(parameter["MinValue"]):
        return f"Parameter '{name}' must be a number not less than {parameter['MinValue']}"
    if "MaxValue" in parameter and number > float(parameter["MaxValue"]):
        return f"Parameter '{name}' must be a number not greater than {parameter['MaxValue']}"
    return ""


def _string(name: str, parameter: Mapping[str, Any], item: str) -> str:
    pattern = parameter.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(str(pattern), item):
        return f"Parameter '{name}' must match pattern {pattern}"
    if "MinLength" in parameter and len(item) < int(parameter["MinLength"]):
        return f"Parameter '{name}' must contain at least {parameter['MinLength']} characters"
    if "MaxLength" in parameter and len(item) > int(parameter["MaxLength"]):
        return f"Parameter '{name}' must contain at most {parameter['MaxLength']} characters"
    return ""
