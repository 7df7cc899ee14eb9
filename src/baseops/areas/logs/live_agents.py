"""Holds the agents against the declaration: the configuration in Parameter Store, what brings it out, each instance.

Nothing runs on an instance for it: Systems Manager keeps how the association's last run went there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import agent
from baseops.areas.logs.heartbeats import BOOT, running_instances
from baseops.areas.logs.live_documents import live_document
from baseops.areas.logs.remedy_path import managed_nodes
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section

# Any: botocore's clients and answers.

SAMPLE = 200
"""Of more instances than this as many are asked for by chance: each takes a call."""


def configured(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each set of instances has the declared configuration, by an association that did its work on each of them."""
    for target in agent.target_sets(section):
        place = f"logs.{target.entries[0][0]}/{target.slug}"
        association = _association(ctx, agent.association_name(ctx.site, target))
        why = _configuration_fault(ctx, target) or _association_fault(ctx, target, association)
        if why or association is None:
            yield refuted(place, why)
        else:
            yield _on_instances(ctx, place, target, association)


def _configuration_fault(ctx: DrillContext, target: agent.TargetSet) -> str:
    name = agent.parameter_name(ctx.site, target)
    try:
        with translated(f"cannot read the agent's configuration {name}"):
            ssm = ctx.clients.client("ssm", ctx.site.region)
            live = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except NotFoundError:
        return f"there is no configuration {name}"
    try:
        same = json.loads(live) == agent.configuration(target)
    except ValueError:
        same = False
    return "" if same else f"the configuration {name} is not the declared one"


def _association(ctx: DrillContext, name: str) -> Mapping[str, Any] | None:
    ssm = ctx.clients.client("ssm", ctx.site.region)
    with translated(f"cannot read the association {name}"):
        pages = ssm.get_paginator("list_associations").paginate(
            AssociationFilterList=[{"key": "AssociationName", "value": name}]
        )
        found = next((each["AssociationId"] for page in pages for each in page["Associations"]), None)
        if found is None:
            return None
        shown: Mapping[str, Any] = ssm.describe_association(AssociationId=found)["AssociationDescription"]
        return shown


def _association_fault(ctx: DrillContext, target: agent.TargetSet, live: Mapping[str, Any] | None) -> str:
    if live is None:
        return f"there is no association {agent.association_name(ctx.site, target)}"
    if dict(live.get("Parameters") or {}) != agent.association_parameters(ctx.site, target):
        return "the association hands on another configuration than the declared one"
    tags = {each["Key"]: list(each["Values"]) for each in live.get("Targets") or ()}
    if tags != {f"tag:{key}": [value] for key, value in target.tags}:
        return "the association has other targets than the declared ones"
    if live.get("ScheduleExpression") != agent.SCHEDULE:
        return f"the association's schedule is {live.get('ScheduleExpression') or 'none'}, declared is {agent.SCHEDULE}"
    return _document_fault(ctx, target, str(live["Name"]))


def _document_fault(ctx: DrillContext, target: agent.TargetSet, name: str) -> str:
    if name != agent.document_name(ctx.site, installs=target.installs):
        return f"the association runs the document {name}"
    content = live_document(ctx, name)
    if content is None:
        return f"there is no document {name}"
    declared = agent.document_content(installs=target.installs)
    return "" if content == declared else f"the document {name} is not the declared one"


def _on_instances(ctx: DrillContext, place: str, target: agent.TargetSet, association: Mapping[str, Any]) -> Evidence:
    since = ctx.clock.now() - BOOT
    found = sorted(
        each["InstanceId"] for each in running_instances(ctx, dict(target.tags)) if each["LaunchTime"] <= since
    )
    if not found:
        return inconclusive(place, f"no instance has {agent.words(target)}, or none for long enough")
    lost = sorted(set(found) - set(managed_nodes(ctx, dict(target.tags))))
    if lost:
        return refuted(place, f"Systems Manager does not reach {_listed(lost)}")
    asked = sorted(ctx.random.sample(found, SAMPLE)) if len(found) > SAMPLE else found
    states = {each: _state(ctx, each, association) for each in asked}
    measures = {"instances": len(found), "asked": len(asked)}
    failed = [each for each, state in states.items() if state == "Failed"]
    if failed:
        return refuted(place, f"the agent could not be configured on {_listed(failed)}", measures=measures)
    waiting = [each for each, state in states.items() if state != "Success"]
    if waiting:
        said = f"the declared configuration has not been brought onto {_listed(waiting)} yet"
        return inconclusive(place, said, measures=measures)
    return proven(place, f"the declared configuration is on {len(asked)} of {len(found)} instances", measures=measures)


def _state(ctx: DrillContext, instance: str, association: Mapping[str, Any]) -> str:
    """How the current version of the association went on an instance; empty where it has not run."""
    ssm = ctx.clients.client("ssm", ctx.site.region)
    with translated(f"cannot read the associations of {instance}"):
        pages = ssm.get_paginator("describe_instance_associations_status").paginate(InstanceId=instance)
        for page in pages:
            for each in page["InstanceAssociationStatusInfos"]:
                current = each.get("AssociationVersion") in (None, association["AssociationVersion"])
                if each["AssociationId"] == association["AssociationId"] and current:
                    return str(each.get("Status", ""))
    return ""


def _listed(instances: Sequence[str]) -> str:
    more = f" and {len(instances) - 5} others" if len(instances) > 5 else ""
    return ", ".join(instances[:5]) + more
