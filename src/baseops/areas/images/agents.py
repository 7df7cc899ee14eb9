"""Which agents an image must have, and where their programs lie on the usual systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.images.matching import matching
from baseops.snapshots.files import Snapshot

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

SSM = "the SSM agent"
CLOUDWATCH = "the CloudWatch agent"
_PROGRAMS = {
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/agent-install-ubuntu-64-snap.html for the snap
    SSM: ("/usr/bin/amazon-ssm-agent", "/snap/bin/amazon-ssm-agent", "/var/lib/snapd/snaps/amazon-ssm-agent_*.snap"),
    CLOUDWATCH: ("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent",),
}


def expected(entry: Entry) -> tuple[str, ...]:
    """The agents of an image of ours: builds keep the SSM agent, a component brings the other."""
    uses = any(each.component == "cloudwatch-agent" for each in entry.components)
    return ((SSM,) if entry.managed else ()) + ((CLOUDWATCH,) if uses else ())


def missing(snapshot: Snapshot, agents: tuple[str, ...]) -> list[str]:
    """Those whose program is not there."""
    return [each for each in agents if not any(matching(snapshot, one) for one in _PROGRAMS[each])]
