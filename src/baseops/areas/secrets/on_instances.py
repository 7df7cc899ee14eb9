"""The drill that reads for real: a command on one instance gets the value's version, and on another one is refused.

The value stays in the memory of the instance's AWS CLI; what comes back is a version's id, compared and kept, or an
error, of which only the kind is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import described, reading
from baseops.areas.secrets.troubles import doubtful
from baseops.aws import cloudtrail
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import AwsError, BaseopsError, NotFoundError
from baseops.semantics.roles import role_of
from baseops.semantics.trail import Read, reads

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

PROMISE = "an instance with a reader's role reads the value, and one with another role is refused"
LOOK_AGAIN = 2.0
PATIENCE = timedelta(minutes=5)
_OPEN = ("Pending", "InProgress", "Delayed", "Cancelling")
_REFUSED = re.compile(r"AccessDenied|not authorized", re.IGNORECASE)
_NO_ROLE = re.compile(r"Unable to locate credentials")
_UNREACHED = re.compile(r"Could not connect to the endpoint|Connect timeout|Read timeout")

# Any: botocore's answers.


@dataclass(frozen=True)
class _Tried:
    """What came of the command on an instance with a role."""

    instance: str
    role: str
    at: datetime
    seconds: float
    version: str = ""
    error: str = ""
    status: str = ""

    @property
    def where(self) -> str:
        """The instance and its role."""
        return f"{self.instance} with the role {self.role or 'none'}"


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each entry; `entries` have instances."""
    for target, entry in entries.items():
        try:
            yield from _evidence(target, entry, ctx)
        except BaseopsError as error:
            yield doubtful(target, error, method="exercised")


def _evidence(target: str, entry: Entry, ctx: DrillContext) -> Iterator[Evidence]:
    if entry.instances is None:
        return
    name = target.partition(".")[2]
    tried = _try(name, entry.instances.reader, ctx)
    yield _as_reader(f"{target}/reader", entry, tried, ctx)
    yield _as_stranger(f"{target}/stranger", entry, _try(name, entry.instances.stranger, ctx))
    if tried is not None and tried.version:
        yield _in_trail(f"{target}/trail", entry, tried, ctx)


def _as_reader(target: str, entry: Entry, tried: _Tried | None, ctx: DrillContext) -> Evidence:
    if tried is None:
        return inconclusive(target, "no managed instance with these tags is online", method="exercised")
    if tried.role not in {role_of(each).name for each in entry.readers}:
        return refuted(target, f"{tried.where} has no reader's role", method="exercised")
    current, measures = _current(entry, ctx), {"read_seconds": tried.seconds}
    if tried.version == current != "":
        return proven(target, f"{tried.where} read version {current}", method="exercised", measures=measures)
    problem = _problem(tried, current)
    if problem:
        return refuted(target, f"{tried.where} {problem}", method="exercised", measures=measures)
    return _unknown(target, tried)


def _problem(tried: _Tried, current: str) -> str:
    """Why the reader did not get the value; empty where it is the instance's trouble, or unknown."""
    if tried.version:
        return f"read another version than {current}"
    if _REFUSED.search(tried.error):
        return "was refused"
    return "does not reach the service" if _UNREACHED.search(tried.error) else ""


def _as_stranger(target: str, entry: Entry, tried: _Tried | None) -> Evidence:
    if tried is None:
        return inconclusive(target, "no managed instance with these tags is online", method="exercised")
    declared = {role_of(each).name for each in (*entry.readers, *entry.administrators)}
    if tried.role in declared:
        reason = f"{tried.where} is no stranger: the role is declared; name other instances"
        return inconclusive(target, reason, method="exercised")
    if tried.version:
        return refuted(target, f"{tried.where} read it", method="exercised")
    if _REFUSED.search(tried.error):
        return proven(target, f"{tried.where} was refused", method="exercised")
    if _NO_ROLE.search(tried.error):
        reason = f"{tried.where} had no credentials to be refused with; name instances with a role of their own"
        return inconclusive(target, reason, method="exercised")
    return _unknown(target, tried)


def _unknown(target: str, tried: _Tried) -> Evidence:
    reason = f"the command ended as {tried.status} on {tried.where}; is the AWS CLI there? Run Command's history tells"
    return inconclusive(target, reason, method="exercised")


