"""One installed package, as far as a package manager's database tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Package:
    """What was installed, and when. `built` and `installed` are None where the database does not say.

    `is_core`: it belongs to the system itself and not to what somebody put on it.
    """

    name: str
    version: str
    built: datetime | None = None
    installed: datetime | None = None
    vendor: str = ""
    is_core: bool = True
