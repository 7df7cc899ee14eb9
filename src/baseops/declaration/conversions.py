"""Finds values that pydantic would quietly convert (yes to 1, "30" to 30), so that a declaration means what it says."""

from __future__ import annotations

from collections.abc import Iterator

from baseops.contract.types import Json
from baseops.declaration.positions import Path
from baseops.declaration.shape import Shape

_SCALARS = frozenset({"str", "int", "float", "bool"})


def find_conversions(data: Json, shape: Shape, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """The places whose value is not of the declared type, in the file's order; functions on values are trusted."""
    leaves = shape.leaves
    if isinstance(data, (dict, list)):
        yield from _inside(data, leaves, path)
    elif data is not None and all(_converts(data, leaf) for leaf in leaves):
        yield path, shape


def _inside(data: dict[str, Json] | list[Json], leaves: tuple[Shape, ...], path: Path) -> Iterator[tuple[Path, Shape]]:
    """Look inside with the variant that complains least."""
    fitting = [leaf for leaf in leaves if leaf.fits(data)]
    if len(fitting) == 1:
        yield from _children(data, fitting[0], path)
    else:
        yield from min((list(_children(data, leaf, path)) for leaf in fitting), key=len, default=())


def _children(data: dict[str, Json] | list[Json], leaf: Shape, path: Path) -> Iterator[tuple[Path, Shape]]:
    entries: Iterator[tuple[str | int, Json]] = iter(data.items() if isinstance(data, dict) else enumerate(data))
    for key, value in entries:
        under = leaf.step(key)
        if under:
            yield from find_conversions(value, under, (*path, key))


def _converts(value: Json, leaf: Shape) -> bool:
    return leaf.kind in _SCALARS and not leaf.is_transformed and not leaf.fits(value)
