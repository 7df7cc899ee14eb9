"""Secrets made, described, deleted after a recovery window, restored, listed and tagged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members
from baseops.sandbox.services.secretsmanager.replica_operations import ReplicaOperations
from baseops.sandbox.services.secretsmanager.secret import (
    CURRENT,
    InvalidParameterError,
    InvalidRequestError,
    Secret,
    paged,
    short,
)

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class SecretOperations(ReplicaOperations):
    """Operations on secrets as such."""

    def create_secret(  # noqa: PLR0913, PLR0917  # AWS's own members
        self,
        name: str,
        secret_string: str | None = None,
        secret_binary: bytes | None = None,
        client_request_token: str | None = None,
        kms_key_id: str | None = None,
        description: str | None = None,
        tags: list[dict[str, str]] | None = None,
        add_replica_regions: list[dict[str, str]] | None = None,
        force_overwrite_replica_secret: bool = False,
        **unknown: Any,
    ) -> Members:
        """Make a secret, with or without a value."""
        self._refuse_unknown(unknown, "CreateSecret")
        self._refuse_taken(name)
        arn = self.arn(f"secret:{name}-{''.join(mock_random.choice(_LETTERS) for _ in range(6))}")
        now = self.now()
        secret = Secret(name, arn, self.region_name, now, now, self._usable_key(kms_key_id), description)
        secret.tags = {tag["Key"]: tag["Value"] for tag in tags or ()}
        version = self._new_version(secret, secret_string, secret_binary, client_request_token)
        if version:
            secret.put(version, [CURRENT])
        self.secrets[name] = secret
        self._replicate(secret, add_replica_regions or [], overwrite=force_overwrite_replica_secret)
        return {**short(secret, version), "ReplicationStatus": list(secret.replicas.values()) or None}

    def describe_secret(self, secret_id: str) -> Members:
        """All but the value."""
        secret = self._find(secret_id)
        stages = {version.id: list(version.stages) for version in secret.versions.values() if version.stages}
        return {
            **secret.described(),
            "VersionIdsToStages": stages or None,
            "ReplicationStatus": list(secret.replicas.values()) or None,
        }

    def update_secret(
        self,
        secret_id: str,
        client_request_token: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
        secret_string: str | None = None,
        secret_binary: bytes | None = None,
        **unknown: Any,
    ) -> Members:
        """Change description, key or value."""
        self._refuse_unknown(unknown, "UpdateSecret")
        secret = self._writable(secret_id)
        if description is not None:
            secret.description = description
        if kms_key_id is not None:
            self._re_encrypt(secret, self._usable_key(kms_key_id))
        version = self._add_value(secret, secret_string, secret_binary, client_request_token, [CURRENT])
        secret.changed = self.now()
        return short(secret, version)

    @staticmethod
    def _re_encrypt(secret: Secret, key: str | None) -> None:
        """Another key is that of new versions and of those with a label; these open with the former key as well.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
        """
        for version in secret.versions.values():
            if version.stages and version.key != key:
                version.former_keys = [*version.former_keys, version.key]
                version.key = key
        secret.key = key

    def delete_secret(
        self,
        secret_id: str,
        recovery_window_in_days: int | None = None,
        force_delete_without_recovery: bool = False,
    ) -> Members:
        """Delete after a recovery window, or at once; the name is taken until then."""
        if recovery_window_in_days is not None and force_delete_without_recovery:
            raise InvalidParameterError(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
            )
        days = 30 if recovery_window_in_days is None else recovery_window_in_days
        if not 7 <= days <= 30:
            raise InvalidParameterError("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
        secret = self._find(secret_id)
        secret.refuse_on_replica()
        if secret.replicas:
            regions = ",".join(secret.replicas)
            raise InvalidParameterError(
                f"You can't delete secret {secret.name} that still has replica regions [{regions}]"
            )
        if secret.deletion and not force_delete_without_recovery:
            raise InvalidRequestError(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        secret.rotation.stop()
        now = self.now()
        secret.deletion = now if force_delete_without_recovery else now + timedelta(days=days)
        secret.purge = self.sandbox.clock.ticker.at(
            secret.deletion, lambda: self._purge(secret), f"end of secret {secret.name}"
        )
        if force_delete_without_recovery:
            self._purge(secret)
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": secret.deletion}

    def restore_secret(self, secret_id: str) -> Members:
        """Undo a deletion that has not ended."""
        secret = self._find(secret_id)
        secret.refuse_on_replica()
        if secret.purge:
            secret.purge.cancel()
        secret.deletion = None
        return {"ARN": secret.arn, "Name": secret.name}

    def list_secrets(
        self,
        include_planned_deletion: bool = False,
        max_results: int = 100,
        next_token: str | None = None,
        filters: list[dict[str, Any]] | None = None,
        sort_order: str = "desc",
        **unknown: Any,
    ) -> Members:
        """The secrets that match every filter."""
        self._refuse_unknown(unknown, "ListSecrets")
        found = self._matching(filters or [], deleted=include_planned_deletion)
        found.sort(key=lambda secret: secret.created, reverse=sort_order == "desc")
        page, token = paged(found, max_results, next_token)
        return {"SecretList": [_listed(secret) for secret in page], "NextToken": token}

    def tag_resource(self, secret_id: str, tags: list[dict[str, str]]) -> Members:
        """Add or change tags."""
        secret = self._writable(secret_id)
        secret.tags |= {tag["Key"]: tag["Value"] for tag in tags}
        return {}

    def untag_resource(self, secret_id: str, tag_keys: list[str]) -> Members:
        """Remove tags."""
        secret = self._writable(secret_id)
        secret.tags = {key: value for key, value in secret.tags.items() if key not in tag_keys}
        return {}


def _listed(secret: Secret) -> dict[str, Any]:
    stages = {version.id: list(version.stages) for version in secret.versions.values() if version.stages}
    return {**secret.described(), "SecretVersionsToStages": stages or None}
