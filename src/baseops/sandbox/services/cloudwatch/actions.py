"""The actions of alarms: topics and functions. What CloudWatch may not reach fails, which history alone tells."""

from __future__ import annotations

import json
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service_access import Sender, may_publish
from baseops.sandbox.services.cloudwatch import messages
from baseops.sandbox.services.cloudwatch.history import note
from baseops.sandbox.services.cloudwatch.store import Alarm
from baseops.sandbox.services.events import functions

# Any: moto's backends are untyped.


def act(backend: Any, alarm: Alarm, former: messages.Former, action: str) -> None:
    """Take one action."""
    service = action.split(":")[2] if action.count(":") >= 5 else ""
    if service == "sns":
        error = _publish(alarm, former, action)
    elif service == "lambda":
        error = _invoke(alarm, former, action)
    else:
        error = "the sandbox takes actions on topics and functions alone"
    done = "Successfully executed" if error is None else "Failed to execute"
    data = {"actionState": "Succeeded" if error is None else "Failed", "actionArn": action, "error": error}
    note(backend, alarm, "Action", f"{done} action {action}", data)


def _publish(alarm: Alarm, former: messages.Former, arn: str) -> str | None:
    sender = Sender("cloudwatch", alarm.arn.split(":")[4], alarm.arn)
    if not may_publish(sender, arn):
        return "CloudWatch Alarms is not authorized to perform: SNS:Publish on the resource"
    topic = moto_backend("sns", arn.split(":")[4], arn.split(":")[3]).topics[arn]
    topic.publish(json.dumps(messages.message(alarm, former)), subject=messages.subject(alarm))
    return None


def _invoke(alarm: Alarm, former: messages.Former, arn: str) -> str | None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html."""
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn,
        "accountId": alarm.arn.split(":")[4],
        "time": alarm.changed.isoformat(),
        "region": alarm.arn.split(":")[3],
        "alarmData": messages.event_detail(alarm, former),
    }
    source = Sender("lambda.alarms.cloudwatch", alarm.arn.split(":")[4], alarm.arn)
    return functions.invoke_later(source, arn, event)
