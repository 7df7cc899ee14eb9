"""Invocations of a function: its environment and role, the calls it makes, its log lines, its metrics.

Asynchronous ones are repeated twice when they fail, then go to the function's dead-letter target.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction
from moto.moto_api._internal import mock_random

from baseops.sandbox.call import Call
from baseops.sandbox.clients import Keys, PrincipalClients
from baseops.sandbox.functions import code, runner
from baseops.sandbox.requests import make_request
from baseops.sandbox.service import ServiceError, opened
from baseops.sandbox.service_access import SESSION_AGE
from baseops.sandbox.services.cloudwatch.series import record

RETRY_SECONDS = (60.0, 120.0)
# Any: moto's function is untyped, events and frames are JSON.


def invoke(function: Any, event: Any) -> runner.Outcome:
    """Run the function's code on an event, now; its lines go to its log group."""
    _refuse_unrunnable(function)
    request_id = str(mock_random.uuid4())
    session = _session(function)
    outcome = runner.run(
        _invocation(function, event, request_id, session.keys),
        lambda frame: _answer(frame, function, session.keys.access_key),
    )
    _write_log(function, request_id, outcome, session)
    _count(function, outcome)
    return outcome


def invoke_later(function: Any, event: Any, attempt: int = 0) -> None:
    """Run it soon, as an asynchronous invocation."""
    delay = RETRY_SECONDS[attempt - 1] if attempt else 0.0
    name = f"invocation of {function.function_name}"
    opened().clock.ticker.after(delay, lambda: _attempt(function, event, attempt), name)


def _attempt(function: Any, event: Any, attempt: int) -> None:
    outcome = invoke(function, event)
    if not outcome.error:
        return
    if attempt < len(RETRY_SECONDS):
        invoke_later(function, event, attempt + 1)
    else:
        _give_up(function, event)


def _give_up(function: Any, event: Any) -> None:
    """As the function's role, to its dead-letter target.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    target = extras_of(function).get("DeadLetterConfig", {}).get("TargetArn", "")
    _measure(function, "AsyncEventsDropped")
    if not target:
        return
    clients, body = _session(function), json.dumps(event)
    try:
        if ":sqs:" in target:
            *_, region, account_id, name = target.split(":")
            url = f"https://sqs.{region}.amazonaws.com/{account_id}/{name}"
            clients.client("sqs", region).send_message(QueueUrl=url, MessageBody=body)
        else:
            clients.client("sns", function.region).publish(TopicArn=target, Message=body)
    except ClientError:
        _measure(function, "DeadLetterErrors")


def _measure(function: Any, metric: str) -> None:
    name = {"FunctionName": function.function_name}
    record(function.account_id, function.region, "AWS/Lambda", metric, 1.0, dimensions=name, unit="Count")


def extras_of(function: Any) -> dict[str, Any]:
    """Members of the configuration that moto does not keep."""
    kept: dict[str, Any] = vars(function).setdefault("sandbox_extras", {})
    return kept


def log_group_of(function: Any) -> str:
    """Where its lines go."""
    return str(extras_of(function).get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function.function_name}")


def _refuse_unrunnable(function: Any) -> None:
    if not str(function.run_time).startswith("python") or function.package_type != "Zip":
        raise ServiceError(
            f"The sandbox runs Python functions from zip packages, not {function.run_time or function.package_type}",
            code="InvalidRuntimeException",
        )


def _invocation(function: Any, event: Any, request_id: str, keys: Keys) -> runner.Invocation:
    folder = opened().folder
    return runner.Invocation(
        handler=function.handler,
        event=event,
        path=[code.unpacked(function.code_bytes, folder), code.runtime(folder)],
        timeout=float(function.timeout),
        log_format=extras_of(function).get("LoggingConfig", {}).get("LogFormat", "Text"),
        context={
            "request_id": request_id,
            "function_arn": function.function_arn,
            "function_name": function.function_name,
            "memory": function.memory_size,
            "log_group": log_group_of(function),
            "log_stream": _log_stream(request_id),
        },
        environment=_environment(function, keys),
        redirects_urllib=True,
    )


def _environment(function: Any, keys: Keys) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime."""
    return {
        **{key: str(value) for key, value in (function.environment_vars or {}).items()},
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group_of(function),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        "_HANDLER": str(function.handler),
    }


