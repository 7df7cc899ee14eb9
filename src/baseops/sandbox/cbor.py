"""Smithy's RPC v2 CBOR protocol, which newer SDKs speak to CloudWatch: into JSON and back, for moto knows only that.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from __future__ import annotations

from botocore.model import OperationNotFoundError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.core.utils import get_service_model

from baseops.sandbox.answer import Answer

PROTOCOL = "smithy-rpc-v2-cbor"
HEADER = "rpc-v2-cbor"
MAP = 5
Headers = list[tuple[str, str]]


def is_cbor(headers: Headers) -> bool:
    """Whether a request is written in it."""
    return any(name.lower() == "smithy-protocol" and value == HEADER for name, value in headers)


def as_json(service: str, path: str, headers: Headers, body: bytes) -> tuple[str, Headers, bytes]:
    """The same request in the JSON protocol: path, headers and body. An unknown operation keeps its name."""
    operation = path.partition("?")[0].rstrip("/").rpartition("/")[2]
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-type", "smithy-protocol")]
    try:
        model = get_service_model(service).operation_model(operation)
    except OperationNotFoundError:
        named = [("X-Amz-Target", f"Unknown.{operation}"), ("Content-Type", "application/x-amz-json-1.0")]
        return "/", [*kept, *named], b""
    parser = create_parser(PROTOCOL)
    node = parser._initial_body_parse(body)
    members = parser._parse_shape(model.input_shape, node) if node else {}
    written = create_serializer("json", include_validation=False).serialize_to_request(members, model)
    text = written["body"]
    return "/", [*kept, *written["headers"].items()], text.encode() if isinstance(text, str) else text


def as_cbor(answer: Answer) -> Answer:
    """The same answer in CBOR."""
    serializer = create_serializer(PROTOCOL, include_validation=False)
    body = bytearray()
    if answer.is_success:
        shape = answer.call.model.output_shape
        members = {name: value for name, value in answer.members.items() if name != "ResponseMetadata"}
        if shape:
            serializer._serialize_type_structure(body, members, shape, None)
    else:
        error = answer.members["Error"]
        body.extend(serializer._get_initial_byte(MAP, 2))
        for text in ("__type", str(error.get("Code", "")), "message", str(error.get("Message", ""))):
            serializer._serialize_type_string(body, text, None, None)
    dropped = ("content-type", "content-length", "x-amzn-errortype")
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in dropped}
    headers = {**kept, "Content-Type": "application/cbor", "smithy-protocol": HEADER}
    return Answer(answer.call, answer.status, headers, bytes(body), answer.is_dropped)
