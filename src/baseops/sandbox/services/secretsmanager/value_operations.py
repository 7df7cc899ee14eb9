"""Values read and put, and the staging labels of their versions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling
from baseops.sandbox.services.secretsmanager import values
from baseops.sandbox.services.secretsmanager.secret import (
    CURRENT,
    InvalidParameterError,
    InvalidRequestError,
    NotFoundError,
    Secret,
    Version,
    paged,
    short,
)
from baseops.sandbox.services.secretsmanager.state import SecretsState

# https://docs.aws.amazon.com/cli/latest/reference/secretsmanager/list-secret-version-ids.html
_DEFAULT = "DefaultEncryptionKey"


class ValueOperations(SecretsState):
    """Operations on versions."""

    def get_secret_value(
        self, secret_id: str, version_id: str | None = None, version_stage: str | None = None
    ) -> Members:
        """One version's value."""
        secret = self._find(secret_id)
        if secret.deletion:
            raise InvalidRequestError(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        version = secret.find(version_id, version_stage)
        self._decrypt(version)
        return self._value(secret, version)

    def batch_get_secret_value(
        self,
        secret_id_list: list[str] | None = None,
        filters: list[dict[str, Any]] | None = None,
        max_results: int = 20,
        next_token: str | None = None,
    ) -> Members:
        """Values of up to twenty secrets, by names or by filters."""
        if (secret_id_list is None) == (filters is None):
            raise InvalidParameterError("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        if secret_id_list is not None:
            names, token = secret_id_list, None
        else:
            page, token = paged(self._matching(filters or []), max_results, next_token)
            names = [secret.arn for secret in page]
        found, errors = [], []
        for name in names:
            part = calling().part("GetSecretValue", {"SecretId": name})
            try:
                found.append(self.sandbox.dispatcher.answer_part(part, partial(self.get_secret_value, name)))
            except ServiceError as error:
                errors.append({"SecretId": name, "ErrorCode": error.code, "Message": error.message})
        return {"SecretValues": found, "Errors": errors or None, "NextToken": token}

    def put_secret_value(
        self,
        secret_id: str,
        client_request_token: str | None = None,
        secret_binary: bytes | None = None,
        secret_string: str | None = None,
        version_stages: list[str] | None = None,
        **unknown: Any,
    ) -> Members:
        """Add a version."""
        self._refuse_unknown(unknown, "PutSecretValue")
        secret = self._writable(secret_id)
        stages = version_stages or [CURRENT]
        version = self._add_value(secret, secret_string, secret_binary, client_request_token, stages)
        if version is None:
            raise InvalidParameterError("You must provide either SecretString or SecretBinary.")
        secret.changed = self.now()
        return {**short(secret, version), "VersionStages": list(version.stages)}

    def list_secret_version_ids(
        self, secret_id: str, max_results: int = 100, next_token: str | None = None, include_deprecated: bool = False
    ) -> Members:
        """The versions of a secret."""
        secret = self._find(secret_id)
        shown = [version for version in secret.versions.values() if version.stages or include_deprecated]
        page, token = paged(shown, max_results, next_token)
        versions = [
            {
                "VersionId": version.id,
                "VersionStages": list(version.stages) or None,
                "CreatedDate": version.created,
                "LastAccessedDate": version.accessed,
                "KmsKeyIds": [each or _DEFAULT for each in (*version.former_keys, version.key)],
            }
            for version in page
        ]
        return {"ARN": secret.arn, "Name": secret.name, "Versions": versions, "NextToken": token}

    def update_secret_version_stage(
        self,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str | None = None,
        move_to_version_id: str | None = None,
    ) -> Members:
        """Move a staging label."""
        secret = self._writable(secret_id)
        for version_id in (remove_from_version_id, move_to_version_id):
            if version_id and version_id not in secret.versions:
                raise NotFoundError(f"Secrets Manager can't find the specified secret version: {version_id}")
        holder = secret.labelled(version_stage)
        if move_to_version_id and holder and holder.id not in (remove_from_version_id, move_to_version_id):
            raise InvalidParameterError(
                "The parameter RemoveFromVersionId can't be empty. Staging label "
                f"{version_stage} is currently attached to version {holder.id}, so you must explicitly reference that "
                "version in RemoveFromVersionId."
            )
        if remove_from_version_id and version_stage not in secret.versions[remove_from_version_id].stages:
            raise InvalidParameterError(
                f"Staging label {version_stage} is not attached to version {remove_from_version_id}"
            )
        if move_to_version_id:
            secret.move(version_stage, secret.versions[move_to_version_id])
        elif remove_from_version_id and version_stage == CURRENT:
            raise InvalidParameterError("You can't remove the staging label AWSCURRENT without moving it to a version.")
        elif remove_from_version_id:
            secret.versions[remove_from_version_id].stages.remove(version_stage)
        secret.changed = self.now()
        return {"ARN": secret.arn, "Name": secret.name}

    def get_random_password(self, **rules: Any) -> Members:
        """A password by rules."""
        named = {"".join(word.capitalize() for word in name.split("_")): value for name, value in rules.items()}
        return {"RandomPassword": values.random_password(named)}

    def _value(self, secret: Secret, version: Version) -> dict[str, Any]:
        version.accessed = _day(self.now())
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.id,
            **version.members(),
            "VersionStages": list(version.stages),
            "CreatedDate": version.created,
        }


def _day(moment: datetime) -> datetime:
    """Secrets Manager keeps the day of an access, not the time."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
