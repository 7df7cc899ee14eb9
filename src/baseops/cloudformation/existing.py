"""Finds resources that a template would add and that exist already under the same name.

CloudFormation imports most of them by itself (ImportExistingResources); types without that support end in
AlreadyExists in the middle of an operation, so they are found before
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-supported-resources.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from baseops.aws.errors import translated
from baseops.cloudformation.changes import Change
from baseops.contract.clients import Clients
from baseops.contract.template import Template
from baseops.contract.types import Json
from baseops.errors import NotFoundError


@dataclass(frozen=True)
class Existing:
    """One resource that is there already. `importable`: CloudFormation takes it over by itself."""

    stack: str
    region: str
    logical_id: str
    type: str
    name: str
    importable: bool


Properties: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class _Finder:
    service: str
    name: str
    exists: Callable[[Any, str, Properties], bool]
    importable: bool = True


def _log_group(client: Any, name: str, _: Properties) -> bool:
    found = client.describe_log_groups(logGroupNamePrefix=name, limit=50)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _alarm(client: Any, name: str, _: Properties) -> bool:
    found = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return bool(found["MetricAlarms"] or found["CompositeAlarms"])


def _identity(client: Any, name: str, _: Properties) -> bool:
    return bool(client.get_email_identity(EmailIdentity=name))


def _configuration_set(client: Any, name: str, _: Properties) -> bool:
    return bool(client.get_configuration_set(ConfigurationSetName=name))


def _rule_set(client: Any, name: str, _: Properties) -> bool:
    return bool(client.describe_receipt_rule_set(RuleSetName=name))


def _secret(client: Any, name: str, _: Properties) -> bool:
    return "DeletedDate" not in client.describe_secret(SecretId=name)


def _parameter(client: Any, name: str, _: Properties) -> bool:
    return bool(client.get_parameter(Name=name))


def _role(client: Any, name: str, _: Properties) -> bool:
    return bool(client.get_role(RoleName=name))


def _record(client: Any, name: str, properties: Properties) -> bool:
    wanted = name.rstrip(".").lower()
    found = client.list_resource_record_sets(
        HostedZoneId=properties["HostedZoneId"],
        StartRecordName=name,
        StartRecordType=properties["Type"],
        MaxItems="1",
    )["ResourceRecordSets"]
    return any(each["Name"].rstrip(".").lower() == wanted and each["Type"] == properties["Type"] for each in found)


_FINDERS: Mapping[str, _Finder] = {
    "AWS::Logs::LogGroup": _Finder("logs", "LogGroupName", _log_group),
    "AWS::CloudWatch::Alarm": _Finder("cloudwatch", "AlarmName", _alarm),
    "AWS::SES::ConfigurationSet": _Finder("sesv2", "Name", _configuration_set),
    "AWS::SES::ReceiptRuleSet": _Finder("ses", "RuleSetName", _rule_set),
    "AWS::SES::EmailIdentity": _Finder("sesv2", "EmailIdentity", _identity),
    "AWS::SecretsManager::Secret": _Finder("secretsmanager", "Name", _secret),
    "AWS::SSM::Parameter": _Finder("ssm", "Name", _parameter),
    "AWS::IAM::Role": _Finder("iam", "RoleName", _role),
    "AWS::Route53::RecordSet": _Finder("route53", "Name", _record, importable=False),
}


def find_existing(clients: Clients, template: Template, known: Mapping[str, Json]) -> list[Existing]:
    """What exists of the resources that `template` would add to the template `known`; only literal names count."""
    resources = template.body["Resources"]
    before = known.get("Resources")
    old = before if isinstance(before, dict) else {}
    added = {name: each for name, each in resources.items() if name not in old} if isinstance(resources, dict) else {}
    found = []
    for logical_id, resource in added.items():
        if isinstance(resource, dict) and (existing := _find(clients, template, logical_id, resource)):
            found.append(existing)
    return found


def with_imports(changes: Sequence[Change], existing: Sequence[Existing]) -> tuple[Change, ...]:
    """Changes in which what exists already is taken over instead of added."""
    taken = {each.logical_id: each.name for each in existing if each.importable}
    return tuple(
        replace(change, action="import", physical_id=taken[change.logical_id])
        if change.action == "add" and change.logical_id in taken
        else change
        for change in changes
    )


def _find(clients: Clients, template: Template, logical_id: str, resource: Mapping[str, Any]) -> Existing | None:
    finder = _FINDERS.get(resource["Type"])
    properties = resource.get("Properties", {})
    name = properties.get(finder.name) if finder else None
    if finder is None or not isinstance(name, str):
        return None
    try:
        with translated(f"cannot look for {resource['Type']} {name} in {template.region}"):
            there = finder.exists(clients.client(finder.service, template.region), name, properties)
    except NotFoundError:
        return None
    if not there:
        return None
    # CloudFormation imports only what it would also leave behind.
    kept = str(resource.get("DeletionPolicy", "Delete")).startswith("Retain")
    return Existing(template.stack, template.region, logical_id, resource["Type"], name, finder.importable and kept)
