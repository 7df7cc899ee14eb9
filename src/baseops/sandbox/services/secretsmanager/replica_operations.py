"""Copies of secrets in other regions."""

from __future__ import annotations

from dataclasses import replace

from baseops.sandbox.service import Members
from baseops.sandbox.services.secretsmanager.secret import (
    InvalidParameterError,
    InvalidRequestError,
    Secret,
)
from baseops.sandbox.services.secretsmanager.state import SecretsState


class ReplicaOperations(SecretsState):
    """Operations on replicas."""

    def replicate_secret_to_regions(
        self,
        secret_id: str,
        add_replica_regions: list[dict[str, str]],
        force_overwrite_replica_secret: bool = False,
    ) -> Members:
        """Add copies in other regions."""
        secret = self._writable(secret_id)
        self._replicate(secret, add_replica_regions, overwrite=force_overwrite_replica_secret)
        return {"ARN": secret.arn, "ReplicationStatus": list(secret.replicas.values())}

    def remove_regions_from_replication(self, secret_id: str, remove_replica_regions: list[str]) -> Members:
        """Remove copies."""
        secret = self._writable(secret_id)
        for region in remove_replica_regions:
            if secret.replicas.pop(region, None):
                self.of(self.account_id, region).secrets.pop(secret.name, None)
        return {"ARN": secret.arn, "ReplicationStatus": list(secret.replicas.values())}

    def stop_replication_to_replica(self, secret_id: str) -> Members:
        """Make a copy a secret of its own."""
        secret = self._find(secret_id)
        if not secret.primary_region:
            raise InvalidRequestError("You can only stop replication on a replica secret.")
        primary = self.of(self.account_id, secret.primary_region).secrets[secret.name]
        primary.replicas.pop(self.region_name, None)
        secret.primary_region = None
        secret.versions = {each.id: replace(each, stages=list(each.stages)) for each in secret.versions.values()}
        return {"ARN": secret.arn}

    def _replicate(self, secret: Secret, regions: list[dict[str, str]], *, overwrite: bool) -> None:
        for wanted in regions:
            region, key = wanted["Region"], wanted.get("KmsKeyId")
            if region == self.region_name:
                raise InvalidParameterError("Invalid replica region.")
            away = self.of(self.account_id, region)
            status = {"Region": region, "Status": "InSync", **({"KmsKeyId": key} if key else {})}
            if secret.name in away.secrets and not overwrite:
                message = f"Replication failed: Secret name {secret.name} already exists in region {region}."
                secret.replicas[region] = {**status, "Status": "Failed", "StatusMessage": message}
                continue
            arn = secret.arn.replace(f":{self.region_name}:", f":{region}:", 1)
            away.secrets[secret.name] = Secret(
                secret.name,
                arn,
                region,
                secret.created,
                secret.changed,
                away._usable_key(key),
                secret.description,
                secret.tags,
                secret.versions,
                primary_region=self.region_name,
            )
            secret.replicas[region] = status
