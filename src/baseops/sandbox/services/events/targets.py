"""Sends an event to one target of a rule: what fails is repeated, what may not be done goes to the dead letters.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.moto_api._internal import mock_random

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import ServiceError, opened
from baseops.sandbox.service_access import AccessError, Sender, may_publish, may_send, may_write_logs, role_session
from baseops.sandbox.services.cloudwatch.series import record
from baseops.sandbox.services.events import functions
from baseops.sandbox.services.events.inputs import input_of

# Any: moto's backends are untyped, targets are members of AWS's shapes.

_RETRIED = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "InternalError")
_LONGEST_DELAY = 300.0


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target."""

    sender: Sender
    region: str
    rule: str
    target: Mapping[str, Any]
    text: str
    began: datetime

    @property
    def arn(self) -> str:
        """Of the target."""
        return str(self.target["Arn"])


def refuse_target(target: Mapping[str, Any]) -> None:
    """Refuse a target that the sandbox could not reach, or that lacks its role."""
    kind = _kind(str(target["Arn"]))
    if kind not in _SENDERS:
        raise ServiceError(
            f"Parameter {target['Arn']} is not valid. Reason: the sandbox has no targets of this kind",
            code="ValidationException",
            status=400,
        )
    if kind in ("automation-definition", "document") and not target.get("RoleArn"):
        message = f"RoleArn is required for target {target['Arn']}."
        raise ServiceError(message, code="ValidationException", status=400)


def send(backend: Any, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Send the event as the target wants it."""
    sender = Sender("events", backend.account_id, rule.arn, bare_keys=True)
    text = input_of(target, event, rule.arn)
    delivery = Delivery(sender, backend.region_name, rule.name, target, text, opened().clock.now())
    _count(delivery, "Invocations")
    _attempt(delivery, 0)


def _attempt(delivery: Delivery, attempt: int) -> None:
    try:
        _SENDERS[_kind(delivery.arn)](delivery)
    except AccessError as error:
        _give_up(delivery, attempt, "NO_PERMISSIONS", str(error))
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if (code in _RETRIED or status >= 500) and _may_repeat(delivery, attempt):
            delay = min(2.0**attempt, _LONGEST_DELAY)
            name = f"rule {delivery.rule} to target {delivery.target['Id']} again"
            opened().clock.ticker.after(delay, lambda: _attempt(delivery, attempt + 1), name)
        else:
            _give_up(delivery, attempt, code, str(error))


def _may_repeat(delivery: Delivery, attempt: int) -> bool:
    policy = delivery.target.get("RetryPolicy") or {}
    oldest = timedelta(seconds=int(policy.get("MaximumEventAgeInSeconds", 86_400)))
    return attempt < int(policy.get("MaximumRetryAttempts", 185)) and opened().clock.now() - delivery.began < oldest


def _give_up(delivery: Delivery, attempt: int, code: str, message: str) -> None:
    _count(delivery, "FailedInvocations")
    queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    if not may_send(delivery.sender, queue):
        _count(delivery, "InvocationsFailedToBeSentToDlq")
        return
    said = {
        "RULE_ARN": delivery.sender.source_arn,
        "TARGET_ARN": delivery.arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:1024],
        "RETRY_ATTEMPTS": str(attempt),
    }
    attributes = {key: {"DataType": "String", "StringValue": value} for key, value in said.items()}
    _put_into(delivery, queue, delivery.text, MessageAttributes=attributes)
    _count(delivery, "InvocationsSentToDlq")


def _count(delivery: Delivery, name: str) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html."""
    rule = {"RuleName": delivery.rule}
    record(delivery.sender.account_id, delivery.region, "AWS/Events", name, 1.0, dimensions=rule, unit="Count")


def _to_queue(delivery: Delivery) -> None:
    if not may_send(delivery.sender, delivery.arn):
        raise AccessError(f"events.amazonaws.com is not authorized to perform: sqs:SendMessage on {delivery.arn}")
    group = (delivery.target.get("SqsParameters") or {}).get("MessageGroupId")
    _put_into(delivery, delivery.arn, delivery.text, **({"MessageGroupId": group} if group else {}))


def _put_into(delivery: Delivery, queue: str, body: str, **more: Any) -> None:
    _, _, _, region, account_id, name = queue.split(":", 5)
    sqs = opened().clients_of(account_id).client("sqs", region)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=body, **more)


def _to_topic(delivery: Delivery) -> None:
    if not may_publish(delivery.sender, delivery.arn):
        raise AccessError(f"events.amazonaws.com is not authorized to perform: sns:Publish on {delivery.arn}")
    _, _, _, region, account_id, _ = delivery.arn.split(":", 5)
    moto_backend("sns", account_id, region).topics[delivery.arn].publish(delivery.text)


def _to_function(delivery: Delivery) -> None:
    error = functions.invoke_later(delivery.sender, delivery.arn, json.loads(delivery.text))
    if error:
        raise AccessError(error)


def _to_automation(delivery: Delivery) -> None:
    name, _, version = delivery.arn.rpartition("automation-definition/")[2].partition(":")
    session = role_session(delivery.sender, str(delivery.target["RoleArn"]))
    session.client("ssm", delivery.region).start_automation_execution(
        DocumentName=name, DocumentVersion=version or "$DEFAULT", Parameters=json.loads(delivery.text)
    )


def _to_command(delivery: Delivery) -> None:
    session = role_session(delivery.sender, str(delivery.target["RoleArn"]))
    wanted = delivery.target["RunCommandParameters"]["RunCommandTargets"]
    session.client("ssm", delivery.region).send_command(
        DocumentName=delivery.arn.rpartition("document/")[2], Targets=wanted, Parameters=json.loads(delivery.text)
    )


def _to_log_group(delivery: Delivery) -> None:
    if not may_write_logs(delivery.sender, delivery.region, delivery.arn):
        raise AccessError(f"events.amazonaws.com is not authorized to perform: logs:PutLogEvents on {delivery.arn}")
    logs = opened().clients_of(delivery.sender.account_id).client("logs", delivery.region)
    group = delivery.arn.partition(":log-group:")[2].removesuffix(":*")
    stream = str(uuid.UUID(int=mock_random.getrandbits(128)))
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(opened().clock.now().timestamp() * 1000), "message": delivery.text}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def _kind(arn: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return ""
    return parts[5].partition("/")[0] if parts[2] == "ssm" else parts[2]


_SENDERS: Mapping[str, Callable[[Delivery], None]] = {
    "automation-definition": _to_automation,
    "document": _to_command,
    "lambda": _to_function,
    "logs": _to_log_group,
    "sns": _to_topic,
    "sqs": _to_queue,
}
