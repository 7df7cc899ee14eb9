"""Builds the records of calls, of what services do by themselves, and of KMS calls made in a caller's name.

The shapes are those of real events; https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from baseops.sandbox.access.key_uses import KeyUse
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.principals import Principal
from baseops.sandbox.services.cloudtrail import naming
from baseops.sandbox.services.cloudtrail.members import written

# Any: records are JSON of CloudTrail's own shape.
Record = dict[str, Any]
INTERNAL = "AWS Internal"


@dataclass(frozen=True)
class Seen:
    """A call as it happened. `number` tells equal ones apart; `is_internal` marks what the sandbox did by itself."""

    call: Call = field(repr=False)
    answer: Answer = field(repr=False)
    when: datetime
    number: int
    key_uses: tuple[KeyUse, ...] = ()
    is_internal: bool = False

    @property
    def is_data(self) -> bool:
        """Whether only trails that select it get it."""
        return (self.call.service, self.call.operation) in naming.DATA_EVENTS

    def records(self) -> list[Record]:
        """The call's own record, then those of KMS."""
        return [self._own(), *(self._of_key(place, use) for place, use in enumerate(self.key_uses))]

    def _own(self) -> Record:
        call = self.call
        name, is_reading = naming.name_of(call.service, call.operation), naming.is_reading(call.service, call.operation)
        error = self._error()
        record = {
            **self._frame(name, naming.source_of(call.service), identifier(self, "own")),
            **error,
            "requestParameters": None if _is_denied(call, error) else self._asked(),
            "responseElements": None if error or (is_reading and call.service != "sts") else self._answered(),
            "requestID": _request_id(self.answer) or identifier(self, "request"),
            "readOnly": is_reading,
        }
        resources = [] if error and _is_denied(call, error) else resources_of(call)
        if resources:
            record["resources"] = resources
        return record

    def _of_key(self, place: int, use: KeyUse) -> Record:
        """KMS's record: the caller stays the caller, the service stands where the address would."""
        operation = use.action.partition(":")[2]
        through = INTERNAL if use.via == "ssm" else f"{use.via}.amazonaws.com"
        record = self._frame(operation, "kms.amazonaws.com", identifier(self, f"key {place}"))
        record["userIdentity"] = {**identity(self.call, self.when), "invokedBy": through}
        key = use.key or managed_key(self.call, use.via)
        return {
            **record,
            "sourceIPAddress": through,
            "userAgent": through,
            "requestParameters": _key_parameters(operation, use),
            "responseElements": None,
            "requestID": identifier(self, f"key request {place}"),
            "readOnly": True,
            "resources": [{"accountId": key.split(":")[4], "type": "AWS::KMS::Key", "ARN": key}],
        }

    def _frame(self, name: str, source: str, event_id: str) -> Record:
        call = self.call
        agent = str(call.request.headers.get("User-Agent", ""))
        return {
            "eventVersion": "1.09",
            "userIdentity": identity(call, self.when) | ({"invokedBy": INTERNAL} if self.is_internal else {}),
            "eventTime": stamp(self.when),
            "eventSource": source,
            "eventName": name,
            "awsRegion": region_of(call),
            "sourceIPAddress": INTERNAL if self.is_internal else call.source_address,
            "userAgent": INTERNAL if self.is_internal else agent,
            "eventID": event_id,
            "eventType": "AwsApiCall",
            "managementEvent": not self.is_data,
            "recipientAccountId": call.account_id,
            "eventCategory": "Data" if self.is_data else "Management",
        }

    def _asked(self) -> Record | None:
        shape = self.call.model.input_shape
        return written(self.call.service, self.call.parameters, shape)

    def _answered(self) -> Record | None:
        return written(self.call.service, self.answer.members, self.call.model.output_shape)

    def _error(self) -> Record:
        code = self.answer.error_code
        if code is None:
            return {}
        message = str(self.answer.members["Error"].get("Message") or "")
        if self.call.service == "ec2":
            code = f"Client.{code}"
        return {"errorCode": "AccessDenied" if code == "AccessDeniedException" else code, "errorMessage": message}


