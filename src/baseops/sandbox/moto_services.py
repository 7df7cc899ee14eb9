"""Where moto's services are: their state, and the function that answers a request. Knows nothing of our own ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from moto.backends import get_backend, list_of_moto_modules
from moto.core.base_backend import BackendDict
from moto.core.request import Request
from moto.moto_api._internal import mock_random
from werkzeug.exceptions import HTTPException

# moto's handlers take (request, url, headers) and give (status, headers, body).
Handler = Callable[[Request, str, Any], tuple[int, dict[str, Any], str | bytes]]
MOTO_NAMES = {"lambda": "awslambda"}
PROBE_ACCOUNT = "000000000000"


@cache
def _modules() -> frozenset[str]:
    return frozenset(list_of_moto_modules())


def has_service(service: str) -> bool:
    """Whether moto has a service of botocore's name."""
    return MOTO_NAMES.get(service, service.replace("-", "")) in _modules()


def moto_backend(service: str, account_id: str, region: str) -> Any:
    """Moto's state of a service in an account and region; Any, as each service has a class of its own."""
    backends: Any = get_backend(service)  # type: ignore[call-overload]  # moto lists its names as literals
    if not isinstance(backends, BackendDict):
        return backends["global"]
    regions = backends[account_id]
    return regions[region if region in regions else "aws"]


@cache
def routes(service: str) -> tuple[tuple[re.Pattern[str], Handler], ...]:
    """URL patterns of a service with what answers them, in moto's order.

    moto is imported here, once; what that takes from its random numbers is given back, or the first account of a
    process would get other ids than the second.
    """
    state = mock_random.getstate()
    backend = moto_backend(service, PROBE_ACCOUNT, "us-east-1")
    get_backend(service).pop(PROBE_ACCOUNT, None)  # type: ignore[call-overload]  # moto lists its names as literals
    mock_random.setstate(state)
    return tuple((re.compile(pattern), handler) for pattern, handler in backend.urls.items())


def matches(service: str, url: str) -> bool:
    """Whether moto answers for a URL of the service."""
    return has_service(service) and any(pattern.match(url.partition("?")[0]) for pattern, _ in routes(service))


def answer(service: str, request: Request) -> tuple[int, dict[str, Any], str | bytes] | None:
    """Moto's answer to a request; None where it has no such URL. Raises NotImplementedError for what it lacks."""
    parts = urlsplit(request.raw_url)
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    for pattern, handler in routes(service):
        if pattern.match(url):
            try:
                return handler(request, request.raw_url, request.headers)
            except HTTPException as error:
                return error.code or 400, dict(error.get_headers()), error.get_body()
    return None