def _session(function: Any) -> PrincipalClients:
    """A session of the function's role, which must be there; kept as long as its credentials surely last."""
    now = opened().clock.now()
    kept: dict[str, tuple[datetime, PrincipalClients]] = vars(function).setdefault("sandbox_sessions", {})
    made, session = kept.get(function.role, (now, None))
    if session is None or now - made > SESSION_AGE:
        try:
            session = opened().session_as(function.role, f"{function.function_name:_<2}"[:64])
        except ClientError as error:
            raise ServiceError(
                "The role defined for the function cannot be assumed by Lambda.", code="InvalidParameterValueException"
            ) from error
        kept[function.role] = (now, session)
    return session


def _answer(frame: Mapping[str, Any], function: Any, access_key: str) -> runner.Frame:
    """The sandbox's answer to a call of the function, made by its role; or that of a receiver outside AWS."""
    if not frame["service"]:
        return _posted(frame)
    scope = _region_of(frame, function.region)
    headers = [*frame["headers"], ("x-moto-account-id", function.account_id)]
    call = Call(
        service=frame["service"],
        operation=frame["operation"],
        account_id=function.account_id,
        region=scope,
        access_key=access_key,
        request=make_request(frame["method"], frame["url"], headers, base64.b64decode(frame["body"])),
    )
    answer = opened().dispatcher.answer(call)
    body = runner.encoded(answer.body)
    return {"status": answer.status, "headers": answer.headers, "body": body, "is_dropped": answer.is_dropped}


def _posted(frame: Mapping[str, Any]) -> runner.Frame:
    """What a receiver outside AWS says; where there is none nobody is reached."""
    status = opened().receivers.get(urlsplit(frame["url"]).hostname or "")
    if status is None:
        return {"is_elsewhere": True}
    taken = json.dumps({"errors": False, "items": []}).encode() if status == 200 else b""
    return {"status": status, "headers": {}, "body": runner.encoded(taken)}


def _region_of(frame: Mapping[str, Any], default: str) -> str:
    """The region that the call is signed for."""
    signature = next((value for key, value in frame["headers"] if key.lower() == "authorization"), "")
    parts = signature.partition("Credential=")[2].split("/")
    return parts[2] if len(parts) > 3 else default


def _log_stream(request_id: str) -> str:
    return f"{opened().clock.now():%Y/%m/%d}/[$LATEST]{request_id.replace('-', '')}"


def _write_log(function: Any, request_id: str, outcome: runner.Outcome, session: PrincipalClients) -> None:
    """Write its lines as its role; a function whose role may not write has no log, as in AWS."""
    group, stream = log_group_of(function), _log_stream(request_id)
    now = int(opened().clock.now().timestamp() * 1000)
    duration = f"{outcome.seconds * 1000:.2f} ms"
    lines = [
        f"START RequestId: {request_id} Version: $LATEST",
        *(line for line in outcome.lines if line),
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: {duration}\tMemory Size: {function.memory_size} MB",
    ]
    logs = session.client("logs", function.region)
    try:
        if group == f"/aws/lambda/{function.function_name}":
            _ensure_group(logs, group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now, "message": line} for line in lines]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    except ClientError:
        return


def _count(function: Any, outcome: runner.Outcome) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html."""
    measures = (
        ("Invocations", 1.0, "Count"),
        ("Errors", 1.0 if outcome.error else 0.0, "Count"),
        ("Duration", outcome.seconds * 1000, "Milliseconds"),
    )
    name = {"FunctionName": function.function_name}
    for metric, value, unit in measures:
        record(function.account_id, function.region, "AWS/Lambda", metric, value, dimensions=name, unit=unit)


def _ensure_group(logs: Any, group: str) -> None:
    try:
        logs.create_log_group(logGroupName=group)
    except logs.exceptions.ResourceAlreadyExistsException:
        return


def from_moto(function: Any, event: Any = None) -> tuple[str, bool, str]:
    """What moto calls when one of its services invokes a function: the result, whether it failed, its lines."""
    outcome = invoke(function, {} if event is None else event)
    return outcome.payload.decode(), bool(outcome.error), "\n".join(outcome.lines)


for _name, _ours in (("_invoke_lambda", from_moto),):
    setattr(LambdaFunction, _name, _ours)
