"""The operations of Lambda that moto lacks or gets wrong: Invoke, and the whole of a function's configuration.

https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened

# The folder is called as the service is, and a statement cannot name it: `lambda` is a word of Python.
invocations = import_module("baseops.sandbox.services.lambda.invocations")
# Any: moto's backend and function are untyped, members have AWS's shapes.

_NOT_KEPT_BY_MOTO = (
    "Architectures",
    "DeadLetterConfig",
    "EphemeralStorage",
    "KMSKeyArn",
    "LoggingConfig",
    "TracingConfig",
)


def create_function(backend: Any, **_: Any) -> Members:
    """Make a function; its code must be there and its role must trust Lambda."""
    given = dict(calling().parameters)
    name = str(given["FunctionName"]).rsplit(":", 1)[-1]
    if _exists(backend, name):
        raise ServiceError(f"Function already exist: {name}", code="ResourceConflictException")
    _refuse_role(str(given["Role"]), backend.account_id)
    given["Code"] = _code(given["Code"])
    function = backend.create_function({**given, "FunctionName": name})
    _keep(function, given)
    return configuration(function)


def get_function(backend: Any, function_name: str, qualifier: str | None = None) -> Members:
    """Configuration, place of the code, tags and concurrency."""
    function = backend.get_function(function_name, qualifier)
    return {**function.get_code(), "Configuration": configuration(function)}


def get_function_configuration(backend: Any, function_name: str, qualifier: str | None = None) -> Members:
    """The configuration alone."""
    return configuration(backend.get_function(function_name, qualifier))


def list_functions(backend: Any, **_: Any) -> Members:
    """All functions, in one page."""
    return {"Functions": [configuration(function) for function in backend.list_functions()]}


def update_function_configuration(backend: Any, function_name: str, **_: Any) -> Members:
    """Change what is given."""
    given = dict(calling().parameters)
    if "Role" in given:
        _refuse_role(str(given["Role"]), backend.account_id)
    function = backend.get_function(function_name)
    function.update_configuration(given)
    _keep(function, given)
    return configuration(function)


def update_function_code(backend: Any, function_name: str, **_: Any) -> Members:
    """Put other code in."""
    given = calling().parameters
    function = backend.get_function(function_name)
    names: tuple[str, ...] = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")
    code = {name: given[name] for name in names if name in given}
    function.update_function_code(_code(code))
    _keep(function, given)
    return configuration(function)


def invoke(
    backend: Any,
    function_name: str,
    payload: bytes | None = None,
    invocation_type: str = "RequestResponse",
    log_type: str = "None",
    qualifier: str | None = None,
    **_: Any,
) -> Members:
    """Run a function: now, soon (`Event`) or not at all (`DryRun`)."""
    function = backend.get_function(function_name, qualifier)
    event = _event(payload)
    if invocation_type == "DryRun":
        return {"StatusCode": 204}
    if invocation_type == "Event":
        invocations.invoke_later(function, event)
        return {"StatusCode": 202, "Payload": b""}
    outcome = invocations.invoke(function, event)
    log = base64.b64encode("\n".join(outcome.lines).encode()[-4096:]).decode()
    return {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "Payload": outcome.payload,
        **({"FunctionError": outcome.error} if outcome.error else {}),
        **({"LogResult": log} if log_type == "Tail" else {}),
    }


def configuration(function: Any) -> dict[str, Any]:
    """The configuration as Lambda gives it."""
    kept = invocations.extras_of(function)
    logging = {"LogFormat": "Text", "LogGroup": invocations.log_group_of(function), **kept.get("LoggingConfig", {})}
    shown = {**function.get_configuration(), **kept, "LoggingConfig": logging}
    return {name: value for name, value in shown.items() if value not in (None, [], "")}


def _keep(function: Any, given: Mapping[str, Any]) -> None:
    invocations.extras_of(function).update({name: given[name] for name in _NOT_KEPT_BY_MOTO if name in given})


def _code(code: Mapping[str, Any]) -> dict[str, Any]:
    """Code as moto wants it: a zip file as it travels."""
    zipped = code.get("ZipFile")
    return {**code, "ZipFile": base64.b64encode(zipped).decode()} if isinstance(zipped, bytes) else dict(code)


def _event(payload: bytes | None) -> Any:
    try:
        return json.loads(payload) if payload else {}
    except ValueError as error:
        raise ServiceError(
            f"Could not parse request body into json: {error}", code="InvalidRequestContentException"
        ) from error


def _exists(backend: Any, name: str) -> bool:
    try:
        backend.get_function(name, None)
    except UnknownFunctionException:
        return False
    return True


def _refuse_role(arn: str, account_id: str) -> None:
    iam = opened().clients_of(account_id).client("iam")
    try:
        trust = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        trust = {}
    if "lambda.amazonaws.com" not in json.dumps(trust):
        raise ServiceError(
            "The role defined for the function cannot be assumed by Lambda.", code="InvalidParameterValueException"
        )


for _operation, _function in (
    ("CreateFunction", create_function),
    ("GetFunction", get_function),
    ("GetFunctionConfiguration", get_function_configuration),
    ("Invoke", invoke),
    ("ListFunctions", list_functions),
    ("UpdateFunctionCode", update_function_code),
    ("UpdateFunctionConfiguration", update_function_configuration),
):
    extend("lambda", _operation, _function)
