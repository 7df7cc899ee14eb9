"""The secrets of one account and region, and what all operations on them share; it answers no call itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError
from moto.moto_api._internal import mock_random

from baseops.sandbox.service import SandboxBackend, ServiceError
from baseops.sandbox.services.secretsmanager import values
from baseops.sandbox.services.secretsmanager.rotations import may_invoke
from baseops.sandbox.services.secretsmanager.secret import (
    CURRENT,
    DEFAULT_KEY,
    PENDING,
    InvalidParameterError,
    InvalidRequestError,
    NotFoundError,
    Secret,
    Version,
)

MAX_BYTES = 65_536
Listener = Callable[["SecretsState", str, dict[str, Any]], None]


class SecretsState(SandboxBackend):
    """The secrets of one account and region, and what the operations share."""

    service = "secretsmanager"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.secrets: dict[str, Secret] = {}

    def client(self, service: str) -> Any:
        """A client with all rights in this account and region."""
        return self.clients.client(service, self.region_name)

    def new_version_id(self) -> str:
        """A version id of AWS's form."""
        return str(mock_random.uuid4())

    def announce(self, name: str, details: dict[str, Any]) -> None:
        """Tell EventBridge and the trail of what the service did by itself."""
        for listener in service_events:
            listener(self, name, details)

    def _find(self, secret_id: str) -> Secret:
        for secret in self.secrets.values():
            if secret_id in (secret.name, secret.arn, secret.arn[:-7]):
                return secret
        raise NotFoundError("Secrets Manager can't find the specified secret.")

    def _matching(self, filters: list[dict[str, Any]], *, deleted: bool = False) -> list[Secret]:
        shown = [secret for secret in self.secrets.values() if deleted or not secret.deletion]
        return [secret for secret in shown if all(secret.matches(each) for each in filters)]

    def _writable(self, secret_id: str) -> Secret:
        secret = self._find(secret_id)
        secret.refuse_on_replica()
        secret.refuse_when_deleted()
        return secret

    def _refuse_taken(self, name: str) -> None:
        taken = self.secrets.get(name)
        if taken and taken.deletion:
            raise InvalidRequestError(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        if taken:
            raise ServiceError(
                f"The operation failed because the secret {name} already exists.", code="ResourceExistsException"
            )

    def _refuse_unknown(self, members: dict[str, Any], operation: str) -> None:
        given = sorted(name for name, value in members.items() if value not in (None, [], {}))
        if given:
            raise ServiceError(
                f"The sandbox does not know {operation} with {', '.join(given)}", code="ValidationException"
            )

    def _refuse_unknown_principals(self, policy: dict[str, Any]) -> None:
        iam = self.client("iam")
        for arn in _principals(policy):
            if f":iam::{self.account_id}:role/" in arn:
                try:
                    iam.get_role(RoleName=arn.rpartition("/")[2])
                except iam.exceptions.NoSuchEntityException:
                    raise values.MalformedPolicyError(
                        "This resource policy contains an unsupported principal."
                    ) from None

    def _refuse_uncallable(self, function: str) -> None:
        client = self.client("lambda")
        try:
            client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            raise NotFoundError("Lambda does not exist or could not be accessed") from None
        if not may_invoke(client, function, self.account_id):
            raise ServiceError(
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                "access to the principal secretsmanager.amazonaws.com.",
                code="AccessDeniedException",
            )

    def _usable_key(self, key: str | None) -> str | None:
        if key is None or key == DEFAULT_KEY:
            return None
        if not self._is_usable(key):
            raise ServiceError(
                "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the "
                "KMS key is available, enabled, and not in an invalid state.",
                code="EncryptionFailure",
            )
        return key

    def _decrypt(self, version: Version) -> None:
        if version.key and not self._is_usable(version.key):
            raise ServiceError(
                "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
                code="DecryptionFailure",
            )

    def _is_usable(self, key: str) -> bool:
        try:
            return bool(self.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled")
        except ClientError:
            return False

    def _new_version(self, secret: Secret, text: str | None, binary: bytes | None, token: str | None) -> Version | None:
        if text is None and binary is None:
            return None
        if text is not None and binary is not None:
            raise InvalidParameterError("You can't specify both a binary secret value and a string secret value.")
        size = len(text.encode() if text is not None else binary or b"")
        if not 1 <= size <= MAX_BYTES:
            raise InvalidParameterError(f"The secret value must be between 1 and {MAX_BYTES} bytes long.")
        self._usable_key(secret.key)
        return Version(token or self.new_version_id(), self.now(), secret.key, text, binary)

    def _add_value(
        self, secret: Secret, text: str | None, binary: bytes | None, token: str | None, stages: list[str]
    ) -> Version | None:
        version = self._new_version(secret, text, binary, token)
        if version is None:
            return None
        known = secret.versions.get(version.id)
        if known and known.has_value:
            if (known.text, known.binary) == (text, binary):
                return known
            raise ServiceError(
                f"You can't use ClientRequestToken {version.id} because that value is already in use for a version of "
                f"secret {secret.arn}.",
                code="ResourceExistsException",
            )
        if known:
            known.text, known.binary, known.created = text, binary, version.created
            version = known
        elif CURRENT in stages:
            self._abandon_rotation(secret)
        secret.put(version, stages)
        return version

    def _abandon_rotation(self, secret: Secret) -> None:
        pending = secret.labelled(PENDING)
        if pending and CURRENT not in pending.stages:
            secret.versions.pop(pending.id)
            self.announce("RotationAbandoned", {"SecretId": secret.arn})

    def _purge(self, secret: Secret) -> None:
        if self.secrets.get(secret.name) is secret and secret.deletion:
            del self.secrets[secret.name]


service_events: list[Listener] = []
"""Who is told of rotations and deletions: functions of (backend, event name, additional data)."""


def _principals(policy: dict[str, Any]) -> Iterator[str]:
    for statement in values.statements_of(policy):
        principal = statement["Principal"]
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        yield from [named] if isinstance(named, str) else named
