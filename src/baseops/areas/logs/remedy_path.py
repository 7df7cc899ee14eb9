"""Follows a remedy from its alarm to its instances without starting it: rule, target, roles, document, nodes.

What a role may do is evaluated from its own policies and boundary; what an organisation refuses is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.live import differences
from baseops.areas.logs.live_documents import live_document
from baseops.areas.logs.remedies import INPUT, automation, document_name
from baseops.aws.errors import translated
from baseops.aws.roles import RoleRights, read_role
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import NotFoundError
from baseops.semantics.event_patterns import parse_pattern

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Remedy, Section

# Any: botocore's answers, and documents, which are JSON.

_READS = (
    "cloudwatch:ListAlarmMuteRules",
    "ssm:DescribeAutomationExecutions",
    "ssm:ListCommandInvocations",
    "ssm:ListCommands",
)


def reaches(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each remedy that an alarm starts would get from the alarm's change to its command on the instances."""
    for name, entry in section.managed.items():
        for remedy_name in used(entry):
            target = f"logs.{name}/{remedy_name}"
            nodes = managed_nodes(ctx, entry.remedies[remedy_name].targets)
            why = _fault(ctx, name, entry, remedy_name, nodes)
            if why:
                yield refuted(target, why, method="evaluated")
            else:
                said = f"the rule starts it, and its role may run it on {len(nodes)} managed instances"
                yield proven(target, said, method="evaluated", measures={"managed_instances": len(nodes)})


def used(entry: Entry) -> dict[str, list[str]]:
    """The remedies that alarms start, each with those alarms."""
    found: dict[str, list[str]] = {}
    for alarm_name, alarm in entry.alarms.items():
        if alarm.remedy:
            found.setdefault(alarm.remedy, []).append(alarm_name)
    return found


def _fault(ctx: DrillContext, name: str, entry: Entry, remedy_name: str, nodes: list[str]) -> str:
    """The first thing on the way that is broken; empty when nothing is."""
    remedy, full = entry.remedies[remedy_name], document_name(ctx.site, name, remedy_name)
    content = live_document(ctx, full)
    if content is None:
        return f"there is no document {full}"
    wrong = strange_parts(ctx, name, entry, remedy_name, content)
    if wrong:
        return f"the document {full} differs from the declared remedy in {', '.join(wrong)}"
    rule = live_rule(ctx, full)
    if rule is None:
        return f"no rule starts {full}"
    arns = [alarm_arn(ctx, name, alarm) for alarm in used(entry)[remedy_name]]
    return (
        _rule_fault(rule, arns)
        or _start_fault(ctx, rule, definition(ctx, full), str(content["assumeRole"]))
        or _run_fault(ctx, str(content["assumeRole"]), remedy, nodes)
        or ("" if nodes else f"no managed instance has {_words(remedy.targets)}")
    )


def strange_parts(
    ctx: DrillContext, name: str, entry: Entry, remedy_name: str, content: Mapping[str, Any]
) -> list[str]:
    """In which of its parts a live document is not the declared remedy."""
    full = document_name(ctx.site, name, remedy_name)
    group = names.own_group(ctx.site, name, "remedies")
    wanted = automation(entry.remedies[remedy_name], full, {"Ref": "role"}, group)
    return list(differences(wanted, content)) or sorted(set(content) - set(wanted))


def _place(ctx: DrillContext) -> str:
    partition = ctx.value(ctx.refs.topic()).split(":")[1]
    return f"arn:{partition}:ssm:{ctx.site.region}:{ctx.account}"


def alarm_arn(ctx: DrillContext, name: str, alarm: str) -> str:
    """The ARN of a declared alarm."""
    place = _place(ctx).replace(":ssm:", ":cloudwatch:")
    return f"{place}:alarm:{names.alarm_name(ctx.site, name, alarm)}"


def definition(ctx: DrillContext, document: str) -> str:
    """The ARN by which a rule starts an automation."""
    return f"{_place(ctx)}:automation-definition/{document}:$DEFAULT"


def live_rule(ctx: DrillContext, document: str) -> dict[str, Any] | None:
    """The rule that has the document as its target, with that target; an enabled one where there are several."""
    target = definition(ctx, document)
    events = ctx.clients.client("events", ctx.site.region)
    with translated("cannot look for the rule that starts a remedy"):
        pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=target)
        found = [
            {**events.describe_rule(Name=each), "Target": _target(events, each, target)}
            for page in pages
            for each in page["RuleNames"]
        ]
    found.sort(key=lambda each: each["State"] != "ENABLED")
    return found[0] if found else None


