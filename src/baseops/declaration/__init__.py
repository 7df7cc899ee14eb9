"""The declaration room: one YAML file becomes checked, frozen values, and every complaint names its line.

It never talks to AWS and never imports an area; the areas' models are passed to `load`. Names are found on first
use, so that who only wants the lock or the starter loads no pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baseops.declaration.loading import Declaration, load
    from baseops.declaration.lockfile import read_lock, write_lock
    from baseops.declaration.problem import Problem, print_path
    from baseops.declaration.schema import declaration_schema
    from baseops.declaration.starter import STARTER

__all__ = [
    "STARTER",
    "Declaration",
    "Problem",
    "declaration_schema",
    "load",
    "print_path",
    "read_lock",
    "write_lock",
]

_HOMES = {
    "STARTER": "starter",
    "Declaration": "loading",
    "Problem": "problem",
    "declaration_schema": "schema",
    "load": "loading",
    "print_path": "problem",
    "read_lock": "lockfile",
    "write_lock": "lockfile",
}


def __getattr__(name: str) -> Any:  # Any: each name has its own type, declared above
    if name not in _HOMES:
        raise AttributeError(f"module 'baseops.declaration' has no attribute {name!r}")
    return getattr(import_module(f"baseops.declaration.{_HOMES[name]}"), name)
