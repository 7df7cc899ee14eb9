"""What stands at a place of the file, and whether it may be shown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from baseops.contract.types import Json
from baseops.declaration.positions import Node, Path
from baseops.declaration.problem import shorten

_SECRET_NAME = re.compile(r"passw|passphrase|token|credential|(?:api|private|access)_?key|^value$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Given:
    """A value: its data, its node (None for a missing key) and its source text."""

    path: Path
    data: Json
    node: Node | None
    written: str
    secret: bool = False

    @property
    def name(self) -> str:
        """The key that leads to it; '' for an item of a list."""
        return self.path[-1] if self.path and isinstance(self.path[-1], str) else ""

    @property
    def is_secret(self) -> bool:
        """Whether it may not be shown."""
        return self.secret or any(_SECRET_NAME.search(key) for key in self.path[1:] if isinstance(key, str))

    def show(self) -> str:
        """The value in words: cut to 60 characters, and not at all when it is secret."""
        if self.node is None or self.data is None:
            return "nothing"
        if self.is_secret:
            return "something else, which is not shown"
        if isinstance(self.data, dict):
            return "a mapping" if self.data else "an empty mapping"
        if isinstance(self.data, list):
            return "a list" if self.data else "an empty list"
        return _show_scalar(self.data, self.node.raw)


def _show_scalar(data: Json, raw: str) -> str:
    if isinstance(data, str):
        return f"'{shorten(data)}'"
    read = json.dumps(data)
    return shorten(raw) if raw.lower() == read else f"{shorten(raw)} (which YAML reads as {read})"
