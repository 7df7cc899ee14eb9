"""The intrinsic functions that need nothing but their arguments, and how the arguments of the others are read."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.values import KNOWN_AFTER_APPLY, text

# Any: arguments and results are JSON of any shape.

VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:]+")

SUPPORTED = (
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Sub",
    "Fn::Cidr",
    "Fn::Length",
    "Fn::ToJsonString",
)


def attribute_of(argument: Any) -> tuple[str, Any]:
    """The resource and attribute of Fn::GetAtt, from `[name, attribute]` or `name.attribute`."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not all(parts) or not isinstance(parts[0], str):
        raise TemplateError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, "
            "the resource name and the resource attribute"
        )
    return parts[0], parts[1]


def sub_parts(argument: Any) -> tuple[str, Mapping[str, Any]]:
    """The string of Fn::Sub and its own variables."""
    parts = argument if isinstance(argument, list) else [argument, {}]
    if len(parts) != 2 or not isinstance(parts[0], str) or not isinstance(parts[1], Mapping):
        raise TemplateError(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
            "Specify a string as first argument, and an optional second argument to specify a mapping of values to "
            "replace in the string"
        )
    return parts[0], parts[1]


def variables(template: str) -> list[str]:
    """The names that Fn::Sub would replace; `${!Literal}` is none."""
    return [_checked(match[2].strip()) for match in VARIABLE.finditer(template) if not match[1]]


def substitute(template: str, value: Callable[[str], str]) -> str:
    """The string of Fn::Sub with every variable replaced and `${!Literal}` unescaped."""
    return VARIABLE.sub(
        lambda match: f"${{{match[2]}}}" if match[1] else value(_checked(match[2].strip())),
        template,
    )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise TemplateError(
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, "
            "underscores, periods, and colons"
        )
    return name


def map_keys(argument: Any) -> tuple[list[Any], Any]:
    """The three keys of Fn::FindInMap and the default that language extensions allow."""
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        raise TemplateError(
            "Template error: every Fn::FindInMap object requires three parameters, "
            "the map name, map key and the attribute for return value"
        )
    default = argument[3].get("DefaultValue") if len(argument) == 4 and isinstance(argument[3], Mapping) else None
    return argument[:3], default


def unknown(name: str, argument: Any) -> Any:
    """What a function gives when its argument is only known after apply."""
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
        return _join(argument)
    if name == "Fn::Select" and isinstance(argument, list) and isinstance(argument[1], list):
        return _select(argument)
    return KNOWN_AFTER_APPLY


def _join(argument: Any) -> str:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        raise TemplateError(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
            "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
        )
    return text(argument[0]).join(map(text, argument[1]))


def _split(argument: Any) -> list[str]:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string "
            "to be split or a function that returns a string to be split."
        )
    return text(argument[1]).split(text(argument[0]))


def _select(argument: Any) -> Any:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        raise TemplateError(
            "Template error: every Fn::Select object requires two non-null parameters, an integer index and a list."
        )
    index = int(text(argument[0]))
    if not 0 <= index < len(argument[1]):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return argument[1][index]


def _cidr(argument: Any) -> list[str]:
    block, count, bits = argument if len(argument) == 3 else (*argument, 8)
    network = ipaddress.ip_network(text(block), strict=False)
    prefix = network.max_prefixlen - int(text(bits))
    if prefix < network.prefixlen or 2 ** (prefix - network.prefixlen) < int(text(count)):
        raise TemplateError(f"Template error: Fn::Cidr could not generate {count} CIDRs from {block}")
    return [str(each) for each in islice(network.subnets(new_prefix=prefix), int(text(count)))]


def _to_json(argument: Any) -> str:
    return json.dumps(argument, separators=(",", ":"))


def _base64(argument: Any) -> str:
    return base64.b64encode(text(argument).encode()).decode()


PURE: Mapping[str, Callable[[Any], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Join": _join,
    "Fn::Length": len,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::ToJsonString": _to_json,
}
