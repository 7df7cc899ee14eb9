"""Run Command: documents of shell steps on managed nodes, some at a time, until too many fail.

What a guest cannot exercise ends as failed and undeliverable, with the reason as its error output.
https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.events.bus import put_event
from baseops.sandbox.services.ssm.instances import Node, nodes, selected
from baseops.sandbox.services.ssm.shell_steps import Result, run_document

# Any: moto's backend is untyped, documents are JSON.

_BEGIN_SECONDS = 1.0
_PLUGIN_LIMIT = 24_000
_SHELL = {
    "schemaVersion": "2.2",
    "parameters": {
        "commands": {"type": "StringList"},
        "workingDirectory": {"type": "String", "default": ""},
        "executionTimeout": {"type": "String", "default": "3600"},
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "runShellScript",
            "inputs": {
                "runCommand": "{{ commands }}",
                "workingDirectory": "{{ workingDirectory }}",
                "timeoutSeconds": "{{ executionTimeout }}",
            },
        }
    ],
}
BUILT_IN: Mapping[str, Mapping[str, Any]] = {"AWS-RunShellScript": _SHELL}


@dataclass
class Invocation:
    """A command on one node."""

    node: Node
    status: str = "Pending"
    details: str = "Pending"
    began: datetime | None = None
    ended: datetime | None = None
    result: Result | None = None


@dataclass
class Command:
    """One command. `given` is what was asked for, in AWS's names."""

    id: str
    account_id: str
    region: str
    given: Mapping[str, Any]
    content: Mapping[str, Any]
    parameters: Mapping[str, list[str]]
    made: datetime
    status: str = "Pending"
    details: str = "Pending"
    invocations: list[Invocation] = field(default_factory=list)
    waiting: list[Invocation] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many nodes failed; those that could not be reached do not count."""
        return sum(
            each.status in ("Failed", "TimedOut") and each.details != "Undeliverable" for each in self.invocations
        )

    def described(self) -> dict[str, Any]:
        """As ListCommands shows it."""
        return {
            "CommandId": self.id,
            "DocumentName": self.given["DocumentName"],
            "DocumentVersion": self.given.get("DocumentVersion", "$DEFAULT"),
            "Comment": self.given.get("Comment", ""),
            "ExpiresAfter": self.made + timedelta(seconds=int(self.given.get("TimeoutSeconds", 3600))),
            "Parameters": dict(self.parameters),
            "InstanceIds": list(self.given.get("InstanceIds") or ()),
            "Targets": list(self.given.get("Targets") or ()),
            "RequestedDateTime": self.made,
            "Status": self.status,
            "StatusDetails": self.details,
            "MaxConcurrency": self.given.get("MaxConcurrency", "50"),
            "MaxErrors": self.given.get("MaxErrors", "0"),
            "TargetCount": len(self.invocations),
            "CompletedCount": sum(each.status not in ("Pending", "InProgress") for each in self.invocations),
            "ErrorCount": self.errors,
        }


def send_command(backend: Any, **_: Any) -> Members:
    """Send a command to nodes by id or by target."""
    given, call = dict(calling().parameters), calling()
    content = document_content(backend, str(given["DocumentName"]), given.get("DocumentVersion"))
    parameters = {key: list(value) for key, value in (given.get("Parameters") or {}).items()}
    refuse_parameters(content, parameters)
    if not given.get("InstanceIds") and not given.get("Targets"):
        raise ServiceError("InstanceIds or Targets is required", code="InvalidTarget", status=400)
    _refuse_unmanaged(backend, given.get("InstanceIds") or ())
    command = Command(
        str(mock_random.uuid4()), call.account_id, call.region, given, content, parameters, opened().clock.now()
    )
    commands_of(backend)[command.id] = command
    opened().clock.ticker.after(_BEGIN_SECONDS, lambda: _begin(command), f"command {command.id}")
    return {"Command": command.described()}


def document_content(backend: Any, name: str, version: str | None = None) -> Mapping[str, Any]:
    """What a command document says; raises AWS's error for one that is not there."""
    plain = name.rpartition("document/")[2]
    if plain in BUILT_IN:
        return BUILT_IN[plain]
    documents = backend._documents.get(plain)
    if documents is None:
        raise ServiceError(f"Document {name} does not exist in the sandbox", code="InvalidDocument", status=400)
    wanted = None if version in (None, "$DEFAULT", "$LATEST") else version
    document = documents.find(document_version=wanted, version_name=None, strict=True)
    if document.document_type != "Command":
        raise ServiceError(f"{name} is no document of type Command", code="InvalidDocument", status=400)
    content: Mapping[str, Any] = json.loads(document.content)
    return content


