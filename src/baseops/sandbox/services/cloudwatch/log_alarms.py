"""Log alarms: a query on a schedule over stored events, its aggregate against the threshold, M of the last N.

Each run goes by the query's role. Runs whose result could only be the former one again are skipped: when neither
the window nor the runs that still count hold anything, the schedule waits for new events.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-log.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, cast

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import ServiceError, opened
from baseops.sandbox.service_access import AccessError, Sender, refuse_role
from baseops.sandbox.services.cloudwatch.evaluation import evaluator_of
from baseops.sandbox.services.cloudwatch.store import Alarm, store_of
from baseops.sandbox.services.cloudwatch.transitions import change
from baseops.sandbox.services.logs.ingestion import intake_of
from baseops.semantics import alarms
from baseops.semantics.insights import InsightsError, Query, as_number, parse_aggregation, parse_query, record_of
from baseops.semantics.schedules import ScheduleError
from baseops.semantics.schedules import parse as parse_schedule

# Any: moto's backends are untyped, settings are members of AWS's shapes.

_AHEAD = timedelta(hours=2) / timedelta(milliseconds=1)
"""How far an event's own time may lie ahead of when it comes: API_PutLogEvents."""


@dataclass
class Plan:
    """What of a log alarm has been read, and the results of its last runs, oldest first."""

    alarm: Alarm
    query: Query
    aggregation: Query
    groups: tuple[str, ...]
    results: list[float | None] = field(default_factory=list)
    is_waiting: bool = False

    @property
    def offset(self) -> timedelta:
        """How far back a run looks."""
        schedule = self.alarm.settings["ScheduledQueryConfiguration"]["ScheduleConfiguration"]
        return timedelta(seconds=int(schedule.get("StartTimeOffset") or 300))


def check(settings: Mapping[str, Any]) -> None:
    """Refuse a log alarm whose query the sandbox could not run."""
    _read(settings)
    schedule = settings["ScheduledQueryConfiguration"]["ScheduleConfiguration"]
    try:
        parse_schedule(schedule["ScheduleExpression"])
    except ScheduleError as error:
        raise _invalid(f"ScheduleExpression is not valid: {error}") from error


def start(backend: Any, alarm: Alarm) -> None:
    """Begin, or begin anew after a change."""
    query, aggregation = _read(alarm.settings)
    configuration = alarm.settings["ScheduledQueryConfiguration"]
    groups = tuple(_group_name(each) for each in configuration["LogGroupIdentifiers"])
    plan = Plan(alarm, query, aggregation, groups)
    _plans_of(backend)[alarm.name] = plan
    logs = moto_backend("logs", backend.account_id, backend.region_name)
    if not getattr(backend, "sandbox_hears_logs", False):
        backend.sandbox_hears_logs = True
        intake_of(logs).listeners.append(lambda group: _wake(backend, group))
    _schedule(backend, plan, opened().clock.now())


def _read(settings: Mapping[str, Any]) -> tuple[Query, Query]:
    configuration = settings["ScheduledQueryConfiguration"]
    if configuration.get("QueryLanguage", "CWLI") != "CWLI":
        raise _invalid("The sandbox runs queries in the language CWLI alone")
    try:
        query = parse_query(configuration.get("QueryString") or "")
        return query, parse_aggregation(configuration["AggregationExpression"])
    except InsightsError as error:
        raise _invalid(f"The query cannot be run: {error}") from error


def _plans_of(backend: Any) -> dict[str, Plan]:
    if not hasattr(backend, "sandbox_log_alarms"):
        backend.sandbox_log_alarms = {}
    found: dict[str, Plan] = backend.sandbox_log_alarms
    return found


def _schedule(backend: Any, plan: Plan, since: datetime) -> None:
    text = plan.alarm.settings["ScheduledQueryConfiguration"]["ScheduleConfiguration"]["ScheduleExpression"]
    schedule: Any = parse_schedule(text)
    if text.strip().startswith("rate("):
        schedule = schedule.counted_from(plan.alarm.updated)
    following = schedule.next_after(since)
    if following is None:
        return
    plan.is_waiting = False
    opened().clock.ticker.at(following, lambda: _run(backend, plan), f"query of alarm {plan.alarm.name}")


def wake(backend: Any, name: str) -> None:
    """Run the alarm's query at its next time, though no event came."""
    plan = _plans_of(backend).get(name)
    if plan and plan.is_waiting:
        _schedule(backend, plan, opened().clock.now())


