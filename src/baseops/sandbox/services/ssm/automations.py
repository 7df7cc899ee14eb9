"""Automation executions: started, listed and stopped. Their steps are not played; they stay in progress.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.ssm.tags import tags_of

# Any: moto's backend is untyped, members have AWS's shapes.

_FINISHED = ("Success", "Failed", "Cancelled", "TimedOut")
_METADATA = (
    "AutomationExecutionId",
    "AutomationExecutionStatus",
    "AutomationType",
    "DocumentName",
    "DocumentVersion",
    "ExecutedBy",
    "ExecutionEndTime",
    "ExecutionStartTime",
    "FailureMessage",
    "Outputs",
)


def start_automation_execution(backend: Any, **_: Any) -> Members:
    """Start an automation of a document that exists, with parameters that it has."""
    given = dict(calling().parameters)
    name = given["DocumentName"].rpartition("/")[2].partition(":")[0]
    content = _content(backend, name)
    parameters = given.get("Parameters") or {}
    unknown = sorted(set(parameters) - set(content.get("parameters", {})))
    missing = sorted(
        key for key, each in content.get("parameters", {}).items() if "default" not in each and key not in parameters
    )
    if unknown or missing:
        raise ServiceError(
            f"Parameters do not match the document: unknown {unknown}, missing {missing}",
            code="InvalidAutomationExecutionParametersException",
            status=400,
        )
    identifier = str(uuid.UUID(str(mock_random.get_random_hex(32))))
    executions_of(backend)[identifier] = {
        "AutomationExecutionId": identifier,
        "AutomationExecutionStatus": "InProgress",
        "AutomationType": "Local",
        "DocumentName": name,
        "DocumentVersion": given.get("DocumentVersion", "1"),
        "ExecutedBy": calling().principal.arn,
        "ExecutionStartTime": opened().clock.now(),
        "Mode": given.get("Mode", "Auto"),
        "Outputs": {},
        "Parameters": parameters,
        "StepExecutions": [
            {"StepName": step["name"], "Action": step["action"], "StepStatus": "Pending"}
            for step in content.get("mainSteps", ())
        ],
    }
    tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
    tags_of(backend, "Automation", identifier).update(tags)
    return {"AutomationExecutionId": identifier}


def get_automation_execution(backend: Any, automation_execution_id: str) -> Members:
    """One execution with its steps."""
    return {"AutomationExecution": dict(_execution(backend, automation_execution_id))}


def describe_automation_executions(
    backend: Any,
    filters: list[Mapping[str, Any]] | None = None,
    max_results: int = 50,
    next_token: str | None = None,
) -> Members:
    """Executions, the newest first; in pages."""
    found = sorted(executions_of(backend).values(), key=lambda each: each["ExecutionStartTime"], reverse=True)
    found = [each for each in found if all(_is_wanted(each, one["Key"], one["Values"]) for one in filters or ())]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    page = [
        {key: each[key] for key in _METADATA if each.get(key) is not None}
        for each in found[start : start + max_results]
    ]
    return {"AutomationExecutionMetadataList": page, **more}


# `type` is AWS's word for how it is stopped.
def stop_automation_execution(backend: Any, automation_execution_id: str, type: str = "Cancel") -> Members:  # noqa: A002
    """Cancel an execution that is not finished."""
    execution = _execution(backend, automation_execution_id)
    if execution["AutomationExecutionStatus"] not in _FINISHED:
        execution["AutomationExecutionStatus"] = "Cancelled" if type == "Cancel" else "Success"
        execution["ExecutionEndTime"] = opened().clock.now()
    return {}


def executions_of(backend: Any) -> dict[str, dict[str, Any]]:
    """All executions by id."""
    if not hasattr(backend, "sandbox_automations"):
        backend.sandbox_automations = {}
    found: dict[str, dict[str, Any]] = backend.sandbox_automations
    return found


def _content(backend: Any, name: str) -> dict[str, Any]:
    documents = backend._documents.get(name)
    if documents is None or documents.get_default_version().document_type != "Automation":
        raise ServiceError(
            f"Automation document {name} does not exist",
            code="AutomationDefinitionNotFoundException",
            status=400,
        )
    content: dict[str, Any] = json.loads(documents.get_default_version().content)
    return content


def _execution(backend: Any, identifier: str) -> dict[str, Any]:
    if identifier not in executions_of(backend):
        raise ServiceError(
            f"Automation execution {identifier} does not exist",
            code="AutomationExecutionNotFoundException",
            status=400,
        )
    return executions_of(backend)[identifier]


def _is_wanted(execution: Mapping[str, Any], key: str, values: list[str]) -> bool:
    if key == "DocumentNamePrefix":
        return any(execution["DocumentName"].startswith(value) for value in values)
    if key == "ExecutionStatus":
        return execution["AutomationExecutionStatus"] in values
    if key == "ExecutionId":
        return execution["AutomationExecutionId"] in values
    if key in ("StartTimeAfter", "StartTimeBefore"):
        moment = datetime.fromisoformat(values[0]).astimezone(UTC)
        started: datetime = execution["ExecutionStartTime"]
        return started >= moment if key == "StartTimeAfter" else started <= moment
    raise ServiceError(f"The sandbox knows no filter {key}", code="InvalidFilterKey", status=400)


extend("ssm", "DescribeAutomationExecutions", describe_automation_executions)
extend("ssm", "GetAutomationExecution", get_automation_execution)
extend("ssm", "StartAutomationExecution", start_automation_execution)
extend("ssm", "StopAutomationExecution", stop_automation_execution)
