"""Reads a template body, JSON or YAML with short forms, into JSON values; never looks at what they mean."""

from __future__ import annotations

import json
from typing import Any

import yaml

from baseops.semantics.templates.errors import TemplateError

# Any: a template is JSON of any shape until `validation` has looked at it.

BODY_LIMIT = 51_200
URL_LIMIT = 1_048_576
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_BARE = frozenset({"Ref", "Condition"})


class _Loader(yaml.CSafeLoader):
    """Safe YAML with `!Ref` and its kind; dates stay text, as `Version: 2012-10-17` has to."""


def _short_form(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the third kind of node
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _BARE else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def parse(body: str) -> dict[str, Any]:
    """The template as JSON values; a body that starts with a brace is JSON, any other YAML."""
    template = _json(body) if body.lstrip().startswith("{") else _yaml(body)
    if not isinstance(template, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return template


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        place = f"(line {error.lineno}, column {error.colno})"
        raise TemplateError(f"Template format error: JSON not well-formed. {place}") from error


def _yaml(body: str) -> Any:
    try:
        return yaml.load(body, _Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise TemplateError(f"Template format error: YAML not well-formed.{place}") from error
    except (yaml.YAMLError, TypeError) as error:
        raise TemplateError(f"Template format error: {error}") from error
