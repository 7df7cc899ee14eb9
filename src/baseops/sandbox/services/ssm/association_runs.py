"""Associations at work: applied when made or changed, on their schedule, and to nodes that appear.

https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError, extend, follow, opened
from baseops.sandbox.services.ssm.associations import associations_of
from baseops.sandbox.services.ssm.commands import document_content
from baseops.sandbox.services.ssm.instances import BOOT, Node, nodes, selected
from baseops.sandbox.services.ssm.shell_steps import Result, run_document
from baseops.semantics.schedules import parse as parse_schedule

# Any: moto's backend is untyped, associations are members of AWS's shapes.

_BEGIN_SECONDS = 5.0


@dataclass
class Application:
    """What became of one association on one node."""

    version: str
    when: datetime
    result: Result


@dataclass
class Runs:
    """The applications of all associations, by association and node."""

    applied: dict[str, dict[str, Application]] = field(default_factory=dict)
    planned: dict[str, datetime | None] = field(default_factory=dict)


def runs_of(backend: Any) -> Runs:
    """The applications beside a backend of moto's."""
    if not hasattr(backend, "sandbox_association_runs"):
        backend.sandbox_association_runs = Runs()
    found: Runs = backend.sandbox_association_runs
    return found


def began(call: Call, answer: Answer) -> None:
    """Follow CreateAssociation and UpdateAssociation: apply soon, and from then on by schedule."""
    backend, identifier = call.backend, str(answer.members["AssociationDescription"]["AssociationId"])
    opened().clock.ticker.after(_BEGIN_SECONDS, lambda: _apply_new(backend), "associations")
    _plan(backend, identifier)


def nodes_changed(call: Call, _: Answer) -> None:
    """Follow what may make a node appear, or give it other tags."""
    backend = moto_backend("ssm", call.account_id, call.region)
    if associations_of(backend):
        seconds = BOOT.total_seconds() + _BEGIN_SECONDS
        opened().clock.ticker.after(seconds, lambda: _apply_new(backend), "associations")


def _plan(backend: Any, identifier: str) -> None:
    """Put the next time of an association's schedule on the clock."""
    association = associations_of(backend).get(identifier)
    expression = str((association or {}).get("ScheduleExpression") or "")
    if association is None or not expression:
        return
    schedule: Any = parse_schedule(expression)
    if expression.startswith("rate("):
        schedule = schedule.counted_from(association["Date"])
    following = schedule.next_after(opened().clock.now())
    runs_of(backend).planned[identifier] = following
    if following:
        opened().clock.ticker.at(following, lambda: _due(backend, identifier, following), f"association {identifier}")


def _due(backend: Any, identifier: str, when: datetime) -> None:
    if runs_of(backend).planned.get(identifier) == when and identifier in associations_of(backend):
        _apply_new(backend, due=identifier)
        _plan(backend, identifier)


def _apply_new(backend: Any, due: str = "") -> None:
    """Apply where this version was not applied yet, and everywhere what is due by its schedule."""
    known = nodes(backend.account_id, backend.region_name)
    for identifier, association in list(associations_of(backend).items()):
        former = runs_of(backend).applied.setdefault(identifier, {})
        for node in _selected(association, known):
            done = former.get(node.id)
            if identifier == due or done is None or done.version != association["AssociationVersion"]:
                former[node.id] = _apply(backend, association, node)
        _overview(association, former, known)


def _selected(association: Mapping[str, Any], known: list[Node]) -> list[Node]:
    ids = [association["InstanceId"]] if association.get("InstanceId") else []
    return selected(known, association.get("Targets") or (), ids)


def _apply(backend: Any, association: Mapping[str, Any], node: Node) -> Application:
    now, version = opened().clock.now(), str(association["AssociationVersion"])
    name = str(association["Name"])
    try:
        content = document_content(backend, name, association.get("DocumentVersion"))
    except ServiceError as error:
        said = f"not exercised: {error}"
        return Application(version, now, Result(name, "Pending", "Pending", -1, "", said, 0.0))
    parameters = {key: list(value) for key, value in (association.get("Parameters") or {}).items()}
    result = run_document(content, parameters, backend.account_id, backend.region_name, node.id)
    if result.details == "Undeliverable":
        # As with a node that does not answer: it waits.
        result = replace(result, status="Pending", details="Pending")
    return Application(version, now, result)


def _overview(association: dict[str, Any], applied: Mapping[str, Application], known: list[Node]) -> None:
    here = {node.id for node in _selected(association, known)}
    counts: dict[str, int] = {}
    for node, each in applied.items():
        if node in here:
            counts[each.result.status] = counts.get(each.result.status, 0) + 1
    status = next((each for each in ("TimedOut", "Failed", "Pending", "Success") if each in counts), "Pending")
    status = "Failed" if status == "TimedOut" else status
    association["Overview"] = {
        "Status": status,
        "DetailedStatus": status if counts else "Pending",
        "AssociationStatusAggregatedCount": counts,
    }
    if counts:
        association["LastExecutionDate"] = max(each.when for node, each in applied.items() if node in here)


def describe_instance_associations_status(
    backend: Any, instance_id: str, max_results: int = 50, next_token: str | None = None
) -> Members:
    """What became of the associations on one node; all on one page."""
    found = []
    for identifier, applied in runs_of(backend).applied.items():
        association = associations_of(backend).get(identifier)
        if association and instance_id in applied:
            each = applied[instance_id]
            found.append(
                {
                    "AssociationId": identifier,
                    "Name": association["Name"],
                    "AssociationVersion": each.version,
                    "InstanceId": instance_id,
                    "ExecutionDate": each.when,
                    "Status": each.result.status,
                    "DetailedStatus": each.result.details,
                    "ExecutionSummary": (each.result.errors or each.result.output)[:512],
                }
            )
    return {"InstanceAssociationStatusInfos": found}


extend("ssm", "DescribeInstanceAssociationsStatus", describe_instance_associations_status)
follow("ssm", "CreateAssociation", began)
follow("ssm", "UpdateAssociation", began)
for _operation in ("RunInstances", "StartInstances", "CreateTags", "AssociateIamInstanceProfile"):
    follow("ec2", _operation, nodes_changed)
