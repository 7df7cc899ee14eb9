"""The breaks of backups that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baseops.contract.drill import Sabotage
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec import Section


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:  # noqa: ARG001  # the protocol's signature
    """The breaks that the drills of this section must notice."""
    return ()
