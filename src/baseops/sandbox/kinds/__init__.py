"""The resource types that the sandbox's CloudFormation knows, found in this folder's files on first use.

Each file ends with a tuple `KINDS` of `kind.Kind` instances (one without holds what others share); `kind` says how
to write one. A type that is not
here is refused in CloudFormation's words, never skipped.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property

from baseops.errors import SandboxError
from baseops.sandbox.kinds.kind import Kind


class Registry(Mapping[str, Kind]):
    """Kinds by type name; the files are imported when the first one is asked for."""

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        found: dict[str, Kind] = {}
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
            for kind in getattr(importlib.import_module(f"{__name__}.{module.name}"), "KINDS", ()):
                if kind.type in found:
                    raise SandboxError(
                        f"resource type {kind.type} is written twice", f"again in kinds/{module.name}.py"
                    )
                found[kind.type] = kind
        return found

    def __getitem__(self, type_name: str) -> Kind:
        return self._kinds[type_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


KINDS: Mapping[str, Kind] = Registry()
