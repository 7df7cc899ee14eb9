"""What goes back to the caller: status, headers and body, written and read by the botocore model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.parsers import create_parser
from moto.core.errors import ErrorLookupFactory, ErrorShape
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.serialize import DefaultAttributePicker, XFormedAttributePicker, get_serializer_class

from baseops.sandbox.call import Call
from baseops.sandbox.moto_state import request_id
from baseops.sandbox.service import Members

ERRORS = ErrorLookupFactory()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer to a call. `is_dropped`: the caller gets none at all, the connection breaks.

    `is_late`: it breaks because the caller has waited too long.
    """

    call: Call = field(repr=False)
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    is_dropped: bool = False
    is_late: bool = False

    @property
    def is_success(self) -> bool:
        """Nothing was refused."""
        return self.status < 300

    @cached_property
    def members(self) -> dict[str, Any]:
        """What boto3 would give for it: members of the output shape, or `Error` with `Code` and `Message`."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = {"status_code": self.status, "headers": headers, "body": self.body}
        shape = self.call.model.output_shape if self.call.is_modelled else None
        parsed: dict[str, Any] = create_parser(self.call.protocol).parse(response, shape)
        return parsed

    @property
    def error_code(self) -> str | None:
        """AWS's code when it is an error."""
        return None if self.is_success else str(self.members["Error"].get("Code") or self.status)


def success(call: Call, members: Members | None) -> Answer:
    """The members of an operation's output shape, in the service's protocol."""
    serializer = get_serializer_class(call.service, call.protocol)(
        operation_model=call.model, value_picker=DefaultAttributePicker()
    )
    written = dict(serializer.serialize(members or {}))
    return _written(call, {**written, "status_code": _status_of(call, members or {}) or written["status_code"]})


def _status_of(call: Call, members: Members) -> int | None:
    """The HTTP status where a member of the output is one (lambda:Invoke)."""
    shape = call.model.output_shape
    named = shape.members.items() if shape else ()
    return next((members.get(name) for name, each in named if each.serialization.get("location") == "statusCode"), None)


def failure(call: Call, error: ServiceException) -> Answer:
    """An error in the service's protocol; also for operations that the model does not know."""
    model = call.model if call.is_modelled else OperationModel({"name": call.operation}, call.service_model)
    serializer = get_serializer_class(call.service, call.protocol)(
        operation_model=model, value_picker=XFormedAttributePicker()
    )
    shape = ERRORS.for_service(call.service_model).from_code(error.code) or _unmodelled(error.code)
    serialized: dict[str, Any] = {}
    serializer._serialize_error_metadata(serialized, error, shape)
    written = serializer._serialized_error_to_response(serializer._create_default_response(), error, shape, serialized)
    status = getattr(error, "status", None)
    return _written(call, {**written, "status_code": status or written["status_code"]})


def raw(call: Call, status: int, headers: dict[str, Any], body: str | bytes | None) -> Answer:
    """What moto wrote itself."""
    text = {str(name): str(value) for name, value in headers.items()}
    return Answer(call, int(status), text, body.encode() if isinstance(body, str) else bytes(body or b""))


def _written(call: Call, written: dict[str, Any]) -> Answer:
    headers = {**written["headers"], "x-amzn-RequestId": request_id()}
    return raw(call, written["status_code"], headers, written["body"])


def _unmodelled(code: str) -> ErrorShape:
    """The shape of an error that the model does not list; AWS has those too (its "common errors")."""
    return ErrorShape(code, {"exception": True, "type": "structure", "members": {}, "error": {"code": code}})
