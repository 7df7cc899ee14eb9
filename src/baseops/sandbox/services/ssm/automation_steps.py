"""The actions of automation steps: each gives its outputs, or says that it waits and how to look again.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from baseops.sandbox.functions import code, runner
from baseops.sandbox.functions.answering import answers_as
from baseops.sandbox.service import opened
from baseops.sandbox.services.ssm.automation_state import Execution

# Any: documents, inputs and outputs are JSON.

POLL_SECONDS = 5.0
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_PLACE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class StepError(Exception):
    """A step that failed, in the words of its message. `status`: `Failed` or `TimedOut`."""

    def __init__(self, message: str, status: str = "Failed") -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Waiting:
    """A step that is not done: what asks again, and when. It gives outputs or waits on."""

    seconds: float
    again: Callable[[], Mapping[str, Any] | Waiting]


Outcome = Mapping[str, Any] | Waiting


def resolved(value: Any, execution: Execution) -> Any:
    """A value of the document with parameters and outputs in their places."""
    if isinstance(value, Mapping):
        return {key: resolved(each, execution) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, execution) for each in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value.strip())
    if whole:
        return _looked_up(whole[1], execution)
    return _PLACE.sub(lambda found: _text(_looked_up(found[1], execution)), value)


def _looked_up(name: str, execution: Execution) -> Any:
    builtin = {
        "automation:EXECUTION_ID": execution.id,
        "global:REGION": execution.region,
        "global:ACCOUNT_ID": execution.account_id,
        "global:DATE": f"{opened().clock.now():%Y-%m-%d}",
        "global:DATE_TIME": f"{opened().clock.now():%Y-%m-%d_%H.%M.%S}",
    }
    if name in builtin:
        return builtin[name]
    declared = execution.content.get("parameters", {}).get(name)
    if declared is not None:
        given = execution.parameters.get(name, declared.get("default"))
        is_list = declared.get("type") in ("StringList", "MapList")
        return given if is_list or not isinstance(given, list) else (given[0] if given else "")
    step, _, output = name.partition(".")
    for each in execution.steps:
        if each.name == step and output in each.outputs:
            return each.outputs[output]
    raise StepError(f"{{{{ {name} }}}} has no value")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def run_script(execution: Execution, step: Mapping[str, Any]) -> Outcome:
    """aws:executeScript: Python in a process of its own, with the rights of the automation's role."""
    inputs = resolved({key: value for key, value in step["inputs"].items() if key != "Script"}, execution)
    if not str(inputs["Runtime"]).startswith("python"):
        raise StepError(f"The sandbox runs Python scripts, not {inputs['Runtime']}")
    folder = opened().folder
    script = folder / "automations" / f"{execution.id}-{step['name']}"
    script.mkdir(parents=True, exist_ok=True)
    (script / "automation_script.py").write_text(step["inputs"]["Script"], encoding="utf-8")
    if execution.session is None:
        raise StepError("The automation has no role, so its script cannot call AWS")
    keys = execution.session.keys
    outcome = runner.run(
        runner.Invocation(
            handler=f"automation_script.{inputs['Handler']}",
            event=inputs.get("InputPayload", {}),
            path=[script, code.runtime(folder)],
            timeout=min(float(step.get("timeoutSeconds", 600)), 600.0),
            context={
                "request_id": execution.id,
                "function_arn": "",
                "function_name": execution.document,
                "memory": 512,
                "log_group": "",
                "log_stream": "",
            },
            now=opened().clock.now(),
            redirects_urllib=True,
            environment={
                "AWS_ACCESS_KEY_ID": keys.access_key,
                "AWS_SECRET_ACCESS_KEY": keys.secret_key,
                "AWS_SESSION_TOKEN": keys.token or "",
                "AWS_REGION": execution.region,
                "AWS_DEFAULT_REGION": execution.region,
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
                "PATH": "/usr/bin:/bin",
            },
        ),
        answers_as(keys, execution.region),
    )
    if outcome.error:
        raise StepError(f"Script failed: {outcome.payload.decode()[:2000]}")
    payload = json.loads(outcome.payload)
    return _selected(step, {"Payload": payload, "OutputPayload": {"Payload": payload}})


def call_api(execution: Execution, step: Mapping[str, Any]) -> Outcome:
    """aws:executeAwsApi: one call by the automation's role."""
    return _selected(step, _called(execution, resolved(step["inputs"], execution)))


