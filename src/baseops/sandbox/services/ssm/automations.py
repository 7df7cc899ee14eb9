"""Systems Manager Automation: executions go through their document's steps on the clock, by the document's role.

https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-automation.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.service_access import AccessError, Sender, role_session
from baseops.sandbox.services.ssm.automation_state import Execution, Step, executions_of
from baseops.sandbox.services.ssm.automation_steps import ACTIONS, Outcome, StepError, Waiting, choice, resolved
from baseops.sandbox.services.ssm.tags import tags_of

# Any: moto's backend is untyped, documents are JSON.

_BEGIN_SECONDS = 1.0
_USUAL_TIMEOUT = 3600.0


def start_automation_execution(backend: Any, **_: Any) -> Members:
    """Start an automation of a document that is there, with parameters that it takes."""
    given, call = calling().parameters, calling()
    unknown = sorted(set(given) - {"DocumentName", "DocumentVersion", "Parameters", "ClientToken", "Mode", "Tags"})
    if unknown or given.get("Mode", "Auto") != "Auto":
        raise ServiceError(f"The sandbox starts no automations with {', '.join(unknown) or 'another mode'}")
    name = str(given["DocumentName"]).rpartition("document/")[2]
    content, version = _content(backend, name, given.get("DocumentVersion"))
    parameters = {key: list(value) for key, value in (given.get("Parameters") or {}).items()}
    _refuse_parameters(content, parameters)
    execution = Execution(
        id=str(mock_random.uuid4()),
        document=name,
        version=version,
        content=content,
        parameters=parameters,
        by=call.principal.arn,
        began=opened().clock.now(),
        account_id=call.account_id,
        region=call.region,
    )
    executions_of(backend)[execution.id] = execution
    tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
    tags_of(backend, "Automation", execution.id).update(tags)
    opened().clock.ticker.after(_BEGIN_SECONDS, lambda: _begin(execution), f"automation {name}")
    return {"AutomationExecutionId": execution.id}


def get_automation_execution(backend: Any, automation_execution_id: str) -> Members:
    """One execution with its steps."""
    return {"AutomationExecution": _execution(backend, automation_execution_id).described()}


def describe_automation_executions(
    backend: Any,
    filters: list[Mapping[str, Any]] | None = None,
    max_results: int = 50,
    next_token: str | None = None,
) -> Members:
    """Executions, newest first; in pages."""
    found = [each for each in executions_of(backend).values() if all(_fits(each, one) for one in filters or ())]
    found.sort(key=lambda each: each.began, reverse=True)
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    shown = [each.summary() for each in found[start : start + max_results]]
    return {"AutomationExecutionMetadataList": shown, **more}


def _fits(execution: Execution, wanted: Mapping[str, Any]) -> bool:
    key, values = wanted["Key"], wanted["Values"]
    if key in ("StartTimeAfter", "StartTimeBefore"):
        moment = datetime.fromisoformat(values[0])
        return execution.began >= moment if key == "StartTimeAfter" else execution.began <= moment
    if key == "DocumentNamePrefix":
        return any(execution.document.startswith(value) for value in values)
    known = {"ExecutionId": execution.id, "ExecutionStatus": execution.status}
    if key not in known:
        raise ServiceError(f"The sandbox has no filter {key}", code="InvalidFilterKey", status=400)
    return known[key] in values


def describe_automation_step_executions(
    backend: Any,
    automation_execution_id: str,
    filters: list[Mapping[str, Any]] | None = None,
    next_token: str | None = None,
    max_results: int = 50,
    reverse_order: bool = False,
) -> Members:
    """The steps of an execution, all on one page."""
    if filters:
        raise ServiceError("The sandbox filters no steps", code="InvalidFilterKey", status=400)
    steps = [step.described() for step in _execution(backend, automation_execution_id).steps]
    return {"StepExecutions": steps[::-1] if reverse_order else steps}


def stop_automation_execution(backend: Any, automation_execution_id: str, type: str = "Cancel") -> Members:  # noqa: A002  # AWS names it so
    """Stop an execution after its current step."""
    del type
    execution = _execution(backend, automation_execution_id)
    if not execution.is_over:
        _end(execution, "Cancelled")
    return {}


def _begin(execution: Execution) -> None:
    execution.announce()
    role = execution.content.get("assumeRole")
    arn = f"arn:aws:ssm:{execution.region}:{execution.account_id}:automation-execution/{execution.id}"
    try:
        if role:
            wanted = str(resolved(role, execution))
            execution.session = role_session(Sender("ssm", execution.account_id, arn), wanted)
    except (AccessError, StepError) as error:
        _end(execution, "Failed", f"The assume role is unable to be assumed: {error}")
        return
    _run(execution, execution.content["mainSteps"][0])


def _run(execution: Execution, step: Mapping[str, Any]) -> None:
    if execution.is_over:
        return
    made = Step(str(mock_random.uuid4()), step["name"], step["action"], opened().clock.now())
    execution.steps.append(made)
    if step["action"] == "aws:branch":
        _branch(execution, step, made)
        return
    action = ACTIONS.get(step["action"])
    if action is None:
        _failed(execution, step, made, StepError(f"The sandbox does not run {step['action']}"))
        return
    _ask(execution, step, made, lambda: action(execution, step))


def _ask(execution: Execution, step: Mapping[str, Any], made: Step, ask: Any) -> None:
    if execution.is_over:
        return
    try:
        outcome: Outcome = ask()
    except StepError as error:
        _failed(execution, step, made, error)
        return
    if not isinstance(outcome, Waiting):
        made.outputs.update(outcome)
        _done(made, "Success")
        _follow(execution, step)
        return
    limit = made.began + timedelta(seconds=float(step.get("timeoutSeconds", _USUAL_TIMEOUT)))
    if step["action"] != "aws:sleep" and opened().clock.now() >= limit:
        _failed(execution, step, made, StepError(f"Step timed out after {step['timeoutSeconds']} seconds", "TimedOut"))
        return
    again = outcome.again
    opened().clock.ticker.after(outcome.seconds, lambda: _ask(execution, step, made, again), f"step {made.name}")


def _branch(execution: Execution, step: Mapping[str, Any], made: Step) -> None:
    try:
        chosen = choice(execution, step)
    except StepError as error:
        _failed(execution, step, made, error)
        return
    _done(made, "Success")
    if chosen:
        _run(execution, _step(execution, chosen))
    elif step.get("isEnd"):
        _end(execution, "Success")
    else:
        _follow(execution, step)


def _follow(execution: Execution, step: Mapping[str, Any]) -> None:
    steps = list(execution.content["mainSteps"])
    place = steps.index(step)
    if step.get("isEnd"):
        _end(execution, "Success")
    elif step.get("nextStep"):
        _run(execution, _step(execution, step["nextStep"]))
    elif place + 1 < len(steps):
        _run(execution, steps[place + 1])
    else:
        _end(execution, "Success")


def _failed(execution: Execution, step: Mapping[str, Any], made: Step, error: StepError) -> None:
    made.failure = str(error)
    _done(made, error.status)
    response = str(step.get("onFailure", "Abort"))
    if response == "Continue":
        _follow(execution, step)
    elif response.startswith("step:"):
        _run(execution, _step(execution, response.removeprefix("step:")))
    else:
        _end(execution, error.status, f"Step fails when it is {made.action}. {error}")


def _done(made: Step, status: str) -> None:
    made.status, made.ended = status, opened().clock.now()


def _end(execution: Execution, status: str, failure: str = "") -> None:
    execution.status, execution.failure, execution.ended = status, failure, opened().clock.now()
    execution.announce()


def _step(execution: Execution, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each for each in execution.content["mainSteps"] if each["name"] == name)
    return found


def _content(backend: Any, name: str, version: str | None) -> tuple[Mapping[str, Any], str]:
    documents = backend._documents.get(name)
    if documents is None:
        message = f"Document {name} does not exist"
        raise ServiceError(message, code="AutomationDefinitionNotFoundException", status=400)
    wanted = None if version in (None, "$DEFAULT") else version
    document = documents.find(document_version=wanted, version_name=None, strict=True)
    if document.document_type != "Automation":
        message = f"{name} is no document of type Automation"
        raise ServiceError(message, code="AutomationDefinitionNotFoundException", status=400)
    content: Mapping[str, Any] = json.loads(document.content)
    return content, str(document.document_version)


def _refuse_parameters(content: Mapping[str, Any], given: Mapping[str, list[str]]) -> None:
    declared: Mapping[str, Any] = content.get("parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise _bad(f"Unknown parameters: {', '.join(unknown)}")
    for name, each in declared.items():
        if name not in given and "default" not in each:
            raise _bad(f"Missing required parameter: {name}")
        pattern = each.get("allowedPattern")
        for value in given.get(name, ()):
            if pattern and not re.search(pattern, value):
                raise _bad(f"Parameter {name} does not match the pattern {pattern}")


def _execution(backend: Any, identifier: str) -> Execution:
    found = executions_of(backend).get(identifier)
    if found is None:
        raise ServiceError(
            f"Couldn't find an automation execution {identifier}",
            code="AutomationExecutionNotFoundException",
            status=400,
        )
    return found


def _bad(message: str) -> ServiceError:
    return ServiceError(message, code="InvalidAutomationExecutionParametersException", status=400)


extend("ssm", "DescribeAutomationExecutions", describe_automation_executions)
extend("ssm", "DescribeAutomationStepExecutions", describe_automation_step_executions)
extend("ssm", "GetAutomationExecution", get_automation_execution)
extend("ssm", "StartAutomationExecution", start_automation_execution)
extend("ssm", "StopAutomationExecution", stop_automation_execution)
