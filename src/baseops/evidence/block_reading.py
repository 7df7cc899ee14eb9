"""How fast drills read the blocks of snapshots: by a part of the quota, and no further once the account is throttled.

Backup vendors read by the same quota: a drill that would go on, however slowly, takes from them.
"""

from __future__ import annotations

from baseops.aws.spending import GET_USD, QUOTA_PER_SECOND, SHARE, Pace
from baseops.contract.drill import DrillContext
from baseops.errors import InconclusiveError

BLOCK_BYTES = 512 * 1024


class StoppingPace(Pace):
    """A part of the quota; counts each block for the drill's budget, and ends at the account's first throttling."""

    def __init__(self, ctx: DrillContext) -> None:
        """Full at first."""
        super().__init__(ctx.clock, QUOTA_PER_SECOND * SHARE)
        self._ctx = ctx
        # What does not go through a client is told to the budget here.
        self._is_lean = getattr(ctx.clients, "credentials", None) is not None

    def take(self) -> None:
        """Wait, and count; raises when the drill's time or money is over."""
        super().take()
        self._ctx.clock.sleep(0)
        more = {"requests": 1, "cost_usd": GET_USD} if self._is_lean else {}
        self._ctx.budget.spend(blocks=1, size_bytes=BLOCK_BYTES, **more)  # type: ignore[arg-type]  # by their names

    def slow_down(self) -> None:
        """Stop: others need the quota too."""
        raise InconclusiveError(
            "reading blocks was stopped",
            "the account's quota for reading blocks is used up (ThrottlingException); backups of others need it too",
            "Run it at another hour: baseops prove --drill AREA/DRILL",
        )