def _wake(backend: Any, group: str) -> None:
    for plan in _plans_of(backend).values():
        if plan.is_waiting and group in plan.groups:
            _schedule(backend, plan, opened().clock.now())


def _run(backend: Any, plan: Plan) -> None:
    if _plans_of(backend).get(plan.alarm.name) is not plan or plan.alarm.name not in store_of(backend).alarms:
        return
    now = opened().clock.now()
    results = list(_results(backend, plan, now))
    _remember(plan, _worst(plan, results))
    _settle(backend, plan)
    # Nothing came and nothing is left: the same would follow until events arrive.
    if results or any(each is not None for each in plan.results) or _is_warming_up(backend, plan):
        _schedule(backend, plan, now)
    else:
        plan.is_waiting = True


def _results(backend: Any, plan: Plan, now: datetime) -> Iterator[float]:
    if not _may_query(backend, plan):
        return
    logs = moto_backend("logs", backend.account_id, backend.region_name)
    records = [record for name in plan.groups for record in _records(logs, name, now - plan.offset, now)]
    column = _column(plan)
    for row in plan.aggregation.run(plan.query.run(records)):
        value = as_number(row.get(column))
        if value is not None:
            yield value


def _column(plan: Plan) -> str:
    probe = plan.aggregation.stages[0]([{"@message": "", "@timestamp": 0}])
    grouped = plan.aggregation.source.partition("|")[0].lower().partition(" by ")[2]
    keys = {each.strip() for each in grouped.split(",")}
    return next(name for name in probe[0] if name.lower() not in keys)


def _records(logs: Any, name: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    group = logs.groups.get(name)
    first, last = start.timestamp() * 1000, end.timestamp() * 1000
    for stream in group.streams.values() if group else ():
        found = [each for each in _came_since(stream.events, first - _AHEAD) if first <= each.timestamp < last]
        for event in reversed(found):
            yield record_of(event.message, timestamp=event.timestamp, logStream=stream.log_stream_name)


def _came_since(events: list[Any], moment: float) -> Iterator[Any]:
    """The newest first, and none that came before: a stream holds weeks of them."""
    return takewhile(lambda each: each.ingestion_time >= moment, reversed(events))


def _may_query(backend: Any, plan: Plan) -> bool:
    role = str(plan.alarm.settings["ScheduledQueryConfiguration"]["ScheduledQueryRoleARN"])
    try:
        refuse_role(Sender("logs", backend.account_id, plan.alarm.arn), role)
    except AccessError:
        return False
    return True


def _worst(plan: Plan, results: list[float]) -> float | None:
    """Of several values in one result the one that breaches, if one does."""
    if not results:
        return None
    settings = plan.alarm.settings
    comparison, threshold = settings["ComparisonOperator"], float(settings["Threshold"])
    return next((each for each in results if alarms.breaches(each, comparison, threshold)), results[0])


def _remember(plan: Plan, result: float | None) -> None:
    plan.results.append(result)
    del plan.results[: -int(plan.alarm.settings["QueryResultsToEvaluate"])]


def _settle(backend: Any, plan: Plan) -> None:
    alarm, settings = plan.alarm, plan.alarm.settings
    if _is_warming_up(backend, plan):
        return
    wanted, needed = int(settings["QueryResultsToEvaluate"]), int(settings["QueryResultsToAlarm"])
    known = [None] * (wanted - len(plan.results)) + plan.results
    comparison, threshold = settings["ComparisonOperator"], float(settings["Threshold"])
    state = alarms.evaluate(
        [alarms.breaches(each, comparison, threshold) for each in known],
        evaluation_periods=wanted,
        datapoints_to_alarm=needed,
        treat_missing=settings.get("TreatMissingData") or "missing",
        previous=cast("alarms.State", alarm.state),
    )
    if state != alarm.state:
        real = [each for each in plan.results if each is not None]
        reason = f"{len(real)} of the last {wanted} query results {real} were compared with {threshold}"
        change(backend, alarm, state, f"Threshold Crossed: {reason}")


def _is_warming_up(backend: Any, plan: Plan) -> bool:
    wanted = int(plan.alarm.settings["QueryResultsToEvaluate"])
    enough = sum(each is not None for each in plan.results) >= wanted
    warm_up = plan.alarm.settings.get("WarmUpConfiguration") or {}
    waits = bool(warm_up.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False))
    return evaluator_of(backend).is_warming_up(plan.alarm.name, has_enough=enough, waits=waits)


def _group_name(identifier: str) -> str:
    return identifier.partition(":log-group:")[2].removesuffix(":*") or identifier


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="ValidationError", status=400)