def refuse_parameters(content: Mapping[str, Any], given: Mapping[str, list[str]]) -> None:
    """Refuse parameters that the document does not take, or that it lacks."""
    declared: Mapping[str, Any] = content.get("parameters", {})
    lacking = [name for name, each in declared.items() if name not in given and "default" not in each]
    unknown = sorted(set(given) - set(declared))
    if lacking or unknown:
        what = f"missing {', '.join(lacking)}" if lacking else f"unknown {', '.join(unknown)}"
        raise ServiceError(f"Invalid parameters: {what}", code="InvalidParameters", status=400)
    for name, values in given.items():
        pattern = declared[name].get("allowedPattern")
        if pattern and not all(re.search(pattern, value) for value in values):
            raise ServiceError(f"Parameter {name} does not match {pattern}", code="InvalidParameters", status=400)


def _refuse_unmanaged(backend: Any, ids: Any) -> None:
    known = {node.id for node in nodes(backend.account_id, backend.region_name)} if ids else set()
    if set(ids) - known:
        message = f"Instances {sorted(set(ids) - known)} not in a valid state for account {backend.account_id}"
        raise ServiceError(message, code="InvalidInstanceId", status=400)


def _begin(command: Command) -> None:
    if command.status != "Pending":
        return
    found = selected(
        nodes(command.account_id, command.region),
        command.given.get("Targets") or (),
        command.given.get("InstanceIds") or (),
    )
    command.invocations = [Invocation(node) for node in found]
    command.waiting = list(command.invocations)
    if not found:
        _finish(command, "Failed", "NoInstancesInTag")
        return
    command.status = command.details = "InProgress"
    for _ in range(_share(str(command.given.get("MaxConcurrency", "50")), len(found), least=1)):
        _next(command)


def _next(command: Command) -> None:
    if not command.waiting or command.status != "InProgress":
        return
    invocation = command.waiting.pop(0)
    invocation.status = invocation.details = "InProgress"
    invocation.began = opened().clock.now()
    result = run_document(command.content, command.parameters, command.account_id, command.region, invocation.node.id)
    invocation.result = result
    name = f"command {command.id} on {invocation.node.id}"
    opened().clock.ticker.after(max(1.0, math.ceil(result.seconds)), lambda: _ended(command, invocation), name)


def _ended(command: Command, invocation: Invocation) -> None:
    result = invocation.result
    if result is None or invocation.status != "InProgress":
        return
    invocation.ended = opened().clock.now()
    invocation.status, invocation.details = result.status, result.details
    _write_output(command, invocation, result)
    most = _share(str(command.given.get("MaxErrors", "0")), len(command.invocations), least=0)
    if command.errors > most:
        for each in command.waiting:
            each.status, each.details = "Cancelled", "Terminated"
        command.waiting.clear()
    _next(command)
    if all(each.status not in ("Pending", "InProgress") for each in command.invocations):
        _settle(command, most)


def _settle(command: Command, most: int) -> None:
    if command.errors > most:
        is_timeout = any(each.status == "TimedOut" for each in command.invocations)
        _finish(command, "TimedOut", "ExecutionTimedOut") if is_timeout else _finish(command, "Failed", "Failed")
    elif any(each.details == "Undeliverable" for each in command.invocations):
        _finish(command, "Failed", "Incomplete")
    else:
        _finish(command, "Success", "Success")


def _finish(command: Command, status: str, details: str) -> None:
    command.status, command.details = status, details
    put_event(
        command.account_id,
        command.region,
        source="aws.ssm",
        detail_type="EC2 Command Status-change Notification",
        detail={
            "command-id": command.id,
            "document-name": command.given["DocumentName"],
            "status": status,
            "requested-date-time": command.made.isoformat(),
        },
        resources=[
            f"arn:aws:ec2:{command.region}:{command.account_id}:instance/{each.node.id}" for each in command.invocations
        ],
    )


def _share(text: str, total: int, *, least: int) -> int:
    """A number, or a percentage of all: rounded up for how many at once, down for how many may fail."""
    if not text.endswith("%"):
        return max(int(text), least)
    part = total * int(text[:-1]) / 100
    return max(math.ceil(part) if least else math.floor(part), least)


def _write_output(command: Command, invocation: Invocation, result: Result) -> None:
    """Where it is asked for, outputs go to a log group, by the rights of the node."""
    wanted = command.given.get("CloudWatchOutputConfig") or {}
    if not wanted.get("CloudWatchOutputEnabled"):
        return
    name = str(command.given["DocumentName"]).rpartition("document/")[2]
    group = wanted.get("CloudWatchLogGroupName") or f"/aws/ssm/{name}"
    logs = opened().clients_of(command.account_id).client("logs", command.region)
    now = int(opened().clock.now().timestamp() * 1000)
    for kind, text in (("stdout", result.output), ("stderr", result.errors)):
        events = [{"timestamp": now, "message": line} for line in text.splitlines() if line]
        if events:
            stream = f"{command.id}/{invocation.node.id}/{result.step}/{kind}"
            try:
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
            except ClientError:
                return


