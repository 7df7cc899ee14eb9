"""Resource policies attached and judged."""

from __future__ import annotations

from baseops.sandbox.service import Members
from baseops.sandbox.services.secretsmanager import values
from baseops.sandbox.services.secretsmanager.state import SecretsState


class PolicyOperations(SecretsState):
    """Operations on resource policies."""

    def put_resource_policy(self, secret_id: str, resource_policy: str, block_public_policy: bool = False) -> Members:
        """Attach a policy."""
        secret = self._find(secret_id)
        policy = values.parsed_policy(resource_policy)
        if block_public_policy and values.is_public(policy):
            raise values.PublicPolicyError("You can't attach a resource policy that allows broad access to the secret.")
        self._refuse_unknown_principals(policy)
        secret.policy = resource_policy
        return {"ARN": secret.arn, "Name": secret.name}

    def get_resource_policy(self, secret_id: str) -> Members:
        """The attached policy."""
        secret = self._find(secret_id)
        return {"ARN": secret.arn, "Name": secret.name, "ResourcePolicy": secret.policy}

    def delete_resource_policy(self, secret_id: str) -> Members:
        """Detach the policy."""
        secret = self._find(secret_id)
        secret.policy = None
        return {"ARN": secret.arn, "Name": secret.name}

    def validate_resource_policy(self, resource_policy: str, secret_id: str | None = None) -> Members:
        """Judge a policy."""
        if secret_id:
            self._find(secret_id)
        public = values.is_public(values.parsed_policy(resource_policy))
        problem = {"CheckName": "PublicPolicyCheck", "ErrorMessage": "The policy allows broad access to the secret."}
        return {"PolicyValidationPassed": not public, "ValidationErrors": [problem] if public else []}