def assert_property(execution: Execution, step: Mapping[str, Any]) -> Outcome:
    """aws:assertAwsResourceProperty: fails unless the property has one of the wanted values."""
    inputs = resolved(step["inputs"], execution)
    answer = _called(execution, inputs)
    found = jmespath.search(inputs["PropertySelector"].removeprefix("$."), answer)
    if _text(found) not in [_text(each) for each in inputs["DesiredValues"]]:
        raise StepError(f"Asserted property {inputs['PropertySelector']} is {found!r}, not {inputs['DesiredValues']}")
    return {}


def sleep(execution: Execution, step: Mapping[str, Any]) -> Outcome:
    """aws:sleep, for a duration of ISO 8601."""
    text = str(resolved(step["inputs"].get("Duration", ""), execution))
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise StepError(f"The sandbox sleeps for a Duration such as PT10M, not {text!r}")
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return Waiting(days * 86_400 + hours * 3_600 + minutes * 60 + seconds, dict)


def run_command(execution: Execution, step: Mapping[str, Any]) -> Outcome:
    """aws:runCommand: a command by the automation's role, until it is over."""
    inputs = resolved(step["inputs"], execution)
    if execution.session is None:
        raise StepError("The automation has no role")
    ssm = execution.session.client("ssm", execution.region)
    try:
        command = ssm.send_command(**inputs)["Command"]["CommandId"]
    except (ClientError, BotoCoreError) as error:
        raise StepError(str(error)) from error
    return Waiting(POLL_SECONDS, lambda: _look(ssm, command))


def _look(ssm: Any, identifier: str) -> Outcome:
    try:
        command = ssm.list_commands(CommandId=identifier)["Commands"][0]
    except ClientError as error:
        raise StepError(str(error)) from error
    if command["Status"] in ("Pending", "InProgress", "Cancelling"):
        return Waiting(POLL_SECONDS, lambda: _look(ssm, identifier))
    if command["Status"] != "Success":
        raise StepError(f"Command {identifier} ended as {command['StatusDetails']}")
    return {"CommandId": identifier, "Status": command["Status"], "ResponseCode": "0"}


def choice(execution: Execution, step: Mapping[str, Any]) -> str | None:
    """The next step that an aws:branch chooses; None where none is chosen."""
    for each in step["inputs"]["Choices"]:
        if _holds(each, execution):
            return str(each["NextStep"])
    default = step["inputs"].get("Default")
    return str(default) if default else None


_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "EqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": lambda value, wanted: wanted in value,
}
_NUMBER_TESTS: Mapping[str, Callable[[float, float], bool]] = {
    "NumericEquals": operator.eq,
    "NumericGreater": operator.gt,
    "NumericLesser": operator.lt,
    "NumericGreaterOrEquals": operator.ge,
    "NumericLesserOrEquals": operator.le,
}


def _holds(rule: Mapping[str, Any], execution: Execution) -> bool:
    if "And" in rule:
        return all(_holds(each, execution) for each in rule["And"])
    if "Or" in rule:
        return any(_holds(each, execution) for each in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], execution)
    if "Variable" not in rule:
        raise StepError(f"A choice needs a Variable, And, Or or Not; this one has {sorted(rule)}")
    value = resolved(rule["Variable"], execution)
    for name, wanted in rule.items():
        if name in _TEXT_TESTS:
            return _TEXT_TESTS[name](_text(value), str(wanted))
        if name in _NUMBER_TESTS:
            return _NUMBER_TESTS[name](float(value), float(wanted))
        if name == "BooleanEquals":
            return _text(value).lower() == str(wanted).lower()
    raise StepError(f"The sandbox knows no comparison in {sorted(rule)}")


def _called(execution: Execution, inputs: Mapping[str, Any]) -> Any:
    if execution.session is None:
        raise StepError("The automation has no role")
    members = {
        key: value
        for key, value in inputs.items()
        if key not in ("Service", "Api", "PropertySelector", "DesiredValues")
    }
    client = execution.session.client(inputs["Service"], execution.region)
    try:
        return getattr(client, xform_name(inputs["Api"]))(**members)
    except (ClientError, BotoCoreError) as error:
        raise StepError(str(error)) from error


def _selected(step: Mapping[str, Any], answer: Any) -> Mapping[str, Any]:
    found = dict(answer) if step["action"] == "aws:executeScript" else {}
    for each in step.get("outputs", ()):
        found[each["Name"]] = jmespath.search(each["Selector"].removeprefix("$").removeprefix(".") or "@", answer)
    return found


ACTIONS: Mapping[str, Callable[[Execution, Mapping[str, Any]], Outcome]] = {
    "aws:assertAwsResourceProperty": assert_property,
    "aws:executeAwsApi": call_api,
    "aws:executeScript": run_script,
    "aws:runCommand": run_command,
    "aws:sleep": sleep,
}
