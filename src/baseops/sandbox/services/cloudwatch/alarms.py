"""The operations on alarms. moto knows metric alarms alone, and starts them as OK where AWS has too little data.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, Operation, ServiceError, calling, extend, opened
from baseops.sandbox.services.cloudwatch import log_alarms
from baseops.sandbox.services.cloudwatch.evaluation import evaluator_of
from baseops.sandbox.services.cloudwatch.history import note
from baseops.sandbox.services.cloudwatch.store import Alarm, AlarmType, Store, store_of
from baseops.sandbox.services.cloudwatch.transitions import change
from baseops.sandbox.services.cloudwatch.watch import watch_of
from baseops.semantics import alarms as semantics

# Any: moto's backend is untyped, members have AWS's shapes.

_PAGE = 50
_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


def put_metric_alarm(backend: Any, **_: Any) -> Members:
    """Make or overwrite a metric alarm."""
    given = _checked("PutMetricAlarm")
    _refuse_limits(given)
    watch_of(given)
    _put(backend, "MetricAlarm", given)
    return {}


def put_composite_alarm(backend: Any, **_: Any) -> Members:
    """Make or overwrite a composite alarm; the alarms that it watches must exist."""
    given = _checked("PutCompositeAlarm")
    try:
        rule = semantics.parse_rule(str(given["AlarmRule"]))
    except semantics.RuleError as error:
        raise _invalid(f"AlarmRule is not valid: {error}") from error
    known = {*store_of(backend).alarms, *(alarm.arn for alarm in store_of(backend).alarms.values())}
    missing = sorted(name for name in rule.names if name not in known)
    if missing:
        raise _invalid(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm rule do not exist"
        )
    _put(backend, "CompositeAlarm", given)
    return {}


def put_log_alarm(backend: Any, **_: Any) -> Members:
    """Make or overwrite an alarm on a scheduled query, whose roles must exist and log groups too."""
    given = _checked("PutLogAlarm")
    query = given["ScheduledQueryConfiguration"]
    if given["QueryResultsToAlarm"] > given["QueryResultsToEvaluate"]:
        raise _invalid("QueryResultsToAlarm must be less than or equal to QueryResultsToEvaluate")
    if given.get("ActionLogLineCount") and not given.get("ActionLogLineRoleArn"):
        raise _invalid("ActionLogLineRoleArn is required when ActionLogLineCount is greater than 0")
    for role in (query["ScheduledQueryRoleARN"], given.get("ActionLogLineRoleArn")):
        _refuse_unknown_role(role)
    log_alarms.check(given)
    _put(backend, "LogAlarm", given)
    log_alarms.start(backend, store_of(backend).alarms[str(given["AlarmName"])])
    return {}


def describe_alarms(backend: Any, **_: Any) -> Members:
    """The alarms of the wanted types, metric alarms where none is named; in pages."""
    wanted = calling().parameters
    if wanted.get("AlarmNames") and wanted.get("AlarmNamePrefix"):
        raise _invalid("AlarmNames and AlarmNamePrefix are mutually exclusive")
    store = store_of(backend)
    found = [alarm for _, alarm in sorted(store.alarms.items()) if _is_wanted(store, alarm, wanted)]
    return _page(found, int(wanted.get("NextToken") or 0), int(wanted.get("MaxRecords") or _PAGE))


def _is_wanted(store: Store, alarm: Alarm, wanted: Mapping[str, Any]) -> bool:
    parent, child = wanted.get("ChildrenOfAlarmName"), wanted.get("ParentsOfAlarmName")
    return (
        alarm.type in (wanted.get("AlarmTypes") or ("MetricAlarm",))
        and alarm.name in (wanted.get("AlarmNames") or (alarm.name,))
        and alarm.name.startswith(wanted.get("AlarmNamePrefix") or "")
        and wanted.get("StateValue") in (None, alarm.state)
        and _has_action(alarm, wanted.get("ActionPrefix"))
        and (parent is None or alarm.name in _children(store, parent))
        and (child is None or child in _children(store, alarm.name))
    )


def delete_alarms(backend: Any, alarm_names: list[str]) -> Members:
    """Delete alarms; none of them when one is unknown."""
    alarms = store_of(backend).alarms
    missing = sorted(set(alarm_names) - set(alarms))
    if missing:
        raise ServiceError(f"Unknown alarms: {', '.join(missing)}", code="ResourceNotFound", status=404)
    for name in alarm_names:
        alarms.pop(name, None)
        evaluator_of(backend).forget(name)
    return {}


def set_alarm_state(
    backend: Any, alarm_name: str, state_value: str, state_reason: str, state_reason_data: str | None = None
) -> Members:
    """Give an alarm a state until it is evaluated again."""
    alarm = store_of(backend).alarms.get(alarm_name)
    if alarm is None:
        raise ServiceError("Unknown", code="ResourceNotFound", status=404)
    if state_value not in _STATES:
        raise _invalid(f"Value '{state_value}' at 'stateValue' failed to satisfy constraint: {_STATES}")
    try:
        json.loads(state_reason_data or "{}")
    except ValueError as error:
        raise ServiceError("Invalid JSON", code="InvalidFormat", status=400) from error
    change(backend, alarm, state_value, state_reason, state_reason_data)
    evaluator_of(backend).wake(alarm_name)
    log_alarms.wake(backend, alarm_name)
    return {}


def enable_alarm_actions(backend: Any, alarm_names: list[str]) -> Members:
    """Let alarms act again."""
    return _set_actions(backend, alarm_names, enabled=True)


def disable_alarm_actions(backend: Any, alarm_names: list[str]) -> Members:
    """Keep alarms from acting."""
    return _set_actions(backend, alarm_names, enabled=False)


def _set_actions(backend: Any, names: Iterable[str], *, enabled: bool) -> Members:
    kept = store_of(backend).alarms
    for alarm in [kept[name] for name in names if name in kept]:
        alarm.settings = {**alarm.settings, "ActionsEnabled": enabled}
    return {}


def _put(backend: Any, kind: AlarmType, given: Mapping[str, Any]) -> None:
    alarms, now = store_of(backend).alarms, opened().clock.now()
    former = alarms.get(str(given["AlarmName"]))
    if former is not None:
        if former.type != kind:
            raise _invalid(f"An alarm of another type with the name {former.name} exists already")
        former.settings, former.updated = given, now
        evaluator_of(backend).put(former, is_new=False)
        note(backend, former, "ConfigurationUpdate", f'Alarm "{former.name}" updated', {"type": "Update"})
        return
    call = calling()
    arn = f"arn:aws:cloudwatch:{call.region}:{call.account_id}:alarm:{given['AlarmName']}"
    tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
    made = Alarm(kind, arn, given, now, now, tags=tags)
    alarms[made.name] = made
    evaluator_of(backend).put(made, is_new=True)
    note(backend, made, "ConfigurationUpdate", f'Alarm "{made.name}" created', {"type": "Create"})


def _checked(operation: str) -> dict[str, Any]:
    given = dict(calling().parameters)
    model = opened().client("cloudwatch").meta.service_model.operation_model(operation)
    said = refusal(model.input_shape, given)
    if said:
        raise _invalid(said)
    return given


def _refuse_limits(given: Mapping[str, Any]) -> None:
    periods = int(given["EvaluationPeriods"])
    wanted = int(given.get("DatapointsToAlarm") or periods)
    if "Period" not in given:
        return
    for problem in semantics.limit_problems(
        period=int(given["Period"]), evaluation_periods=periods, datapoints_to_alarm=wanted
    ):
        raise _invalid(problem.partition("; write ")[0])


def _refuse_unknown_role(arn: str | None) -> None:
    iam = opened().client("iam")
    name = (arn or "").rpartition("/")[2]
    if not name:
        return
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException as error:
        raise _invalid(f"The role {arn} does not exist or cannot be assumed") from error


def _children(store: Store, name: str) -> frozenset[str]:
    alarm = store.alarms.get(name)
    if alarm is None or alarm.type != "CompositeAlarm":
        return frozenset()
    return frozenset(semantics.parse_rule(str(alarm.settings["AlarmRule"])).names)


def _has_action(alarm: Alarm, prefix: str | None) -> bool:
    if prefix is None:
        return True
    shown = alarm.described()
    return any(
        action.startswith(prefix)
        for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for action in shown[key]
    )


def _page(found: list[Alarm], start: int, count: int) -> Members:
    page = found[start : start + count]
    answer: dict[str, Any] = {
        f"{kind}s": [alarm.described() for alarm in page if alarm.type == kind] for kind in get_args(AlarmType)
    }
    if start + count < len(found):
        answer["NextToken"] = str(start + count)
    return answer


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="ValidationError", status=400)


_OPERATIONS: Mapping[str, Operation] = {
    "DeleteAlarms": delete_alarms,
    "DescribeAlarms": describe_alarms,
    "DisableAlarmActions": disable_alarm_actions,
    "EnableAlarmActions": enable_alarm_actions,
    "PutCompositeAlarm": put_composite_alarm,
    "PutLogAlarm": put_log_alarm,
    "PutMetricAlarm": put_metric_alarm,
    "SetAlarmState": set_alarm_state,
}
for _name, _operation in _OPERATIONS.items():
    extend("cloudwatch", _name, _operation)
