"""Rotation set up, begun and cancelled; how one runs is said in `rotations`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from baseops.sandbox.service import Members
from baseops.sandbox.services.secretsmanager import schedule
from baseops.sandbox.services.secretsmanager.rotations import Rotations
from baseops.sandbox.services.secretsmanager.secret import (
    InvalidRequestError,
)
from baseops.sandbox.services.secretsmanager.state import SecretsState


class RotationOperations(SecretsState):
    """Operations on rotations."""

    @cached_property
    def rotations(self) -> Rotations:
        """The rotations that run."""
        return Rotations(self)

    def rotate_secret(
        self,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: dict[str, Any] | None = None,
        rotate_immediately: bool = True,
        **unknown: Any,
    ) -> Members:
        """Set how a secret is rotated, and begin or try a rotation."""
        self._refuse_unknown(unknown, "RotateSecret")
        secret = self._writable(secret_id)
        function = rotation_lambda_arn or secret.rotation.function
        if not function:
            raise InvalidRequestError("No Lambda rotation function ARN is associated with this secret.")
        if rotation_rules:
            schedule.check_rules(rotation_rules)
        self._refuse_uncallable(function)
        rotation = secret.rotation
        rotation.function, rotation.rules, rotation.is_enabled = function, rotation_rules or rotation.rules, True
        token = client_request_token or self.new_version_id()
        if rotate_immediately:
            self.rotations.begin(secret, token)
        else:
            self.rotations.test(secret, token)
        self.rotations.plan_next(secret)
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": token if rotate_immediately else None}

    def cancel_rotate_secret(self, secret_id: str) -> Members:
        """Rotate no more."""
        secret = self._writable(secret_id)
        if secret.rotation.function is None:
            raise InvalidRequestError(
                "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured"
                " and you didn't include such an ARN as a parameter in this call."
            )
        secret.rotation.stop()
        return {"ARN": secret.arn, "Name": secret.name}
