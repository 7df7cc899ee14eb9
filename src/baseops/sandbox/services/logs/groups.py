"""Log groups with their class, and the refusal of filters on those of class INFREQUENT_ACCESS.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
"""

from __future__ import annotations

from typing import Any

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened

# Any: moto's backend and groups are untyped, members have AWS's shapes.

STANDARD = "STANDARD"


def create_log_group(backend: Any, **_: Any) -> Members:
    """Make a group; its class is for good."""
    given = dict(calling().parameters)
    model = opened().client("logs").meta.service_model.operation_model("CreateLogGroup")
    said = refusal(model.input_shape, given)
    if said:
        raise ServiceError(said, code="InvalidParameterException")
    group = backend.create_log_group(
        given["logGroupName"], dict(given.get("tags") or {}), kmsKeyId=given.get("kmsKeyId")
    )
    group.sandbox_class = given.get("logGroupClass", STANDARD)
    return {}


def describe_log_groups(
    backend: Any,
    log_group_name_prefix: str | None = None,
    log_group_name_pattern: str | None = None,
    log_group_class: str | None = None,
    include_linked_accounts: bool = False,
    limit: int = 50,
    next_token: str | None = None,
) -> Members:
    """Groups with their class and how many metric filters they have; in pages."""
    if log_group_name_prefix and log_group_name_pattern:
        raise ServiceError(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            code="InvalidParameterException",
        )
    found = [
        group
        for name, group in sorted(backend.groups.items())
        if name.startswith(log_group_name_prefix or "")
        and (log_group_name_pattern or "").lower() in name.lower()
        and log_group_class in (None, class_of(group))
        and name > (next_token or "")
    ]
    page = found[:limit]
    more = {"nextToken": page[-1].name} if len(found) > limit else {}
    return {"logGroups": [_described(backend, group) for group in page], **more}


def class_of(group: Any) -> str:
    """The class that a group was made with."""
    return str(getattr(group, "sandbox_class", STANDARD))


def group_of(backend: Any, name: str) -> Any:
    """A group of moto's. Raises AWS's error where there is none."""
    if name not in backend.groups:
        raise ServiceError("The specified log group does not exist.", code="ResourceNotFoundException", status=400)
    return backend.groups[name]


def refuse_infrequent(group: Any, kind: str) -> None:
    """What AWS says to a filter on a group of the cheaper class; `kind` is `Metric` or `Subscription`."""
    if class_of(group) != STANDARD:
        raise ServiceError(
            f"{kind} filters are not supported for log groups with log class {class_of(group)}",
            code="InvalidOperationException",
            status=400,
        )


def _described(backend: Any, group: Any) -> dict[str, Any]:
    count = sum(each["logGroupName"] == group.name for each in backend.filters.metric_filters)
    return {**group.to_describe_dict(), "logGroupClass": class_of(group), "metricFilterCount": count}


extend("logs", "CreateLogGroup", create_log_group)
extend("logs", "DescribeLogGroups", describe_log_groups)
