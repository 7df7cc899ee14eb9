"""Saved queries of Logs Insights."""

from __future__ import annotations

import uuid
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened

# Any: moto's backend is untyped, members have AWS's shapes.


def put_query_definition(backend: Any, **_: Any) -> Members:
    """Save a query under a new id, or overwrite the one of a given id."""
    given = dict(calling().parameters)
    model = opened().client("logs").meta.service_model.operation_model("PutQueryDefinition")
    said = refusal(model.input_shape, given)
    if said:
        raise ServiceError(said, code="InvalidParameterException", status=400)
    kept = _kept(backend)
    identifier = given.pop("queryDefinitionId", None)
    if identifier is None:
        identifier = str(uuid.UUID(str(mock_random.get_random_hex(32))))
    elif identifier not in kept:
        raise _unknown()
    given.pop("clientToken", None)
    language = {"queryLanguage": "CWLI", **given}
    kept[identifier] = {**language, "lastModified": int(opened().clock.now().timestamp() * 1000)}
    return {"queryDefinitionId": identifier}


def describe_query_definitions(
    backend: Any,
    query_language: str | None = None,
    query_definition_name_prefix: str = "",
    max_results: int = 1000,
    next_token: str | None = None,
) -> Members:
    """The saved queries by name; in pages."""
    found = [
        {"queryDefinitionId": identifier, **each}
        for identifier, each in sorted(_kept(backend).items(), key=lambda item: (item[1]["name"], item[0]))
        if each["name"].startswith(query_definition_name_prefix) and query_language in (None, each["queryLanguage"])
    ]
    start = int(next_token or 0)
    more = {"nextToken": str(start + max_results)} if start + max_results < len(found) else {}
    return {"queryDefinitions": found[start : start + max_results], **more}


def delete_query_definition(backend: Any, query_definition_id: str) -> Members:
    """Forget a saved query."""
    if _kept(backend).pop(query_definition_id, None) is None:
        raise _unknown()
    return {"success": True}


def _kept(backend: Any) -> dict[str, dict[str, Any]]:
    if not hasattr(backend, "sandbox_queries"):
        backend.sandbox_queries = {}
    found: dict[str, dict[str, Any]] = backend.sandbox_queries
    return found


def _unknown() -> ServiceError:
    return ServiceError("The specified query definition does not exist.", code="ResourceNotFoundException", status=400)


extend("logs", "DeleteQueryDefinition", delete_query_definition)
extend("logs", "DescribeQueryDefinitions", describe_query_definitions)
extend("logs", "PutQueryDefinition", put_query_definition)
