"""Asks an instance by Run Command: whether its agent answers, how a command ends and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext
from baseops.errors import NotFoundError
from baseops.evidence.drill_instances import waited

# Any: what botocore answers.
Described = Mapping[str, Any]

SHELL = "AWS-RunShellScript"
LONGEST = timedelta(minutes=5)
_MORE = timedelta(minutes=5)
"""So much later than a command's own end it may be known."""
_GOING_ON = ("Pending", "InProgress", "Delayed", "Cancelling")
_TRIES, _PAUSE = 3, 20.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `code` is its own exit code, None where it was not run; `details` is AWS's word.

    What it said is for whoever asked, and no evidence: it may hold anything.
    """

    code: int | None
    details: str
    output: str = field(default="", repr=False)
    errors: str = field(default="", repr=False)

    @property
    def is_success(self) -> bool:
        """It ran and ended with 0."""
        return self.code == 0


def answers(ctx: DrillContext, instance_id: str, patience: timedelta) -> bool:
    """Whether the instance's agent reports within a time. AWS call: ssm:DescribeInstanceInformation."""
    return waited(ctx, lambda: _online(ctx, instance_id), patience) is not None


def _online(ctx: DrillContext, instance_id: str) -> Described | None:
    wanted, ssm = [{"Key": "InstanceIds", "Values": [instance_id]}], ctx.clients.client("ssm", ctx.site.region)
    with translated(f"cannot ask whether {instance_id} is managed"):
        found = ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]
    return next((each for each in found if each.get("PingStatus") == "Online"), None)


def run_patiently(ctx: DrillContext, instance_id: str, command: str) -> Outcome:
    """Run a command; one that fails is tried again a little later, for services are still starting."""
    outcome = run(ctx, instance_id, [command])
    for _ in range(_TRIES - 1):
        if outcome.is_success or outcome.code is None:
            break
        ctx.clock.sleep(_PAUSE)
        outcome = run(ctx, instance_id, [command])
    return outcome


def run(ctx: DrillContext, instance_id: str, lines: Sequence[str], longest: timedelta = LONGEST) -> Outcome:
    """Run a shell script once. AWS calls: ssm:SendCommand, ssm:GetCommandInvocation."""
    with translated(f"cannot send a command to {instance_id}"):
        sent = ctx.clients.client("ssm", ctx.site.region).send_command(
            InstanceIds=[instance_id],
            DocumentName=SHELL,
            Parameters={"commands": list(lines), "executionTimeout": [str(int(longest.total_seconds()))]},
            TimeoutSeconds=60,
            Comment=f"baseops drill {ctx.run_id}"[:100],
        )["Command"]
    ended = waited(ctx, lambda: _ended(ctx, str(sent["CommandId"]), instance_id), longest + _MORE)
    if ended is None:
        return Outcome(None, "no answer")
    code, details = int(ended.get("ResponseCode", -1)), str(ended.get("StatusDetails") or ended["Status"])
    said = (str(ended.get(each, "")) for each in ("StandardOutputContent", "StandardErrorContent"))
    return Outcome(code if ended["Status"] in ("Success", "Failed") and code >= 0 else None, details, *said)


def _ended(ctx: DrillContext, command_id: str, instance_id: str) -> Described | None:
    """How it ended, once it has; a new command is not known everywhere at once."""
    ssm = ctx.clients.client("ssm", ctx.site.region)
    try:
        with translated(f"cannot see how a command on {instance_id} ended"):
            found: Described = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
    except NotFoundError:
        return None
    return None if found["Status"] in _GOING_ON else found
