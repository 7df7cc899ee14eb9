"""What CloudFormation has no type for: nothing in logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baseops.contract.refs import Refs
from baseops.contract.setting import Setting

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section


def settings(section: Section, refs: Refs) -> Sequence[Setting]:
    """None: groups, filters, alarms and agent configurations all have resource types."""
    return ()
