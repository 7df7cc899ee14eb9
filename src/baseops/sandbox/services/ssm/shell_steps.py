"""Runs the steps of a command document in a guest, in order; one that fails ends it.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baseops.sandbox.guest import dnf
from baseops.sandbox.guest.programs import Guest, run_script
from baseops.sandbox.guests import NotExercisedError, Ran
from baseops.sandbox.services.ssm.machines import guest_of

# Any: documents are JSON.

_PLACE = re.compile(r"\{\{\s*([\w:/-]+)\s*\}\}")

_DISTRIBUTED = {"AmazonCloudWatchAgent": "amazon-cloudwatch-agent"}
"""Packages of Systems Manager's Distributor, by the name of what they install."""


@dataclass(frozen=True)
class Result:
    """How a document went on one node."""

    step: str
    status: str
    details: str
    code: int
    output: str
    errors: str
    seconds: float


def run_document(
    content: Mapping[str, Any], parameters: Mapping[str, list[str]], account_id: str, region: str, instance_id: str
) -> Result:
    """Run a document's steps for Linux."""
    values = _values(content, parameters)
    output, errors, seconds = "", "", 0.0
    name = "runShellScript"
    for step in content.get("mainSteps", ()):
        if not _applies(step):
            continue
        name = step.get("name", step["action"])
        try:
            guest = guest_of(account_id, region, instance_id)
            ran = _step(step["action"])(guest, {key: _filled(each, values) for key, each in step["inputs"].items()})
        except NotExercisedError as error:
            return Result(name, "Failed", "Undeliverable", -1, output, f"{errors}not exercised: {error}", seconds)
        output, errors, seconds = output + ran.output, errors + ran.errors, seconds + ran.seconds
        if ran.is_timed_out:
            return Result(name, "TimedOut", "ExecutionTimedOut", -1, output, errors, seconds)
        if ran.code:
            said = f"{errors}failed to run commands: exit status {ran.code}"
            return Result(name, "Failed", "Failed", ran.code, output, said, seconds)
    return Result(name, "Success", "Success", 0, output, errors, seconds)


def _step(action: str) -> Callable[[Guest, Mapping[str, Any]], Ran]:
    known = {"aws:runShellScript": _run_shell, "aws:configurePackage": _configure_package}
    if action not in known:
        raise NotExercisedError(f"the sandbox's guests do not run {action}")
    return known[action]


def _run_shell(guest: Guest, inputs: Mapping[str, Any]) -> Ran:
    lines = inputs["runCommand"] if isinstance(inputs["runCommand"], list) else [inputs["runCommand"]]
    folder = str(inputs.get("workingDirectory") or "")
    begin = [f"cd {shlex.quote(folder)} || exit 1"] if folder else []
    timeout = float(inputs.get("timeoutSeconds") or 3600)
    return run_script(guest, "\n".join([*begin, *map(str, lines)]) + "\n", timeout)


def _configure_package(guest: Guest, inputs: Mapping[str, Any]) -> Ran:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html#aws-configurepackage."""
    name, action = str(inputs.get("name")), str(inputs.get("action"))
    if name not in _DISTRIBUTED or action != "Install":
        raise NotExercisedError(f"the sandbox's guests do not {action} the package {name}")
    reply = dnf.answer(guest, ["-y", "install", _DISTRIBUTED[name]], "/")
    if reply.code:
        raise NotExercisedError(reply.errors.strip())
    return Ran(0, f"Initiating {name} install\nSuccessfully installed {name}\n", "", 1.0)


def _values(content: Mapping[str, Any], given: Mapping[str, list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in content.get("parameters", {}).items():
        value = given.get(name, each.get("default", ""))
        is_list = each.get("type") == "StringList"
        found[name] = value if is_list or not isinstance(value, list) else (value[0] if value else "")
    return found


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        parts = [_filled(each, values) for each in value]
        return [line for part in parts for line in (part if isinstance(part, list) else [part])]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value.strip())
    if whole and whole[1] in values:
        return values[whole[1]]
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), value)


def _applies(step: Mapping[str, Any]) -> bool:
    condition = step.get("precondition", {}).get("StringEquals", ())
    return "platformType" not in condition or "Linux" in condition
