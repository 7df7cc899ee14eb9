"""Rotations as they run: four calls of the function, one after another, some seconds apart; repeated when they fail.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zlib import crc32

from baseops.sandbox.services.secretsmanager import schedule
from baseops.sandbox.services.secretsmanager.secret import CURRENT, PENDING, InvalidRequestError, Secret, Version

if TYPE_CHECKING:
    from baseops.sandbox.services.secretsmanager.state import SecretsState

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
STEP_SECONDS = 2.0
RETRY_SECONDS = 60.0
ATTEMPTS = 3
Then = Callable[[], object]


class Rotations:
    """The rotations of one backend's secrets."""

    def __init__(self, backend: SecretsState) -> None:
        self._backend = backend

    def begin(self, secret: Secret, token: str) -> None:
        """Start a rotation: an empty pending version, then the steps."""
        pending = secret.labelled(PENDING)
        if pending and CURRENT not in pending.stages and pending.id != token:
            raise InvalidRequestError("A previous rotation isn't complete. That rotation will be reattempted.")
        if token not in secret.versions:
            version = Version(token, self._backend.now(), secret.key)
            secret.versions[token] = version
            secret.move(PENDING, version)
        self._announce(secret, "RotationStarted")
        self._after(STEP_SECONDS, secret, lambda: self._step(secret, token, 0, 1))

    def test(self, secret: Secret, token: str) -> None:
        """Try the function on a throw-away pending version with the current value, as when nothing is rotated yet."""
        current = secret.labelled(CURRENT)
        if current is None or secret.labelled(PENDING) not in (None, current):
            return
        trial = Version(token, self._backend.now(), secret.key, current.text, current.binary)
        secret.versions[token] = trial
        secret.move(PENDING, trial)
        self._after(STEP_SECONDS, secret, lambda: self._finish_test(secret, trial))

    def plan_next(self, secret: Secret) -> None:
        """Put the next rotation on the clock, at some time within its window."""
        rotation = secret.rotation
        if rotation.upcoming:
            rotation.upcoming.cancel()
        if not rotation.is_enabled:
            return
        begin, end = schedule.window(rotation.rules, self._backend.now())
        # A secret's rotations are spread over the window, each secret at a time of its own.
        share = crc32(secret.arn.encode()) / 2**32
        rotation.due = end
        rotation.upcoming = self._backend.sandbox.clock.ticker.at(
            begin + (end - begin) * share, lambda: self._by_schedule(secret), f"rotation of {secret.name}"
        )

    def _by_schedule(self, secret: Secret) -> None:
        pending = secret.labelled(PENDING)
        left_over = pending.id if pending and CURRENT not in pending.stages else None
        if secret.deletion is None:
            self.begin(secret, left_over or self._backend.new_version_id())
        self.plan_next(secret)

    def _finish_test(self, secret: Secret, trial: Version) -> None:
        self._announce(secret, "TestRotationStarted")
        worked = self._call(secret, "testSecret", trial.id)
        self._announce(secret, "TestRotationSucceeded" if worked else "TestRotationFailed")
        secret.versions.pop(trial.id, None)

    def _step(self, secret: Secret, token: str, number: int, attempt: int) -> None:
        if token not in secret.versions or secret.deletion or not self._goes_on(secret, secret.versions[token]):
            return
        if self._call(secret, STEPS[number], token):
            self._go_on(secret, token, number + 1)
        elif attempt < ATTEMPTS:
            self._after(RETRY_SECONDS, secret, lambda: self._step(secret, token, number, attempt + 1))
        else:
            self._announce(secret, "RotationFailed")

    @staticmethod
    def _goes_on(secret: Secret, version: Version) -> bool:
        """Cancelled, or without its label on the version, a rotation is no longer in progress.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
        """
        return secret.rotation.is_enabled and (PENDING in version.stages or CURRENT in version.stages)

    def _go_on(self, secret: Secret, token: str, number: int) -> None:
        if number < len(STEPS):
            self._after(STEP_SECONDS, secret, lambda: self._step(secret, token, number, 1))
            return
        if CURRENT not in secret.versions[token].stages:
            self._announce(secret, "RotationFailed")
            return
        if PENDING in secret.versions[token].stages:
            secret.versions[token].stages.remove(PENDING)
        secret.rotation.last = secret.changed = self._backend.now()
        self._announce(secret, "RotationSucceeded")

    def _call(self, secret: Secret, step: str, token: str) -> bool:
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
        client = self._backend.client("lambda")
        try:
            answer = client.invoke(FunctionName=secret.rotation.function, Payload=json.dumps(event).encode())
        except client.exceptions.ClientError:
            return False
        return not answer.get("FunctionError")

    def _after(self, seconds: float, secret: Secret, action: Then) -> None:
        self._backend.sandbox.clock.ticker.after(seconds, action, f"rotation of {secret.name}")

    def _announce(self, secret: Secret, name: str) -> None:
        self._backend.announce(name, {"SecretId": secret.arn})


def may_invoke(client: Any, function: str, account_id: str) -> bool:
    """Whether the function's policy lets Secrets Manager call it for this account."""
    try:
        policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return False
    for statement in policy["Statement"]:
        service = statement.get("Principal", {})
        named = service.get("Service") if isinstance(service, dict) else service
        source = statement.get("Condition", {}).get("StringEquals", {})
        account = {key.lower(): value for key, value in source.items()}.get("aws:sourceaccount", account_id)
        if named == "secretsmanager.amazonaws.com" and account == account_id and statement["Effect"] == "Allow":
            return True
    return False
