"""The JSON schema of a declaration, in the shape of the file: entries stand directly under their area.

For editors that complete and explain as one types; what it accepts, `load` may still refuse with better words.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from baseops.contract.area import SpecPart
from baseops.contract.types import AreaName, Json
from baseops.declaration.model import Top
from baseops.fields import print_duration

# A JSON schema is plain data; pydantic types it so.
_Schema: TypeAlias = dict[str, Any]

_AREAS: tuple[AreaName, ...] = get_args(AreaName)
_REF = "#/$defs/"


def declaration_schema(specs: Mapping[AreaName, SpecPart]) -> dict[str, Json]:
    """The schema of the whole declaration (draft 2020-12) with the areas of `specs`."""
    models: list[type[BaseModel]] = [Top, *(specs[area].Section for area in _AREAS if area in specs)]
    made, whole = models_json_schema([(model, "validation") for model in models], schema_generator=_Generator)
    defs: dict[str, _Schema] = whole["$defs"]
    parts = {model: defs.pop(made[model, "validation"]["$ref"].removeprefix(_REF)) for model in models}
    root = parts[Top]
    for area in _AREAS:
        root["properties"].pop(area)
    claims: _Schema = {}
    for area in (area for area in _AREAS if area in specs):
        root["properties"][area], claims[area] = _area(parts[specs[area].Section])
    root["properties"]["account"] = _claims(root["properties"]["account"], claims)
    root["patternProperties"] = {"^x-": {"description": "Anything: a place for what anchors repeat."}}
    root |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "baseops declaration"}
    return {**root, "$defs": _used(root, defs)}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with the docstrings under fields as their descriptions, and durations as we write them."""

    def encode_default(self, dft: Any) -> Any:  # Any: pydantic's own signature
        return print_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        documented = _docstrings(schema["cls"])
        for name, info in schema["cls"].model_fields.items():
            found = made.get("properties", {}).get(info.alias or name)
            if found is not None and name in documented:
                found.setdefault("description", documented[name])
        return made


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each field, read from the source only here: at every start it would cost too much."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _docstrings_of_class(base)
    return found


def _docstrings_of_class(model: type[BaseModel]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}  # made at run time: it has no source
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(after.value.value)
        for field, after in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    }


def _area(section: _Schema) -> tuple[_Schema, _Schema]:
    """The schema of what stands under an area's name, and of its claims under `account`."""
    properties = section.get("properties", {})
    entries = properties.get("entries", section)
    kept = {name: entries[name] for name in ("additionalProperties", "patternProperties") if name in entries}
    described = {"description": section["description"]} if "description" in section else {}
    area: _Schema = {**described, "type": ["object", "null"], **kept}
    return area, properties.get("account", {"type": "object"})


def _claims(account: _Schema, claims: _Schema) -> _Schema:
    """The schema of `account`: each area's own claims and nothing else."""
    kept: _Schema = {name: account[name] for name in ("title", "description") if name in account}
    return {**kept, "type": ["object", "null"], "properties": claims, "additionalProperties": False}


def _used(root: _Schema, defs: Mapping[str, _Schema]) -> dict[str, _Schema]:
    """The definitions that the schema leads to, by name."""
    names: set[str] = set()
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix(_REF)
            if name in defs and name not in names:
                names.add(name)
                waiting.append(defs[name])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return {name: defs[name] for name in sorted(names)}
