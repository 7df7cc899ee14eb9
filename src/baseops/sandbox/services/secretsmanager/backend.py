"""AWS Secrets Manager as one service: all its operations together.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
"""

from __future__ import annotations

from baseops.sandbox.services.secretsmanager.policy_operations import PolicyOperations
from baseops.sandbox.services.secretsmanager.rotation_operations import RotationOperations
from baseops.sandbox.services.secretsmanager.secret_operations import SecretOperations
from baseops.sandbox.services.secretsmanager.value_operations import ValueOperations


class SecretsManagerBackend(SecretOperations, ValueOperations, RotationOperations, PolicyOperations):
    """The secrets of one account and region."""


SecretsManagerBackend.register()
