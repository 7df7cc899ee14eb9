"""Metric filters: put by AWS's rules (one name, one filter; patterns are read), and tried out with TestMetricFilter."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.logs.groups import group_of, refuse_infrequent
from baseops.semantics import filters

# Any: moto's backend is untyped, members have AWS's shapes.

MAX_FILTERS = 100


def put_metric_filter(backend: Any, **_: Any) -> Members:
    """Make a filter, or overwrite the one of its name."""
    given = dict(calling().parameters)
    _refuse_bad(given)
    group = group_of(backend, given["logGroupName"])
    refuse_infrequent(group, "Metric")
    pattern = read_pattern(given["filterPattern"])
    _refuse_transformations(given["metricTransformations"], pattern)
    kept = backend.filters.metric_filters
    others = [each for each in kept if each["logGroupName"] == group.name and each["filterName"] != given["filterName"]]
    if len(others) >= MAX_FILTERS:
        raise ServiceError("Resource limit exceeded.", code="LimitExceededException", status=400)
    kept[:] = [each for each in kept if (each["logGroupName"], each["filterName"]) != (group.name, given["filterName"])]
    kept.append({**given, "creationTime": int(opened().clock.now().timestamp() * 1000)})
    return {}


def delete_metric_filter(backend: Any, log_group_name: str, filter_name: str) -> Members:
    """Delete a filter; an unknown one is an error."""
    kept = backend.filters.metric_filters
    wanted = [each for each in kept if (each["logGroupName"], each["filterName"]) == (log_group_name, filter_name)]
    if not wanted:
        raise ServiceError("The specified metric filter does not exist.", code="ResourceNotFoundException", status=400)
    kept.remove(wanted[0])
    return {}


def test_metric_filter(backend: Any, filter_pattern: str, log_event_messages: list[str]) -> Members:
    """Which of up to fifty lines match, and what is extracted."""
    if not 1 <= len(log_event_messages) <= 50:
        raise ServiceError("logEventMessages must have 1 to 50 members", code="InvalidParameterException", status=400)
    pattern = read_pattern(filter_pattern)
    matches = [
        {"eventNumber": number, "eventMessage": line, "extractedValues": _texts(pattern.extract(line))}
        for number, line in enumerate(log_event_messages, start=1)
        if pattern.matches(line)
    ]
    return {"matches": matches}


def read_pattern(text: str) -> filters.Pattern:
    """The pattern. Raises AWS's error for one that cannot be read."""
    try:
        return filters.compile(text)
    except filters.PatternError as error:
        raise ServiceError(f"Invalid filter pattern: {error}", code="InvalidParameterException", status=400) from error


def _refuse_bad(given: dict[str, Any]) -> None:
    model = opened().client("logs").meta.service_model.operation_model("PutMetricFilter")
    said = refusal(model.input_shape, given)
    if said:
        raise ServiceError(said, code="InvalidParameterException", status=400)


def _refuse_transformations(transformations: list[dict[str, Any]], pattern: filters.Pattern) -> None:
    for each in transformations:
        dimensions = each.get("dimensions") or {}
        if dimensions and each.get("defaultValue") is not None:
            raise ServiceError(
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
                code="InvalidParameterException",
                status=400,
            )
        if len(dimensions) > 3 or (dimensions and pattern.kind not in ("json", "space")):
            raise ServiceError(
                "Invalid metric transformation: a filter pattern with fields may have up to 3 dimensions",
                code="InvalidParameterException",
                status=400,
            )


def _texts(extracted: dict[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (extracted or {}).items()}


extend("logs", "DeleteMetricFilter", delete_metric_filter)
extend("logs", "PutMetricFilter", put_metric_filter)
extend("logs", "TestMetricFilter", test_metric_filter)
