"""Compares the resolved properties of one resource before and after, leaf by leaf; judges no consequence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from baseops.semantics.templates.values import same

# Any: properties are JSON of any shape.


@dataclass(frozen=True)
class Difference:
    """One leaf that differs. `path` is a JSON pointer below the properties; `name` its first step."""

    path: tuple[str, ...]
    change: Literal["Add", "Remove", "Modify"]
    before: Any = None
    after: Any = None

    @property
    def name(self) -> str:
        """The top-level property."""
        return self.path[0]

    @property
    def pointer(self) -> str:
        """`/Tags/0/Value`."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.path)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every leaf that was added, removed or modified, in the order of the property names."""
    return list(_mappings((), before, after))


def _mappings(path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted({*before, *after}):
        step = (*path, str(key))
        if key not in before:
            yield Difference(step, "Add", None, after[key])
        elif key not in after:
            yield Difference(step, "Remove", before[key], None)
        else:
            yield from _values(step, before[key], after[key])


def _values(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if same(before, after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _mappings(path, _numbered(before), _numbered(after))
    else:
        yield Difference(path, "Modify", before, after)


def _numbered(items: list[Any]) -> dict[str, Any]:
    return {str(index): item for index, item in enumerate(items)}
