"""DLM's sessions of the roles that its policies name: renewed for ever, as an AWS service renews its own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.sts.models import sts_backends

if TYPE_CHECKING:
    from baseops.contract.clients import Clients
    from baseops.sandbox.services.dlm.policies import Dlm

SESSION = "AWSDataLifecycleManager"
_NEVER = datetime(9000, 1, 1)  # noqa: DTZ001  # moto's own times have no zone


class Roles:
    """Clients with the rights of a role, made once for each: making one takes longer than all it is used for."""

    def __init__(self, backend: Dlm) -> None:
        self._backend = backend
        self._sessions: dict[str, Clients] = {}

    def ec2(self, role_arn: str, region: str) -> Any:
        """EC2 as the role; Any, as botocore makes the classes at run time. Raises ClientError without such a role."""
        if role_arn not in self._sessions:
            session = self._backend.sandbox.session_as(role_arn, SESSION)
            _renew(session.keys.access_key)
            self._sessions[role_arn] = session
        return self._sessions[role_arn].client("ec2", region)

    def check(self, role_arn: str) -> None:
        """Raise ClientError when the role is not there any more."""
        self._backend.sandbox.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=SESSION)


def _renew(access_key: str) -> None:
    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            found = backend.get_assumed_role_from_access_key(access_key)
            if found:
                found.expiration = _NEVER
