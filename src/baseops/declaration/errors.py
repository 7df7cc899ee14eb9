"""Where in the file each of pydantic's errors is, and which variant of a union its author meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pydantic import ValidationError

from baseops.contract.types import Json
from baseops.declaration.positions import Path
from baseops.declaration.problem import MAX_PROBLEMS
from baseops.declaration.shape import Shape


@dataclass(frozen=True, eq=False)
class Choice:
    """A union on the way to an error: where it stands and which of its variants gave the error."""

    path: Path
    label: str
    shape: Shape

    def fits(self, given: Json) -> bool:
        """Whether the variant is of the kind of what was given."""
        return any(leaf.fits(given) for leaf in (self.shape.variant(self.label) or self.shape).leaves)


@dataclass(frozen=True, eq=False)
class Located:
    """One of pydantic's errors with its path in the model's data and the shape that was expected there."""

    kind: str
    path: Path
    said: str
    context: dict[str, Any]
    shape: Shape | None
    parent: Shape | None = None
    choices: tuple[Choice, ...] = ()
    is_key: bool = False

    def siblings(self) -> dict[str, Shape]:
        """The keys that are known where the error's last key stands, in any variant of a union there."""
        unions = [choice.shape for choice in self.choices if choice.path == self.path[:-1]]
        places = unions[:1] or ([self.parent] if self.parent else [])
        leaves = [leaf for place in places for leaf in place.leaves]
        return {name: shape for leaf in leaves for name, shape in leaf.fields.items()}


def locate(error: ValidationError, shape: Shape, data: Json) -> list[Located]:
    """The errors that matter: those of one variant for each union."""
    found = [_follow(dict(one), shape) for one in error.errors(include_url=False)[:MAX_PROBLEMS]]
    return list(_reduce(found, data, 0))


def _follow(error: dict[str, Any], shape: Shape) -> Located:
    """Walk an error's `loc` through the schema: keys make the path, names of variants do not."""
    place: Shape | None = shape
    parent: Shape | None = None
    path: Path = ()
    choices: list[Choice] = []
    for step in error["loc"]:
        if step == "[key]":
            place = parent.keys if parent else None
            break
        if place and place.choices:
            choices.append(Choice(path, str(step), place))
            place = place.variant(str(step))
        else:
            parent, path = place, (*path, step)
            place = place.step(step) if place else None
    context = error.get("ctx", {})
    is_key = error["loc"][-1:] == ("[key]",)
    return Located(error["type"], path, error["msg"], context, place, parent, tuple(choices), is_key)


def _reduce(errors: Iterable[Located], data: Json, depth: int) -> Iterator[Located]:
    """Keep, of each union, the errors of the variant that was meant."""
    for path, group in groupby(errors, key=lambda one: one.choices[depth].path if len(one.choices) > depth else None):
        if path is None:
            yield from group
            continue
        by_label: dict[str, list[Located]] = {}
        for one in group:
            by_label.setdefault(one.choices[depth].label, []).append(one)
        yield from _reduce(_meant(list(by_label.values()), given_at(data, path), depth), data, depth + 1)


def _meant(variants: list[list[Located]], given: Json, depth: int) -> list[Located]:
    """The errors of the variant whose kind and keys fit best; where no kind fits, one error for all variants."""
    fitting = [errors for errors in variants if errors[0].choices[depth].fits(given)]
    if not fitting and len(variants) > 1:
        union, first = variants[0][0].choices[depth], variants[0][0]
        return [Located("union", union.path, first.said, {}, union.shape, choices=first.choices[:depth])]
    return min(fitting or variants, key=_misfit)


def _misfit(errors: list[Located]) -> tuple[int, int]:
    """How far a variant is from what was written: keys that it does not know or misses, then all its errors."""
    return sum(one.kind in {"extra_forbidden", "missing"} for one in errors), len(errors)


def given_at(data: Json, path: Path) -> Json:
    """The value at a path of plain data; None where there is none."""
    for key in path:
        if isinstance(data, dict) and isinstance(key, str):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data
