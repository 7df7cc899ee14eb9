"""Takes existing resources into a stack that CloudFormation does not import by itself: those not identified by name.

ImportExistingResources needs the primary identifier in the template, and a secret's is its ARN
(https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2375). So they are imported explicitly,
before the stack is changed, with as few properties as may be: what else the template says then comes as a change.
A property that makes data when it is added (`GenerateSecretString`) is among those few, so that it is no change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.template import Template
from baseops.contract.types import Json
from baseops.errors import NotFoundError


@dataclass(frozen=True)
class Adoption:
    """One resource to take into a stack: its identifier in AWS, and how it stands in the importing template."""

    logical_id: str
    type: str
    identifier: Mapping[str, str]
    resource: Mapping[str, Json]

    @property
    def to_import(self) -> dict[str, Any]:
        """A member of CreateChangeSet's ResourcesToImport."""
        return {
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.type,
            "ResourceIdentifier": dict(self.identifier),
        }


@dataclass(frozen=True)
class _Type:
    """How a type is found by its name, and which properties an import has to hold. Any: botocore's clients."""

    service: str
    name: str
    kept: tuple[str, ...]
    find: Callable[[Any, str], Mapping[str, str] | None]


def _secret(client: Any, name: str) -> Mapping[str, str] | None:
    found = client.describe_secret(SecretId=name)
    return None if "DeletedDate" in found else {"Id": found["ARN"]}


_TYPES: Mapping[str, _Type] = {
    "AWS::SecretsManager::Secret": _Type("secretsmanager", "Name", ("Name", "GenerateSecretString"), _secret),
}


def adoptions(clients: Clients, template: Template, known: Mapping[str, Json]) -> list[Adoption]:
    """What the template would add to `known` and exists already; only types that need it, and literal names."""
    before, after = known.get("Resources"), template.body.get("Resources")
    old = before if isinstance(before, dict) else {}
    added = {name: each for name, each in after.items() if name not in old} if isinstance(after, dict) else {}
    found = (_adoption(clients, template.region, name, each) for name, each in added.items())
    return [each for each in found if each]


def import_text(known: Mapping[str, Json], wanted: list[Adoption]) -> str:
    """The stack's template as it is, with the resources to import."""
    before = known.get("Resources")
    resources = {**(before if isinstance(before, dict) else {}), **{each.logical_id: each.resource for each in wanted}}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **known, "Resources": resources}, indent=2)


def _adoption(clients: Clients, region: str, logical_id: str, resource: Json) -> Adoption | None:
    kind = _TYPES.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
    if kind is None or not isinstance(resource, dict):
        return None
    properties = resource.get("Properties")
    name = properties.get(kind.name) if isinstance(properties, dict) else None
    if not isinstance(name, str) or not isinstance(properties, dict):
        return None
    try:
        with translated(f"cannot look for {resource['Type']} {name} in {region}"):
            identifier = kind.find(clients.client(kind.service, region), name)
    except NotFoundError:
        return None
    if identifier is None:
        return None
    kept = {key: properties[key] for key in kind.kept if key in properties}
    bare: dict[str, Json] = {"Type": resource["Type"], "DeletionPolicy": "Retain", "Properties": kept}
    return Adoption(logical_id, str(resource["Type"]), identifier, bare)
