"""What a pydantic model expects at each place: read from its core schema, so that words can be found for it.

It follows the path of an error through models, dictionaries, lists and unions; it validates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

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
    """A place in a model: its core schema, and what the field that leads there says about itself."""

    schema: Schema
    definitions: Mapping[str, Schema] = field(default_factory=dict)
    examples: tuple[Any, ...] = ()
    secret: bool = False

    @classmethod
    def of(cls, model: type[BaseModel]) -> Shape:
        """The shape of a whole model."""
        return cls(model.__pydantic_core_schema__)

    def bare(self) -> Shape:
        """The same place without defaults, functions and references around it."""
        return list(_layers(self))[-1]

    @property
    def kind(self) -> str:
        """The word of pydantic-core: `str`, `int`, `model-fields`, `dict`, `list`, `union` and so on."""
        return str(self.bare().schema["type"])

    @property
    def label(self) -> str:
        """What pydantic calls this place as the variant of a union."""
        model = _model_of(self)
        return model.__name__ if model else self.kind

    @property
    def is_transformed(self) -> bool:
        """Whether a function sees the value before its type is checked."""
        return any(layer.schema["type"] in _FUNCTIONS for layer in _layers(self))

    def fields(self) -> dict[str, Shape]:
        """The keys that a model knows here, as they are written in the file; {} for anything but a model."""
        bare, model = self.bare(), _model_of(self)
        if bare.schema["type"] != "model-fields":
            return {}
        infos: Mapping[str, FieldInfo] = model.model_fields if model else {}
        return {
            str(entry.get("validation_alias", name)): _of_field(bare, entry["schema"], infos.get(name))
            for name, entry in bare.schema["fields"].items()
        }

    def step(self, key: str | int) -> Shape | None:
        """The place under a key or index; None where the schema does not say."""
        bare = self.bare()
        kind, schema = bare.schema["type"], bare.schema
        if kind == "model-fields":
            return self.fields().get(str(key)) or _under(bare, schema.get("extras_schema"))
        if kind == "dict":
            return _under(bare, schema.get("values_schema"))
        if kind == "tuple" and isinstance(key, int):
            return _under(bare, _item(schema, key))
        return _under(bare, schema.get("items_schema")) if kind in _LISTS else None

    def choices(self) -> list[tuple[str | None, Shape]]:
        """The variants of a union with their tags (None in an untagged one); [] for anything else."""
        bare = self.bare()
        if bare.schema["type"] == "tagged-union":
            return [(str(tag), replace(bare, schema=choice)) for tag, choice in bare.schema["choices"].items()]
        if bare.schema["type"] == "union":
            made = bare.schema["choices"]
            return [(None, replace(bare, schema=one[0] if isinstance(one, tuple) else one)) for one in made]
        return []

    def variant(self, label: str) -> Shape | None:
        """The variant of a union that pydantic calls `label`: a tag, a model's name, or a type in words."""
        kind = _FUNCTION_LABEL.sub("", label).split("[")[0].removeprefix("constrained-")
        named = (shape for tag, shape in self.choices() if (tag or shape.label) in {label, kind})
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

    def leaves(self) -> Iterator[Shape]:
        """The place itself, or each variant of the unions that stand there."""
        variants = self.choices()
        if not variants:
            yield self
        for _, variant in variants:
            yield from variant.leaves()


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


def _layers(shape: Shape) -> Iterator[Shape]:
    """A place with each of its wrappers taken off, outermost first."""
    layer: Shape | None = shape
    while layer is not None:
        yield layer
        layer = _inner(layer)


def _model_of(shape: Shape) -> type[BaseModel] | None:
    found = (layer.schema["cls"] for layer in _layers(shape) if layer.schema["type"] == "model")
    return next(found, None)


def _item(schema: Schema, index: int) -> Schema | None:
    """The schema of a tuple's item; the variadic one stands for all from its place on."""
    schemas, variadic = schema["items_schema"], schema.get("variadic_item_index")
    place = index if variadic is None else min(index, variadic)
    return cast("Schema", schemas[place]) if place < len(schemas) else None


def _of_field(shape: Shape, schema: Schema, info: FieldInfo | None) -> Shape:
    extra = info.json_schema_extra if info else None
    marked = isinstance(extra, dict) and bool(extra.get("secret"))
    secret = shape.secret or marked or (info is not None and info.annotation in (SecretStr, SecretBytes))
    return replace(shape, schema=schema, examples=tuple(info.examples or ()) if info else (), secret=secret)


def _under(shape: Shape, schema: Schema | None) -> Shape | None:
    return replace(shape, schema=schema, examples=()) if schema else None
