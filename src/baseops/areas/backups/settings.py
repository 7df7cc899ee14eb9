"""The account's block on public sharing of snapshots: one for each region, so a setting with a record of its owner.

CloudFormation has a type for it, which knows neither what was there before nor who else claims it, and whose
removal unblocks. Snapshot locks are no setting: DLM cannot lock what it makes, and a lock keeps DLM from deleting, so
locking a snapshot is an operator's decision about that one (`baseops backups lock`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.refs import Refs
from baseops.contract.setting import Setting
from baseops.contract.types import AreaName, Json

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Section

STATES = ("unblocked", "block-new-sharing", "block-all-sharing")
"""From weak to strong. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSnapshotBlockPublicAccessState.html"""


@dataclass(frozen=True)
class SnapshotBlockPublicAccess:
    """The block on public sharing of snapshots in one region. It is only ever made stronger."""

    region: str
    desired: Json
    id: str = "backups/snapshot-block-public-access"
    area: AreaName = "backups"
    singleton: bool = True
    claimed_at_once: bool = False

    def read(self, clients: Clients) -> Json:
        """One of `STATES`. AWS call: ec2:GetSnapshotBlockPublicAccessState."""
        with translated(f"cannot read the block on public snapshots in {self.region}"):
            return str(self._ec2(clients).get_snapshot_block_public_access_state()["State"])

    def write(self, clients: Clients) -> None:
        """AWS call: ec2:EnableSnapshotBlockPublicAccess."""
        remedy = "A declarative policy of the organisation may hold it; ask for the state there."
        with translated(f"cannot block public snapshots in {self.region}", remedy):
            self._ec2(clients).enable_snapshot_block_public_access(State=self.desired)

    def restore(self, clients: Clients, former: Json) -> None:
        """Go back to what was there before, unless that were weaker: letting go never exposes anything."""
        if _strength(former) > _strength(self.read(clients)):
            with translated(f"cannot give back the block on public snapshots in {self.region}"):
                self._ec2(clients).enable_snapshot_block_public_access(State=former)

    def unset_reason(self, current: Json) -> str:
        """A stronger block than the declared one is left as it is."""
        if _strength(current) <= _strength(self.desired):
            return ""
        return f"{self.region} has {current}, which is stronger; write block_public_access: {current}"

    def _ec2(self, clients: Clients) -> Any:
        return clients.client("ec2", self.region)


def settings(section: Section, refs: Refs) -> Sequence[Setting]:
    """The block on public sharing in every region of the declaration, when claimed."""
    state = section.account.block_public_access
    if state is None:
        return []
    return [SnapshotBlockPublicAccess(region, state) for region in (refs.site.region, *refs.site.regions)]


def released(setting_id: str, region: str) -> Setting | None:
    """The setting of an ownership record whose claim is no longer declared."""
    return SnapshotBlockPublicAccess(region, STATES[0]) if setting_id == SnapshotBlockPublicAccess.id else None


def _strength(state: Json) -> int:
    return STATES.index(state) if isinstance(state, str) and state in STATES else 0
