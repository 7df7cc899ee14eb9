"""A service of AWS invokes a function asynchronously: the function must be there and its policy let the service in."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.sandbox.service_access import Sender, may_invoke

# Any: moto's functions are untyped, events are JSON.


def invoke_later(sender: Sender, arn: str, event: Any) -> str | None:
    """Start an invocation; says why not where it cannot."""
    _, _, _, region, account_id, _, name, *_ = [*arn.split(":"), ""]
    opened().dispatcher.load("lambda")
    function = moto_backend("lambda", account_id, region).get_function(name) if name else None
    if function is None:
        return f"Function not found: {arn}"
    client = opened().clients_of(account_id).client("lambda", region)
    try:
        policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return f"{sender.service}.amazonaws.com is not authorized to invoke {arn}: it has no policy"
    if not may_invoke(sender, policy, arn):
        return f"{sender.service}.amazonaws.com is not authorized to perform: lambda:InvokeFunction on {arn}"
    # `lambda` is a word of Python, so its room is imported by name.
    import_module("baseops.sandbox.services.lambda.invocations").invoke_later(function, event)
    return None
