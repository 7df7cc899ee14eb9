"""Where each value of a YAML file stands, and how it was written; knows nothing of what the values mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from baseops.contract.types import Json

Path: TypeAlias = tuple[str | int, ...]
"""The keys and list indices that lead from the root to a value."""


class Position(NamedTuple):
    """A place in a file; line and column count from 1, as editors do."""

    line: int
    column: int


@dataclass(slots=True, eq=False)  # not frozen: tens of thousands are made, and freezing triples the price of each
class Node:
    """A value of the file: its place, its plain data, and its children. `size` counts aliases expanded."""

    position: Position
    data: Json
    span: tuple[int, int]
    raw: str = ""
    plain: bool = False
    children: dict[str, tuple[Position, Node]] | list[Node] | None = None
    size: int = 1
    height: int = 1

    def child(self, key: str | int) -> tuple[Position, Node] | None:
        """The place of a key and the value under it; a list's item stands for its own key."""
        if isinstance(self.children, dict):
            return self.children.get(str(key))
        if isinstance(self.children, list) and isinstance(key, int) and 0 <= key < len(self.children):
            return (self.children[key].position, self.children[key])
        return None


@dataclass(frozen=True, eq=False)
class Positions:
    """The places of a whole file; every question is about a path from its root."""

    root: Node
    text: str

    def node(self, path: Path) -> Node | None:
        """The value at a path; None where the file has none."""
        found = self._find(path)
        return found[1] if found else None

    def key(self, path: Path) -> Position | None:
        """Where the name of a value stands (for a list's item, where the item begins)."""
        found = self._find(path)
        return found[0] if found else None

    def value(self, path: Path) -> Position | None:
        """Where a value begins."""
        found = self._find(path)
        return found[1].position if found else None

    def nearest(self, path: Path) -> Position:
        """The place to point at: a scalar itself, the name of a mapping or list, or the nearest parent's name."""
        place, node = self.root.position, self.root
        for key in path:
            found = node.child(key)
            if found is None:
                break
            place, node = found
        return node.position if node.raw else place

    def written(self, path: Path) -> str:
        """The source text of a value, as it stands in the file."""
        node = self.node(path)
        return self.text[slice(*node.span)] if node else ""

    def _find(self, path: Path) -> tuple[Position, Node] | None:
        found: tuple[Position, Node] | None = (self.root.position, self.root)
        for key in path:
            found = found[1].child(key) if found else None
        return found
