"""What DLM refuses of a policy beyond its model: rules between fields, as its API reference states them.

https://docs.aws.amazon.com/dlm/latest/APIReference/API_PolicyDetails.html. The wording is AWS's where it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from baseops.sandbox.service import ServiceError
from baseops.semantics.schedules import DLM_HOURS, ScheduleError, gaps, parse_cron

Details = Mapping[str, Any]
_UNITS = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30, "YEARS": 365}
_LEAST_ARCHIVED = timedelta(days=90)


def invalid(message: str, **members: object) -> ServiceError:
    """DLM's refusal of a request."""
    return ServiceError(message, code="InvalidRequestException", status=400, **members)


def check_details(details: Details, region: str) -> None:
    """Raise DLM's refusal of what it would not take."""
    kind = details.get("PolicyType", "EBS_SNAPSHOT_MANAGEMENT")
    if kind == "EVENT_BASED_POLICY":
        _require(details, ("EventSource", "Actions"))
        return
    _require(details, ("ResourceTypes", "TargetTags", "Schedules"))
    for problem in _problems(details, kind, region):
        raise invalid(problem)


def _require(details: Details, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not details.get(name)]
    if missing:
        raise invalid(f"The following parameter(s) are required: {', '.join(missing)}", RequiredParameters=missing)


def _problems(details: Details, kind: str, region: str) -> Iterator[str]:
    schedules = details["Schedules"]
    resource = details["ResourceTypes"][0]
    for tag in details["TargetTags"]:
        if set(tag["Key"]) & {"\\", "="}:
            yield f"Tag key '{tag['Key']}' contains an invalid character."
    names = [each.get("Name") for each in schedules]
    if len(set(names)) < len(names):
        yield "Schedule names must be unique within a policy."
    if len({"Count" in (each.get("RetainRule") or {}) for each in schedules}) > 1:
        yield "All schedules must have the same retention type."
    yield from _parameters(details.get("Parameters") or {}, resource)
    for each in schedules:
        yield from _schedule(each, resource, kind, region)


def _parameters(parameters: Details, resource: str) -> Iterator[str]:
    if resource != "INSTANCE":
        for name in ("ExcludeBootVolume", "ExcludeDataVolumeTags"):
            if parameters.get(name):
                yield f"{name} is supported only for policies that target instances."


def _schedule(schedule: Details, resource: str, kind: str, region: str) -> Iterator[str]:
    for name in ("Name", "CreateRule", "RetainRule"):
        if not schedule.get(name):
            yield f"Schedule is missing the required parameter {name}."
            return
    yield from _create_rule(schedule["CreateRule"], resource)
    yield from _retain_rule(schedule)
    if schedule.get("VariableTags") and resource != "INSTANCE":
        yield "Variable tags are supported only for policies that target instances."
    for copy in schedule.get("CrossRegionCopyRules") or ():
        yield from _copy_rule(copy, kind, region)
    if schedule.get("ArchiveRule"):
        yield from _archive_rule(schedule, resource)


def _create_rule(rule: Details, resource: str) -> Iterator[str]:
    if ("CronExpression" in rule) == ("Interval" in rule):
        yield "You must specify either CronExpression, or Interval, IntervalUnit, and Times."
    elif "Interval" in rule and rule["Interval"] not in DLM_HOURS:
        yield f"Interval must be one of {', '.join(map(str, DLM_HOURS))}."
    elif "CronExpression" in rule:
        yield from _cron(rule["CronExpression"])
    if rule.get("Scripts") and resource != "INSTANCE":
        yield "Scripts are supported only for policies that target instances."


def _cron(expression: str) -> Iterator[str]:
    try:
        shortest, longest = gaps(parse_cron(expression))
    except ScheduleError as error:
        yield f"Invalid cron expression: {error.why}."
    except ValueError:
        yield "The schedule interval must be between 1 hour and 1 year."
    else:
        if shortest < timedelta(hours=1) or longest > timedelta(days=366):
            yield "The schedule interval must be between 1 hour and 1 year."


def _retain_rule(schedule: Details) -> Iterator[str]:
    rule = schedule["RetainRule"]
    if ("Count" in rule) == ("Interval" in rule):
        yield "You must specify either Count, or Interval and IntervalUnit, in RetainRule."
    if rule.get("Count", 1) > 0:
        return
    if not schedule.get("ArchiveRule"):
        yield "RetainRule Count must be at least 1 for schedules without an archive rule."
    for name in ("FastRestoreRule", "ShareRules", "CrossRegionCopyRules"):
        if schedule.get(name):
            yield f"RetainRule Count must be at least 1 for schedules with {name}."


def _copy_rule(rule: Details, kind: str, region: str) -> Iterator[str]:
    name = "TargetRegion" if kind == "IMAGE_MANAGEMENT" else "Target"
    target = rule.get(name) or rule.get("TargetRegion")
    if target is None:
        yield f"CrossRegionCopyRule is missing the required parameter {name}."
    elif target == region:
        yield f"The target Region {target} must not be the Region of the policy."


def _archive_rule(schedule: Details, resource: str) -> Iterator[str]:
    if resource != "VOLUME":
        yield "Snapshot archiving is supported only for policies that target volumes."
    longest = _longest_gap(schedule["CreateRule"])
    if longest < timedelta(days=28):
        yield "Snapshot archiving is supported only for schedules with a creation frequency of 28 days or more."
    kept = schedule["ArchiveRule"]["RetainRule"]["RetentionArchiveTier"]
    if ("Count" in kept) != ("Count" in schedule["RetainRule"]):
        yield "The archive retention type must be the same as that of the schedule."
    elif _archived_for(kept, longest) < _LEAST_ARCHIVED:
        yield "Snapshots must be retained in the archive tier for at least 90 days."


def _longest_gap(rule: Details) -> timedelta:
    if "Interval" in rule:
        return timedelta(hours=rule["Interval"])
    return gaps(parse_cron(rule["CronExpression"]))[1]


def _archived_for(kept: Details, longest: timedelta) -> timedelta:
    if "Count" in kept:
        return timedelta(seconds=kept["Count"] * longest.total_seconds())
    return age_of(kept)


def age_of(rule: Details) -> timedelta:
    """An Interval with its IntervalUnit as a length of time; months have thirty days."""
    return timedelta(days=rule["Interval"] * _UNITS[rule["IntervalUnit"]])
