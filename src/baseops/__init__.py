"""Base operations for AWS, declared in one file and proved every day.

Importing this loads nothing heavy: the names below are found on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from baseops._version import __version__

if TYPE_CHECKING:
    from baseops.aws.sources import open_snapshot
    from baseops.workflow.apply import apply
    from baseops.workflow.load import load
    from baseops.workflow.plan import plan
    from baseops.workflow.prove import prove
    from baseops.workflow.rehearse import rehearse

__all__ = ["__version__", "apply", "load", "open_snapshot", "plan", "prove", "rehearse"]

_HOMES = {
    "apply": "baseops.workflow.apply",
    "load": "baseops.workflow.load",
    "open_snapshot": "baseops.aws.sources",
    "plan": "baseops.workflow.plan",
    "prove": "baseops.workflow.prove",
    "rehearse": "baseops.workflow.rehearse",
}


def __getattr__(name: str) -> Any:  # Any: each name has its own type, declared above
    if name not in _HOMES:
        raise AttributeError(f"module 'baseops' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
