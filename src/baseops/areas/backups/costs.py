"""What fast snapshot restore costs; the one price that a declaration has to confirm."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from baseops.areas.backups.timing import spacing

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import FastRestore, Plan

FAST_RESTORE_USD_PER_ZONE_HOUR = 0.75
"""For each snapshot and zone, https://aws.amazon.com/ebs/pricing/; dearer in some regions."""


def snapshots_restored_fast(fast: FastRestore, plan: Plan) -> int:
    """How many snapshots of one volume have fast restore at a time."""
    if fast.count is not None:
        return fast.count
    shortest = spacing(plan.schedule)[0]
    return ceil((fast.age or timedelta()) / shortest)


def fast_restore_usd(fast: FastRestore, plan: Plan) -> float:
    """What one volume costs in an hour."""
    return FAST_RESTORE_USD_PER_ZONE_HOUR * len(fast.zones) * snapshots_restored_fast(fast, plan)
