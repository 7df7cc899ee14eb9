"""EC2's block on public sharing of snapshots, which moto lacks: one state for each account and region.

https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html
"""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import Members, extend

_STATE = "baseops_block_on_public_snapshots"


# Any: moto's EC2 backend, which carries no types; it goes with the account, and so does what is kept on it.
def get_state(backend: Any) -> Members:
    """Answer GetSnapshotBlockPublicAccessState."""
    return {"State": getattr(backend, _STATE, "unblocked"), "ManagedBy": "account"}


def enable(backend: Any, state: str) -> Members:
    """Answer EnableSnapshotBlockPublicAccess."""
    setattr(backend, _STATE, state)
    return {"State": state}


def disable(backend: Any) -> Members:
    """Answer DisableSnapshotBlockPublicAccess."""
    setattr(backend, _STATE, "unblocked")
    return {"State": "unblocked"}


extend("ec2", "GetSnapshotBlockPublicAccessState", get_state)
extend("ec2", "EnableSnapshotBlockPublicAccess", enable)
extend("ec2", "DisableSnapshotBlockPublicAccess", disable)