def _target(events: Any, rule: str, arn: str) -> Mapping[str, Any]:
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    return next((each for each in targets if each["Arn"] == arn), {})


def _rule_fault(rule: Mapping[str, Any], alarms: list[str]) -> str:
    if rule["State"] != "ENABLED":
        return f"the rule {rule['Name']} is {rule['State'].lower()}"
    pattern = parse_pattern(rule.get("EventPattern") or "{}")
    deaf = [each for each in alarms if not pattern.matches(_event(each))]
    if deaf:
        return f"the rule {rule['Name']} does not hear of {deaf[0].rpartition(':')[2]}"
    transformer = rule["Target"].get("InputTransformer")
    return "" if transformer == INPUT else f"the rule {rule['Name']} hands on another input than the alarm's name"


def _event(alarm: str) -> dict[str, Any]:
    """The event of an alarm that begins to ring."""
    _, _, _, region, account, *_ = alarm.split(":")
    return {
        "version": "0",
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "account": account,
        "region": region,
        "resources": [alarm],
        "detail": {
            "alarmName": alarm.rpartition(":alarm:")[2],
            "state": {"value": "ALARM"},
            "previousState": {"value": "OK"},
        },
    }


def _start_fault(ctx: DrillContext, rule: Mapping[str, Any], automation_arn: str, run_role: str) -> str:
    arn = str(rule["Target"].get("RoleArn", ""))
    role = _role(ctx, arn)
    if role is None:
        return f"the role by which {rule['Name']} starts it does not exist"
    if not role.trusts("events.amazonaws.com", {"aws:SourceAccount": ctx.account, "aws:SourceArn": rule["Arn"]}):
        return f"EventBridge may not assume the role of {rule['Name']}"
    if not role.may("ssm:StartAutomationExecution", automation_arn):
        return f"the role of {rule['Name']} may not start the automation"
    if not role.may("iam:PassRole", run_role, {"iam:PassedToService": "ssm.amazonaws.com"}):
        return f"the role of {rule['Name']} may not pass the automation's role"
    return ""


def _run_fault(ctx: DrillContext, arn: str, remedy: Remedy, nodes: list[str]) -> str:
    role = _role(ctx, arn)
    if role is None:
        return "the automation's role does not exist"
    if not role.trusts("ssm.amazonaws.com", {"aws:SourceAccount": ctx.account}):
        return "Systems Manager may not assume the automation's role"
    tags = {f"ssm:resourceTag/{key}": value for key, value in remedy.targets.items()}
    resources: list[tuple[str, dict[str, str]]] = [(_document_arn(ctx, remedy.document), {})]
    resources += [(f"{_place(ctx).replace(':ssm:', ':ec2:')}:instance/{each}", tags) for each in nodes[:1]]
    for resource, context in resources:
        if not role.may("ssm:SendCommand", resource, context):
            return f"the automation's role may not send {remedy.document} to {resource.rpartition(':')[2]}"
    missing = [action for action in _READS if not role.may(action, "*")]
    return f"the automation's role may not call {missing[0]}" if missing else ""


def _document_arn(ctx: DrillContext, document: str) -> str:
    if document.startswith("arn:"):
        return document
    place = _place(ctx)
    owner = place.rpartition(":")[0] + ":" if document.startswith(("AWS-", "AmazonCloudWatch-")) else place
    return f"{owner}:document/{document}"


def _role(ctx: DrillContext, arn: str) -> RoleRights | None:
    try:
        return read_role(ctx.clients, arn) if arn else None
    except NotFoundError:
        return None


def managed_nodes(ctx: DrillContext, tags: Mapping[str, str]) -> list[str]:
    """The managed instances with all of these tags that answer."""
    filters = [{"Key": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]
    with translated("cannot list the managed instances of a remedy"):
        pages = ctx.clients.client("ssm", ctx.site.region).get_paginator("describe_instance_information")
        found = [each for page in pages.paginate(Filters=filters) for each in page["InstanceInformationList"]]
    return sorted(each["InstanceId"] for each in found if each["PingStatus"] == "Online")


def _words(tags: Mapping[str, str]) -> str:
    return " and ".join(f"{key}={value}" for key, value in sorted(tags.items()))
