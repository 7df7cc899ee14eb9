"""Where each value of a YAML file stands, and how it was written; knows nothing of what the values mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from baseops.contract.types import Json

Path: TypeAlias = tuple[str | int, ...]
"""The keys and list indices that lead from the root to a value."""


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; line and column count from 1, as editors do."""

    line: int
    column: int


@dataclass(slots=True, eq=False)  # not frozen: tens of thousands are made, and freezing triples the price of each
class Node:
    """A value of the file: its place, its plain data, and its children. `size` counts aliases expanded."""

    position: Position
    data: Json
    raw: str = ""
    plain: bool = False
    entries: dict[str, tuple[Position, Node]] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1
    span: tuple[int, int] = (0, 0)

    def child(self, key: str | int) -> tuple[Position, Node] | None:
        """The place of a key and the value under it; a list's item stands for its own key."""
        if isinstance(key, str):
            return self.entries.get(key)
        return (self.items[key].position, self.items[key]) if 0 <= key < len(self.items) else None


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
