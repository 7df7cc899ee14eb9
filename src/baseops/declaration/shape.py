"""What a pydantic model expects at each place: read from its core schema, so that words can be found for it.

It follows the path of an error through models, dictionaries, lists and unions; only `accepts` validates, for remedies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, SchemaError, SchemaValidator

from baseops.contract.types import Json

# pydantic_core.CoreSchema is a union of fifty TypedDicts; as a plain mapping it can be walked in general.
Schema: TypeAlias = Mapping[str, Any]

# What each kind of wrapper calls the schema inside.
_WRAPPERS = {
    **dict.fromkeys(("default", "nullable", "model"), "schema"),
    **dict.fromkeys(("function-before", "function-after", "function-wrap"), "schema"),
    "lax-or-strict": "lax_schema",
    "json-or-python": "json_schema",
}
_MAPPINGS = frozenset({"model-fields", "dict", "typed-dict", "any"})
_LISTS = frozenset({"list", "tuple", "set", "frozenset", "any"})
_FUNCTION_LABEL = re.compile(r"(?:function-\w+\[[^,]*\(\), )+")
_FUNCTIONS = frozenset({"function-before", "function-wrap", "function-plain"})


@dataclass(frozen=True, eq=False)
class Shape:
    """A place in a model: its core schema, and what the field that leads there says about itself.

    What is derived is kept: a section of many entries asks the same place again for each.
    """

    schema: Schema
    definitions: Mapping[str, Schema] = field(default_factory=dict)
    examples: tuple[Any, ...] = ()
    secret: bool = False

    @classmethod
    def of(cls, model: type[BaseModel]) -> Shape:
        """The shape of a whole model."""
        model.model_rebuild()  # builds what was deferred; nothing otherwise
        return cls(model.__pydantic_core_schema__)

    @cached_property
    def layers(self) -> tuple[Shape, ...]:
        """The place with each of its wrappers taken off (defaults, functions, references), outermost first."""
        inner = _inner(self)
        return (self, *inner.layers) if inner else (self,)

    @property
    def bare(self) -> Shape:
        """The place without anything around it."""
        return self.layers[-1]

    @property
    def kind(self) -> str:
        """The word of pydantic-core: `str`, `int`, `model-fields`, `dict`, `list`, `union` and so on."""
        return str(self.bare.schema["type"])

    @cached_property
    def model(self) -> type[BaseModel] | None:
        """The class of the model that stands here."""
        return next((layer.schema["cls"] for layer in self.layers if layer.schema["type"] == "model"), None)

    @property
    def label(self) -> str:
        """What pydantic calls this place as the variant of a union."""
        return self.model.__name__ if self.model else self.kind

    @cached_property
    def is_transformed(self) -> bool:
        """Whether a function sees the value before its type is checked."""
        return any(layer.schema["type"] in _FUNCTIONS for layer in self.layers)

    @cached_property
    def fields(self) -> Mapping[str, Shape]:
        """The keys that a model knows here, as they are written in the file; {} for anything but a model."""
        if self.kind != "model-fields":
            return {}
        infos: Mapping[str, FieldInfo] = self.model.model_fields if self.model else {}
        return {
            str(entry.get("validation_alias", name)): _of_field(self.bare, entry["schema"], infos.get(name))
            for name, entry in self.bare.schema["fields"].items()
        }

    @cached_property
    def allowed(self) -> tuple[Any, ...]:
        """The values of a literal or an enumeration; () for anything else."""
        schema = self.bare.schema
        listed = {"literal": "expected", "enum": "members"}.get(schema["type"])
        return tuple(one.value if isinstance(one, Enum) else one for one in schema[listed]) if listed else ()

    @cached_property
    def keys(self) -> Shape | None:
        """What the keys of a dictionary have to be."""
        return self._under("extras_keys_schema" if self.kind == "model-fields" else "keys_schema")

    @cached_property
    def values(self) -> Shape | None:
        """What stands under a key of a dictionary, or in a list."""
        names = {"model-fields": "extras_schema", "dict": "values_schema"}
        return self._under(names.get(self.kind, "items_schema")) if self.kind != "tuple" else None

    def step(self, key: str | int) -> Shape | None:
        """The place under a key or index; None where the schema does not say."""
        if self.kind == "tuple" and isinstance(key, int):
            return self._items[min(key, len(self._items) - 1)] if self._items else None
        return self.fields.get(str(key)) or self.values

    @cached_property
    def choices(self) -> tuple[tuple[str | None, Shape], ...]:
        """The variants of a union with their tags (None in an untagged one); () for anything else."""
        if self.kind == "tagged-union":
            tagged = self.bare.schema["choices"].items()
            return tuple((str(tag), replace(self.bare, schema=choice)) for tag, choice in tagged)
        if self.kind == "union":
            made = (one[0] if isinstance(one, tuple) else one for one in self.bare.schema["choices"])
            return tuple((None, replace(self.bare, schema=one)) for one in made)
        return ()

    @cached_property
    def leaves(self) -> tuple[Shape, ...]:
        """The place itself, or each variant of the unions that stand there."""
        return tuple(leaf for _, variant in self.choices for leaf in variant.leaves) or (self,)

    def variant(self, label: str) -> Shape | None:
        """The variant of a union that pydantic calls `label`: a tag, a model's name, or a type in words."""
        kind = _FUNCTION_LABEL.sub("", label).split("[")[0].rstrip("]").removeprefix("constrained-")
        named = (shape for tag, shape in self.choices if (tag or shape.label) in {label, kind})
        return next(named, None)

    def fits(self, value: Json) -> bool:
        """Whether a value is of the kind expected here: a mapping, a list, text, a number, a boolean."""
        if isinstance(value, dict):
            return self.kind in _MAPPINGS
        if isinstance(value, list):
            return self.kind in _LISTS
        if isinstance(value, bool) or value is None:
            return self.kind in {"bool", "any"}
        if isinstance(value, (int, float)):
            return self.kind in {"int", "float", "literal", "any"}
        return self.kind not in _MAPPINGS | _LISTS | {"bool", "int", "float"}

    def accepts(self, value: Json) -> bool:
        """Whether a value is valid here, by all of the field's rules and without conversion."""
        if not any(leaf.fits(value) for leaf in self.leaves):
            return False
        known = list(self.definitions.values())
        schema = {"type": "definitions", "schema": self.schema, "definitions": known} if known else self.schema
        try:
            SchemaValidator(cast("CoreSchema", schema)).validate_python(value)
        except (ValidationError, SchemaError):
            return False
        return True

    @cached_property
    def _items(self) -> tuple[Shape, ...]:
        return tuple(replace(self.bare, schema=one, examples=()) for one in self.bare.schema["items_schema"])

    def _under(self, name: str) -> Shape | None:
        schema = self.bare.schema.get(name)
        return replace(self.bare, schema=schema, examples=()) if isinstance(schema, dict) else None


# --- the schema's own structure ---


def _inner(shape: Shape) -> Shape | None:
    """What a schema wraps; None where it wraps nothing."""
    schema, kind = shape.schema, shape.schema["type"]
    if kind == "definitions":
        known = {str(one["ref"]): one for one in schema["definitions"]}
        return replace(shape, schema=schema["schema"], definitions={**shape.definitions, **known})
    if kind == "definition-ref":
        return replace(shape, schema=shape.definitions[schema["schema_ref"]])
    if kind == "chain":
        return replace(shape, schema=schema["steps"][0])
    key = _WRAPPERS.get(kind)
    return replace(shape, schema=schema[key]) if key else None


def _of_field(shape: Shape, schema: Schema, info: FieldInfo | None) -> Shape:
    extra = info.json_schema_extra if info else None
    marked = isinstance(extra, dict) and bool(extra.get("secret"))
    secret = shape.secret or marked or (info is not None and info.annotation in (SecretStr, SecretBytes))
    return replace(shape, schema=schema, examples=tuple(info.examples or ()) if info else (), secret=secret)
