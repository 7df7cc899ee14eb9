"""Answers the calls of a child process by the sandbox, as a principal: of botocore's, or signed by hand."""

from __future__ import annotations

import base64

from baseops.sandbox.addressing import CREDENTIAL, address_of, operation_of
from baseops.sandbox.call import Call
from baseops.sandbox.clients import Keys
from baseops.sandbox.functions.runner import Caller, Frame, encoded
from baseops.sandbox.requests import make_request
from baseops.sandbox.service import opened


def answers_as(keys: Keys, region: str) -> Caller:
    """What answers frames with the rights of the keys."""

    def answer(frame: Frame) -> Frame:
        headers = [*frame["headers"], ("x-moto-account-id", keys.account_id)]
        request = make_request(frame["method"], frame["url"], headers, base64.b64decode(frame["body"]))
        named = {name.lower(): str(value) for name, value in frame["headers"]}
        scope = CREDENTIAL.search(named.get("authorization", ""))
        service, operation = frame["service"], frame["operation"]
        if not service:
            service = address_of(frame["url"], named, region).service
            operation = operation_of(service, request) or ""
        found = opened().dispatcher.answer(
            Call(service, operation, keys.account_id, scope[2] if scope else region, keys.access_key, request)
        )
        return {
            "status": found.status,
            "headers": found.headers,
            "body": encoded(found.body),
            "is_dropped": found.is_dropped,
        }

    return answer
