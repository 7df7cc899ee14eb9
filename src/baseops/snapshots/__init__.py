"""Files out of a volume's blocks: partitions, file systems, journals. Read-only; knows nothing of AWS."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baseops.snapshots.files import Snapshot
    from baseops.snapshots.opening import open_image as open  # noqa: A004  # as in `gzip.open`

__all__ = ["Snapshot", "open"]

_HOMES = {"Snapshot": ("files", "Snapshot"), "open": ("opening", "open_image")}


def __getattr__(name: str) -> Any:  # Any: each name has its own type, declared above
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