def list_commands(
    backend: Any,
    command_id: str | None = None,
    instance_id: str | None = None,
    max_results: int = 50,
    next_token: str | None = None,
    filters: list[Mapping[str, str]] | None = None,
) -> Members:
    """Commands, newest first; in pages."""
    if command_id and command_id not in commands_of(backend):
        raise ServiceError("Command id is not valid", code="InvalidCommandId", status=400)
    found = [
        each
        for each in reversed(commands_of(backend).values())
        if command_id in (None, each.id)
        and (instance_id is None or any(one.node.id == instance_id for one in each.invocations))
        and all(_passes(each, one) for one in filters or ())
    ]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    return {"Commands": [each.described() for each in found[start : start + max_results]], **more}


def _passes(command: Command, wanted: Mapping[str, str]) -> bool:
    key, value = wanted["key"], wanted["value"]
    if key in ("InvokedAfter", "InvokedBefore"):
        moment = datetime.fromisoformat(value)
        return command.made >= moment if key == "InvokedAfter" else command.made <= moment
    known = {"DocumentName": str(command.given["DocumentName"]), "Status": command.status}
    if key not in known:
        raise ServiceError(f"The sandbox has no filter {key}", code="InvalidFilterKey", status=400)
    return known[key] == value


def list_command_invocations(
    backend: Any,
    command_id: str | None = None,
    instance_id: str | None = None,
    details: bool = False,
    max_results: int = 50,
    next_token: str | None = None,
) -> Members:
    """Commands by node; in pages."""
    found = [
        _summary(command, each, details=details)
        for command in commands_of(backend).values()
        if command_id in (None, command.id)
        for each in command.invocations
        if instance_id in (None, each.node.id)
    ]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    return {"CommandInvocations": found[start : start + max_results], **more}


def _summary(command: Command, invocation: Invocation, *, details: bool) -> dict[str, Any]:
    result = invocation.result
    plugins: dict[str, Any] = {}
    if details and result and invocation.ended:
        plugin = {
            "Name": result.step,
            "Status": invocation.status,
            "StatusDetails": invocation.details,
            "ResponseCode": result.code,
            "Output": (result.output + result.errors)[:2500],
        }
        plugins = {"CommandPlugins": [plugin]}
    return {
        "CommandId": command.id,
        "InstanceId": invocation.node.id,
        "DocumentName": command.given["DocumentName"],
        "Comment": command.given.get("Comment", ""),
        "RequestedDateTime": command.made,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        **plugins,
    }


def get_command_invocation(backend: Any, command_id: str, instance_id: str, plugin_name: str | None = None) -> Members:
    """One command on one node with its output."""
    command = commands_of(backend).get(command_id)
    found = next((each for each in (command.invocations if command else ()) if each.node.id == instance_id), None)
    if command is None or found is None:
        raise ServiceError("The command invocation does not exist", code="InvocationDoesNotExist", status=400)
    result = found.result if found.ended else None
    if plugin_name and result and plugin_name != result.step:
        raise ServiceError("Plugin name is not valid", code="InvalidPluginName", status=400)
    moments = {"ExecutionStartDateTime": found.began, "ExecutionEndDateTime": found.ended}
    return {
        "CommandId": command.id,
        "InstanceId": instance_id,
        "Comment": command.given.get("Comment", ""),
        "DocumentName": command.given["DocumentName"],
        "PluginName": result.step if result else "",
        "ResponseCode": result.code if result else -1,
        **{key: f"{when:%Y-%m-%dT%H:%M:%S.000Z}" for key, when in moments.items() if when},
        "Status": found.status,
        "StatusDetails": found.details,
        "StandardOutputContent": result.output[:_PLUGIN_LIMIT] if result else "",
        "StandardErrorContent": result.errors[:_PLUGIN_LIMIT] if result else "",
    }


def cancel_command(backend: Any, command_id: str, instance_ids: list[str] | None = None) -> Members:
    """Cancel what has not begun."""
    command = commands_of(backend).get(command_id)
    if command is None:
        raise ServiceError("Command id is not valid", code="InvalidCommandId", status=400)
    for each in _cancelled(command, instance_ids):
        each.status = each.details = "Cancelled"
        command.waiting.remove(each)
    if command.status == "Pending":
        command.status = command.details = "Cancelled"
    return {}


def _cancelled(command: Command, ids: list[str] | None) -> Iterator[Invocation]:
    yield from [each for each in command.waiting if not ids or each.node.id in ids]


def commands_of(backend: Any) -> dict[str, Command]:
    """The commands beside a backend of moto's, oldest first."""
    if not hasattr(backend, "sandbox_commands"):
        backend.sandbox_commands = {}
    found: dict[str, Command] = backend.sandbox_commands
    return found


def not_exercised(backend: Any) -> list[str]:
    """What commands could not run here, and why; for reports."""
    return [
        f"{each.node.id}: {each.result.errors}"
        for command in commands_of(backend).values()
        for each in command.invocations
        if each.result and each.details == "Undeliverable"
    ]


extend("ssm", "CancelCommand", cancel_command)
extend("ssm", "GetCommandInvocation", get_command_invocation)
extend("ssm", "ListCommandInvocations", list_command_invocations)
extend("ssm", "ListCommands", list_commands)
extend("ssm", "SendCommand", send_command)
