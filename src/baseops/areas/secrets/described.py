"""A declared secret or parameter as AWS describes it, without its value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from baseops.areas.secrets.values import versions_of
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import NotFoundError

Described = Mapping[str, Any]
# Any: what AWS describes.


def secret(clients: Clients, name: str, region: str) -> Described | None:
    """The secret; None when there is none. AWS call: secretsmanager:DescribeSecret."""
    try:
        with translated(f"cannot describe the secret {name} in {region}"):
            found: Described = clients.client("secretsmanager", region).describe_secret(SecretId=name)
    except NotFoundError:
        return None
    return found


def parameter(clients: Clients, name: str, region: str) -> Described | None:
    """The parameter; None when there is none. AWS call: ssm:DescribeParameters."""
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    with translated(f"cannot describe the parameter {name}"):
        pages = clients.client("ssm", region).get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
        found: list[Described] = [each for page in pages for each in page["Parameters"]]
    return found[0] if found else None


def labelled(described: Described, stage: str) -> str:
    """The id of the version that has a staging label; empty when none has."""
    versions: Mapping[str, list[str]] = described.get("VersionIdsToStages") or {}
    return next((identity for identity, stages in versions.items() if stage in stages), "")


def created(clients: Clients, name: str, version: str, region: str) -> datetime | None:
    """When a version was made. AWS call: secretsmanager:ListSecretVersionIds."""
    with translated(f"cannot list the versions of {name}"):
        found = list(versions_of(clients.client("secretsmanager", region), name))
    return next((each["CreatedDate"] for each in found if each["VersionId"] == version), None)


def key_arn(clients: Clients, key_id: str, region: str) -> str:
    """The ARN of a key of any name. AWS call: kms:DescribeKey."""
    with translated(f"cannot look at the key {key_id}"):
        return str(clients.client("kms", region).describe_key(KeyId=key_id)["KeyMetadata"]["Arn"])