def _try(name: str, tags: Mapping[str, str], ctx: DrillContext) -> _Tried | None:
    """Run the command on one of the instances with these tags; None where none is online."""
    online = _online(tags, ctx)
    if not online:
        return None
    instance = ctx.random.choice(online)
    role, at = _role(instance, ctx), ctx.clock.now()
    document = reading.document_name(name, ctx.site)
    ctx.steps.add(f"run {document} on {instance}")
    ssm = ctx.clients.client("ssm", ctx.site.region)
    with translated(f"cannot run {document} on {instance}", "Run: baseops apply"):
        sent = ssm.send_command(InstanceIds=[instance], DocumentName=document, TimeoutSeconds=reading.SECONDS)
    answer = _answer(ssm, str(sent["Command"]["CommandId"]), instance, ctx)
    output = str(answer.get("StandardOutputContent", "")).strip()
    done = answer["Status"] == "Success"
    return _Tried(
        instance,
        role,
        at,
        (ctx.clock.now() - at).total_seconds(),
        # Whatever else the instance printed is not for evidence.
        version=output if done and re.fullmatch(r"[\w-]{1,64}", output) else "",
        error="" if done else str(answer.get("StandardErrorContent", "")),
        status=str(answer.get("StatusDetails") or answer["Status"]),
    )


def _online(tags: Mapping[str, str], ctx: DrillContext) -> list[str]:
    filters = [{"Key": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]
    filters.append({"Key": "PingStatus", "Values": ["Online"]})
    pages = ctx.clients.client("ssm", ctx.site.region).get_paginator("describe_instance_information")
    with translated("cannot find managed instances"):
        found = [
            each["InstanceId"] for page in pages.paginate(Filters=filters) for each in page["InstanceInformationList"]
        ]
    return sorted(found)


def _role(instance: str, ctx: DrillContext) -> str:
    """The name of the role in the instance's profile; empty where there is none."""
    with translated(f"cannot look at {instance}"):
        answer = ctx.clients.client("ec2", ctx.site.region).describe_instances(InstanceIds=[instance])
    (described_,) = [each for group in answer["Reservations"] for each in group["Instances"]]
    profile = str(described_.get("IamInstanceProfile", {}).get("Arn", ""))
    if not profile:
        return ""
    try:
        with translated(f"cannot look at the instance profile of {instance}"):
            iam = ctx.clients.client("iam")
            found = iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])["InstanceProfile"]
    except NotFoundError:
        return ""
    return str(found["Roles"][0]["RoleName"]) if found["Roles"] else ""


def _answer(ssm: Any, command: str, instance: str, ctx: DrillContext) -> Mapping[str, Any]:
    until = ctx.clock.now() + PATIENCE
    while True:
        ctx.clock.sleep(LOOK_AGAIN)
        try:
            with translated(f"cannot see what came of the command on {instance}"):
                answer: Mapping[str, Any] = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        except AwsError as error:
            # For a moment after it was sent, the command is not known on the instance yet.
            if error.code != "InvocationDoesNotExist":
                raise
            answer = {"Status": "Pending"}
        if answer["Status"] not in _OPEN or ctx.clock.now() >= until:
            return answer


def _current(entry: Entry, ctx: DrillContext) -> str:
    if entry.secret:
        found = described.secret(ctx.clients, entry.name, ctx.site.region)
        return described.labelled(found, "AWSCURRENT") if found else ""
    parameter = described.parameter(ctx.clients, entry.name, ctx.site.region)
    return str(parameter["Version"]) if parameter else ""


def _in_trail(target: str, entry: Entry, tried: _Tried, ctx: DrillContext) -> Evidence:
    """The read in CloudTrail, by the session that the instance's role has: its name is the instance's id."""
    event = "GetSecretValue" if entry.secret else "GetParameter"
    until = tried.at + timedelta(seconds=tried.seconds) + LATER
    while ctx.clock.now() - tried.at < cloudtrail.LAG:
        ctx.clock.sleep(60)
        seen = cloudtrail.events(ctx.clients, ctx.clock, event, tried.at - LATER, until, region=ctx.site.region)
        if any(is_the_read(each, entry.name, tried.instance) for each in reads(seen)):
            lag = (ctx.clock.now() - tried.at).total_seconds()
            return proven(
                target,
                f"{event} by {tried.instance} is in CloudTrail",
                method="exercised",
                measures={"lag_seconds": lag},
            )
    minutes = cloudtrail.LAG.total_seconds() / 60
    reason = f"{event} by {tried.instance} did not appear in CloudTrail within {minutes:.0f} minutes"
    return inconclusive(target, reason, method="exercised")


LATER = timedelta(minutes=1)


def is_the_read(read: Read, name: str, instance: str) -> bool:
    """Whether it is the command's own: of this value, by its name, and not one of what else the instance reads."""
    return read.asked == name and not read.is_refused and read.session.endswith(f"/{instance}")
