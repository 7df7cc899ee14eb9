"""Whether instances of an image have the agent that makes them managed nodes: its program is among the image's files.

https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent.html
"""

from __future__ import annotations

from typing import Any

from baseops.errors import SnapshotError
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.volume_files import opened_files
from baseops.sandbox.volumes import content_of_snapshot

PROGRAM = "/usr/bin/amazon-ssm-agent"
_STATE = "baseops_agents"

# Any: moto's EC2 backend, which carries no types.


def has_agent(account_id: str, region: str, image_id: str) -> bool:
    """Whether it is there; taken for granted where nothing is known of the image's files."""
    backend = moto_backend("ec2", account_id, region)
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, {})
    known: dict[str, bool] = getattr(backend, _STATE)
    if image_id not in known:
        known[image_id] = _looked(backend, backend.amis.get(image_id))
    return known[image_id]


def _looked(backend: Any, image: Any) -> bool:
    if image is None:
        return True
    content = content_of_snapshot(backend, image.ebs_snapshot.id)
    if not content.blocks:
        return True
    try:
        with opened_files(content, image.ebs_snapshot.volume.size << 30) as snapshot:
            return not snapshot.exists("/etc") or snapshot.exists(PROGRAM)
    except SnapshotError:
        return True