def service_event(
    name: str, service: str, account_id: str, region: str, details: Mapping[str, Any], when: datetime, number: int
) -> Record:
    """What a service did by itself: a rotation, a deletion."""
    source = f"{service}.amazonaws.com"
    return {
        "eventVersion": "1.09",
        "userIdentity": {"accountId": account_id, "invokedBy": source},
        "eventTime": stamp(when),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": source,
        "userAgent": source,
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": dict(details),
        "requestID": str(uuid5(NAMESPACE_URL, f"request {account_id} {region} {number}")),
        "eventID": str(uuid5(NAMESPACE_URL, f"service event {account_id} {region} {number}")),
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account_id,
        "eventCategory": "Management",
    }


def identity(call: Call, when: datetime) -> Record:
    """Who called, as CloudTrail writes it."""
    principal = call.principal
    common = {
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
        "accessKeyId": call.access_key,
    }
    if principal.role_arn is None:
        return {"type": "IAMUser", **common, "userName": principal.arn.rpartition("/")[2]}
    return {"type": "AssumedRole", **common, "sessionContext": _session(principal, when)}


def _session(principal: Principal, when: datetime) -> Record:
    role = str(principal.role_arn)
    return {
        "sessionIssuer": {
            "type": "Role",
            "principalId": principal.user_id.partition(":")[0],
            "arn": role,
            "accountId": principal.account_id,
            "userName": role.rpartition("/")[2],
        },
        "webIdFederationData": {},
        "attributes": {"creationDate": stamp(principal.since or when), "mfaAuthenticated": "false"},
    }


def resources_of(call: Call) -> list[Record]:
    """The resources that some services name; Secrets Manager names none."""
    parameters, account = call.parameters, call.account_id
    if call.service == "ssm" and "Parameter" in call.operation:
        names = parameters.get("Names") or [parameters[each] for each in ("Name", "Path") if parameters.get(each)]
        prefix = f"arn:aws:ssm:{call.region}:{account}:parameter/"
        return [
            {"accountId": account, "ARN": name if name.startswith("arn:") else prefix + name.removeprefix("/")}
            for name in names
        ]
    if call.service == "s3" and parameters.get("Bucket"):
        return [{"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{parameters['Bucket']}"}]
    if call.service == "sts" and parameters.get("RoleArn"):
        arn = str(parameters["RoleArn"])
        return [{"accountId": arn.split(":")[4], "type": "AWS::IAM::Role", "ARN": arn}]
    if call.service == "kms" and str(parameters.get("KeyId", "")).startswith("arn:"):
        return [{"accountId": account, "type": "AWS::KMS::Key", "ARN": parameters["KeyId"]}]
    return []


def region_of(call: Call) -> str:
    """Where the event is found; global services report to us-east-1."""
    return "us-east-1" if call.service in naming.GLOBAL_SERVICES else call.region


def managed_key(call: Call, service: str) -> str:
    """The ARN of the key that AWS manages for a service here; nobody ever asks KMS for it."""
    name = uuid5(NAMESPACE_URL, f"{call.account_id} {call.region} aws/{service}")
    return f"arn:aws:kms:{call.region}:{call.account_id}:key/{name}"


def identifier(seen: Seen, part: str) -> str:
    """An event's id; the same one for the same account and seed."""
    call = seen.call
    return str(uuid5(NAMESPACE_URL, f"{call.account_id} {call.region} {seen.when.isoformat()} {seen.number} {part}"))


def stamp(when: datetime) -> str:
    """A time as events have it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _key_parameters(operation: str, use: KeyUse) -> Record:
    context = {"encryptionContext": dict(use.context)}
    if operation == "GenerateDataKey":
        return {"keyId": use.key or f"alias/aws/{use.via}", "keySpec": "AES_256", **context}
    named = {"keyId": use.key or f"alias/aws/{use.via}"} if operation == "Encrypt" else {}
    return {**named, "encryptionAlgorithm": "SYMMETRIC_DEFAULT", **context}


def _is_denied(call: Call, error: Record) -> bool:
    """IAM refuses before the request is read, except in EC2."""
    return bool(re.search(r"AccessDenied|AuthorizationError|Throttling", str(error.get("errorCode", ""))))


def _request_id(answer: Answer) -> str:
    return next((value for name, value in answer.headers.items() if name.lower().endswith("requestid")), "")
