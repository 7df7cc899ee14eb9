"""Which service, region and operation an HTTP request to the served sandbox means; reads only, answers nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import parse_qs, parse_qsl, urlsplit

from botocore.session import Session
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
AWS_HOST = re.compile(r"(?:.*\.)?(?P<prefix>[a-z0-9-]+)\.(?P<region>[a-z]{2}-[a-z]+-\d)\.amazonaws\.com$")
BUCKET_HOST = re.compile(r"(?P<bucket>.+?)\.(?:s3[.-].+|s3|(?:s3\.)?localhost)$")

# Signing names that are not botocore's name of the service.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
SIGNING_NAMES = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
    "access-analyzer": "accessanalyzer",
    "cloudcontrolapi": "cloudcontrol",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "elasticfilesystem": "efs",
    "aoss": "opensearchserverless",
    "sso": "sso-admin",
    "applicationinsights": "application-insights",
}

# Operations whose binding changed: SDKs of before still use the old one, and AWS answers both.
OLD_BINDINGS = {
    ("sesv2", "GET", "/v2/email/identities"): "/v2/email/list-identities",
    ("sesv2", "GET", "/v2/email/configuration-sets"): "/v2/email/list-configuration-sets",
}


@dataclass(frozen=True)
class Address:
    """Where a request is bound. `path` is S3's path style, whatever style came in."""

    service: str
    region: str
    access_key: str
    path: str


def address_of(path: str, headers: Mapping[str, str], default_region: str) -> Address:
    """Read it from the signature; unsigned requests from the Host header, else they are S3's. Header names: lower."""
    parts = urlsplit(path)
    scope = CREDENTIAL.search(headers.get("authorization", "")) or _presigned(parts.query)
    host = headers.get("host", "").rsplit(":", 1)[0] if "]" not in headers.get("host", "") else ""
    named = AWS_HOST.match(host)
    if scope:
        access_key, region, signing_name = scope.groups()
    else:
        access_key = ""
        region, signing_name = (named["region"], named["prefix"]) if named else (default_region, "s3")
    service = _service(signing_name, parts.path)
    in_host = BUCKET_HOST.match(host) if service == "s3" else None
    return Address(service, region, access_key, f"/{in_host['bucket']}{path}" if in_host else path)


def renewed(address: Address, method: str, body: bytes) -> tuple[Address, str, bytes]:
    """The same request in today's binding, where that of old SDKs was another (members then went into the query)."""
    parts = urlsplit(address.path)
    path = OLD_BINDINGS.get((address.service, method, parts.path))
    if path is None:
        return address, method, body
    members = {name: int(value) if value.isdigit() else value for name, value in parse_qsl(parts.query)}
    return replace(address, path=path), "POST", json.dumps(members).encode()


def operation_of(service: str, request: Request) -> str | None:
    """The operation that a request asks for; None when the service has no such."""
    model = get_service_model(service)
    try:
        protocol = determine_request_protocol(model, request.content_type)
        if protocol == "json":
            return request.headers.get("x-amz-target", "").rpartition(".")[2] or None
        if protocol in ("query", "ec2"):
            return request.values.get("Action")
        return str(get_service_router(service).match(request)[0].name)
    except (NotFound, NotImplementedError):  # moto routes no such request: the caller refuses it by name
        return None


def endpoint_urls(address: Address) -> tuple[str, ...]:
    """The URLs at which AWS itself would be asked: regional first, then global."""
    prefix = get_service_model(address.service).endpoint_prefix
    return (
        f"https://{prefix}.{address.region}.amazonaws.com{address.path}",
        f"https://{prefix}.amazonaws.com{address.path}",
    )


@cache
def known_services() -> frozenset[str]:
    """Every service that botocore has a model of."""
    return frozenset(Session().get_available_services())


def _service(signing_name: str, path: str) -> str:
    if signing_name == "ses" or signing_name == "email":
        return "sesv2" if path.startswith("/v2/") else "ses"
    if signing_name == "s3":
        return "s3control" if path.startswith("/v20180820/") else "s3"
    if signing_name == "es":
        return "opensearch" if path.startswith("/2021-01-01/") else "es"
    return SIGNING_NAMES.get(signing_name, signing_name)


def _presigned(query: str) -> re.Match[str] | None:
    credential = parse_qs(query).get("X-Amz-Credential")
    return CREDENTIAL.search(f"Credential={credential[0]}") if credential else None
