"""Asks an instance by Run Command: whether its agent answers, how a command ends. What a command says is not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from baseops.areas.images.drill_instance import waited
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext
from baseops.errors import AwsError

# Any: what botocore answers.
Described = Mapping[str, Any]

SHELL = "AWS-RunShellScript"
LONGEST = timedelta(minutes=5)
_GOING_ON = ("Pending", "InProgress", "Delayed", "Cancelling")
_TRIES, _PAUSE = 3, 20.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `code` is its own exit code, None where it was not run; `details` is AWS's word."""

    code: int | None
    details: str

    @property
    def is_success(self) -> bool:
        """It ran and ended with 0."""
        return self.code == 0


def answers(ctx: DrillContext, instance_id: str, patience: timedelta) -> bool:
    """Whether the instance's agent reports within a time. AWS call: ssm:DescribeInstanceInformation."""
    return waited(ctx, lambda: _online(ctx, instance_id), patience) is not None


def _online(ctx: DrillContext, instance_id: str) -> Described | None:
    wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
    with translated(f"cannot ask whether {instance_id} is managed"):
        found = ctx.clients.client("ssm").describe_instance_information(Filters=wanted)["InstanceInformationList"]
    return next((each for each in found if each.get("PingStatus") == "Online"), None)


def run(ctx: DrillContext, instance_id: str, command: str) -> Outcome:
    """Run a command; one that fails is tried again a little later, for services are still starting.

    AWS calls: ssm:SendCommand, ssm:GetCommandInvocation.
    """
    outcome = _once(ctx, instance_id, command)
    for _ in range(_TRIES - 1):
        if outcome.is_success or outcome.code is None:
            break
        ctx.clock.sleep(_PAUSE)
        outcome = _once(ctx, instance_id, command)
    return outcome


def _once(ctx: DrillContext, instance_id: str, command: str) -> Outcome:
    seconds = str(int(LONGEST.total_seconds()))
    with translated(f"cannot send a command to {instance_id}"):
        sent = ctx.clients.client("ssm").send_command(
            InstanceIds=[instance_id],
            DocumentName=SHELL,
            Parameters={"commands": [command], "executionTimeout": [seconds]},
            TimeoutSeconds=60,
            Comment=f"baseops drill {ctx.run_id}"[:100],
        )["Command"]
    ended = waited(ctx, lambda: _ended(ctx, str(sent["CommandId"]), instance_id), LONGEST * 2)
    if ended is None:
        return Outcome(None, "no answer")
    code, details = int(ended.get("ResponseCode", -1)), str(ended.get("StatusDetails") or ended["Status"])
    return Outcome(code if ended["Status"] in ("Success", "Failed") and code >= 0 else None, details)


def _ended(ctx: DrillContext, command_id: str, instance_id: str) -> Described | None:
    try:
        with translated(f"cannot see how a command on {instance_id} ended"):
            found: Described = ctx.clients.client("ssm").get_command_invocation(
                CommandId=command_id, InstanceId=instance_id
            )
    except AwsError as problem:
        if problem.code != "InvocationDoesNotExist":
            raise
        return None
    return None if found["Status"] in _GOING_ON else found
