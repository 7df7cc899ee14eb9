"""The four steps in which Secrets Manager rotates a secret; each may be called again after it was done.

Secrets Manager calls the function once for each step and repeats a step that failed. It never logs a value.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3

from baseops.areas.secrets.functions.postgres_single_user.database import PostgreSQL, RotationError, can_log_in

# Any: secrets are JSON of the owner's making, and botocore makes its classes at run time.
Value = dict[str, Any]

DEFAULT_RULES: Mapping[str, Any] = {"PasswordLength": 32, "ExcludeCharacters": "/@\"'\\"}
_log = logging.getLogger("rotation")


@cache
def _client() -> Any:
    return boto3.client("secretsmanager")  # noqa: TID251  # in Lambda there is no session of ours


def handle(event: Mapping[str, str], context: object) -> None:  # noqa: ARG001  # Lambda's signature
    """What Lambda calls; `PASSWORD_RULES` in the environment holds parameters of GetRandomPassword as JSON."""
    _log.setLevel(logging.INFO)
    rules = json.loads(os.environ.get("PASSWORD_RULES", "null")) or DEFAULT_RULES
    rotate(event, _client(), rules)


def rotate(event: Mapping[str, str], client: Any, rules: Mapping[str, Any]) -> None:
    """Do one step. Raises `RotationError` for what would leave secret and database apart."""
    step, secret_id, token = event["Step"], event["SecretId"], event["ClientRequestToken"]
    steps: Mapping[str, Callable[[], str]] = {
        "createSecret": lambda: create_secret(client, secret_id, token, rules),
        "setSecret": lambda: set_secret(client, secret_id, token),
        "testSecret": lambda: test_secret(client, secret_id, token),
        "finishSecret": lambda: finish_secret(client, secret_id, token),
    }
    if step not in steps:
        raise RotationError(f"{step} is not a step of a rotation")
    stages = _stages(client, secret_id, token)
    done = "already rotated" if "AWSCURRENT" in stages else steps[step]()
    _log.info("%s of %s: %s", step, secret_id, done)


def _stages(client: Any, secret_id: str, token: str) -> list[str]:
    described = client.describe_secret(SecretId=secret_id)
    if not described.get("RotationEnabled"):
        raise RotationError(f"{secret_id} has no rotation enabled")
    stages: list[str] = described.get("VersionIdsToStages", {}).get(token, [])
    if "AWSCURRENT" not in stages and "AWSPENDING" not in stages:
        raise RotationError(f"version {token} of {secret_id} is neither current nor pending")
    return stages


def create_secret(client: Any, secret_id: str, token: str, rules: Mapping[str, Any]) -> str:
    """Put a pending value with a new password, once."""
    current = _value(client, secret_id, VersionStage="AWSCURRENT")
    if _found(client, secret_id, VersionId=token, VersionStage="AWSPENDING") is not None:
        return "was there"
    password = client.get_random_password(**rules)["RandomPassword"]
    client.put_secret_value(
        SecretId=secret_id,
        ClientRequestToken=token,
        SecretString=json.dumps({**current, "password": password}),
        VersionStages=["AWSPENDING"],
    )
    return "made"


def set_secret(client: Any, secret_id: str, token: str) -> str:
    """Set the pending password in the database, as the user itself, unless it is set already."""
    pending = _value(client, secret_id, VersionId=token, VersionStage="AWSPENDING")
    current = _value(client, secret_id, VersionStage="AWSCURRENT")
    _same_user_of_same_server(current, pending)
    if can_log_in(pending):
        return "was set"
    former = _found(client, secret_id, VersionStage="AWSPREVIOUS")
    for known in (current, former):
        if known is not None and _is_same(known, pending) and can_log_in(known):
            with PostgreSQL(known) as database:
                database.set_password(str(pending["username"]), str(pending["password"]))
            return "set"
    raise RotationError(
        f"the database refuses the current and the previous password of {secret_id}; put the one that it knows: "
        f"baseops secrets put {secret_id} --overwrite"
    )


def test_secret(client: Any, secret_id: str, token: str) -> str:
    """Log in with the pending password and ask for one row."""
    pending = _value(client, secret_id, VersionId=token, VersionStage="AWSPENDING")
    with PostgreSQL(pending) as database:
        database.ask()
    return "logged in"


def finish_secret(client: Any, secret_id: str, token: str) -> str:
    """Make the pending version the current one."""
    stages: dict[str, list[str]] = client.describe_secret(SecretId=secret_id)["VersionIdsToStages"]
    current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
    client.update_secret_version_stage(
        SecretId=secret_id, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
    )
    return "finished"


def _same_user_of_same_server(current: Value, pending: Value) -> None:
    """A pending value that names another user or server was not made by createSecret; nothing is sent to it."""
    if not _is_same(current, pending):
        raise RotationError("the pending value names another user, host or database than the current one")


def _is_same(one: Value, other: Value) -> bool:
    return all(one.get(key) == other.get(key) for key in ("username", "host", "port", "dbname"))


def _value(client: Any, secret_id: str, **version: str) -> Value:
    answer = client.get_secret_value(SecretId=secret_id, **version)
    try:
        value = json.loads(answer["SecretString"])
    except (KeyError, ValueError):
        raise RotationError(f"the value of {secret_id} is not JSON") from None
    if not isinstance(value, dict):
        raise RotationError(f"the value of {secret_id} is not a JSON object")
    if value.get("engine", "postgres") not in ("postgres", "aurora-postgresql"):
        raise RotationError(f"the value of {secret_id} is for another engine than postgres")
    missing = sorted({"host", "username", "password"} - value.keys())
    if missing:
        raise RotationError(f"the value of {secret_id} lacks {', '.join(missing)}")
    return value


def _found(client: Any, secret_id: str, **version: str) -> Value | None:
    try:
        return _value(client, secret_id, **version)
    except client.exceptions.ResourceNotFoundException:
        return None
