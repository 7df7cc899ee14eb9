"""What CloudFormation has no type for: nothing in logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baseops.contract.refs import Refs
from baseops.contract.setting import Setting

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section


def settings(section: Section, refs: Refs) -> Sequence[Setting]:  # noqa: ARG001  # the protocol's signature
    """None: groups, filters, alarms and agent configurations all have resource types."""
    return ()


def released(setting_id: str, region: str) -> Setting | None:  # noqa: ARG001  # the protocol's signature
    """None: logs have no settings."""
    return None
