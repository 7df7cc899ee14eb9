"""What can be said against declared logs besides their shape: cross-references, AWS limits, traps.

It looks at the declaration alone, never at an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.logs import names
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.semantics import alarms, filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Metric, Remedy, Section

Path = tuple[str | int, ...]

MAX_FILTERS = 100
MAX_SUBSCRIPTIONS = 2
_DAY = 86_400


def check(section: Section, site: Site) -> list[Finding]:
    """All findings, in no particular order: the command line sorts them by place."""
    found = list(_same_groups(section))
    for name, entry in section.entries.items():
        if entry.managed:
            found += _of_entry(("logs", name), entry, section, site)
    return found


def _of_entry(path: Path, entry: Entry, section: Section, site: Site) -> Iterator[Finding]:
    yield from _of_class(path, entry)
    yield from _of_counts(path, entry)
    for name, metric in entry.metrics.items():
        yield from _of_metric((*path, "metrics", name), metric)
    for name, alarm in entry.alarms.items():
        yield from _of_alarm((*path, "alarms", name), name, alarm, entry, section, site)
    for name, remedy in entry.remedies.items():
        yield from _of_remedy((*path, "remedies", name), name, remedy, entry)
    if entry.heartbeat:
        seconds = int(entry.heartbeat.silent_for.total_seconds())
        if not 60 <= seconds <= _DAY:
            yield _error(
                "heartbeat-range",
                (*path, "heartbeat", "silent_for"),
                "an alarm looks back over one minute to one day",
                "Write a duration from 1m to 1d",
            )


def _same_groups(section: Section) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, entry in section.entries.items():
        former = first.setdefault(entry.group.name, name)
        if former != name:
            yield _error(
                "duplicate-group",
                ("logs", name, "group", "name"),
                f"the log group {entry.group.name} is declared by {former} already",
                f"Move what is here to logs.{former}, or name another group",
            )


def _of_class(path: Path, entry: Entry) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
    if entry.group.log_class != "INFREQUENT_ACCESS":
        return
    for key in ("metrics", "ship"):
        if getattr(entry, key):
            yield _error(
                "infrequent-access",
                (*path, key),
                f"a log group of class INFREQUENT_ACCESS takes no {'metric' if key == 'metrics' else 'subscription'} "
                "filters, and a group's class cannot be changed later",
                f"Write class: STANDARD, or leave {key} out",
            )
    if entry.heartbeat:
        yield _error(
            "infrequent-access",
            (*path, "heartbeat"),
            "a log group of class INFREQUENT_ACCESS publishes no count of its events that an alarm could watch",
            "Write class: STANDARD, or leave heartbeat out",
        )


def _of_counts(path: Path, entry: Entry) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    if len(entry.metrics) > MAX_FILTERS:
        yield _error(
            "too-many-filters",
            (*path, "metrics"),
            f"a log group takes {MAX_FILTERS} metric filters, not {len(entry.metrics)}",
            "Count several things with one filter and dimensions",
        )
    if len(entry.ship) > MAX_SUBSCRIPTIONS:
        yield _error(
            "too-many-subscriptions",
            (*path, "ship"),
            f"a log group takes {MAX_SUBSCRIPTIONS} subscription filters, not {len(entry.ship)}",
            "Ship to one place and from there on",
        )


def _of_metric(path: Path, metric: Metric) -> Iterator[Finding]:
    pattern = filters.compile(metric.pattern)
    for warning in pattern.warnings:
        yield Finding(Severity.WARNING, "logs.pattern", (*path, "pattern"), str(warning))
    if metric.dimensions and metric.default is not None:
        yield _error(
            "default-with-dimensions",
            (*path, "default"),
            "a metric filter with dimensions can have no default value",
            "Leave default or dimensions out",
        )
    if metric.dimensions and pattern.kind not in ("json", "space"):
        yield _error(
            "dimensions-need-fields",
            (*path, "dimensions"),
            "only JSON and space-delimited patterns have fields for dimensions",
            "Write a pattern such as { $.status = * } or [ip, user, status]",
        )
    for key, value in (("value", metric.value), *((("dimensions", one)) for one in metric.dimensions.values())):
        if value.startswith("$") and pattern.fields and value not in pattern.fields:
            yield _error(
                "unknown-field",
                (*path, key),
                f"{value} is no field of the pattern",
                f"Write one of {', '.join(sorted(pattern.fields))}",
            )


def _of_alarm(path: Path, name: str, alarm: Alarm, entry: Entry, section: Section, site: Site) -> Iterator[Finding]:
    if alarm.remedy is not None and alarm.remedy not in entry.remedies:
        known = ", ".join(entry.remedies) or "none is declared"
        yield _error(
            "unknown-remedy",
            (*path, "remedy"),
            f"there is no remedy {alarm.remedy} here ({known})",
            "Declare it under remedies",
        )
    if alarm.rule is not None:
        yield from _of_rule(path, name, alarm.rule, section, site)
        return
    if alarm.threshold is None:
        yield _error("no-threshold", path, "the alarm has no threshold", "Write threshold: 1")
    if isinstance(alarm.metric, str) and alarm.metric not in entry.metrics:
        known = ", ".join(entry.metrics) or "none is declared"
        yield _error(
            "unknown-metric",
            (*path, "metric"),
            f"there is no metric {alarm.metric} here ({known})",
            "Declare it under metrics",
        )
    if alarm.datapoints_to_alarm is not None and alarm.datapoints_to_alarm > alarm.evaluation_periods:
        yield _error(
            "datapoints",
            (*path, "datapoints_to_alarm"),
            f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods} periods can never breach",
            f"Write at most {alarm.evaluation_periods}, or more evaluation_periods",
        )
    if alarm.query is None:
        yield from _of_range(path, alarm)
    if isinstance(alarm.metric, str) and alarm.metric in entry.metrics:
        yield from _of_dimensioned(path, alarm.metric, entry)


def _of_range(path: Path, alarm: Alarm) -> Iterator[Finding]:
    most = alarm.evaluation_periods
    found = alarms.limit_problems(
        period=alarm.period, evaluation_periods=most, datapoints_to_alarm=min(alarm.datapoints_to_alarm or most, most)
    )
    for problem in found:
        message, _, remedy = problem.partition("; write ")
        yield _error("range", (*path, "evaluation_periods"), message, f"Write {remedy}")


def _of_dimensioned(path: Path, metric: str, entry: Entry) -> Iterator[Finding]:
    if entry.metrics[metric].dimensions:
        yield _error(
            "dimensioned-metric",
            (*path, "metric"),
            f"{metric} has dimensions, so there is no single metric to watch: the alarm would never have data",
            "Watch a metric without dimensions, or name one with namespace, name and dimensions",
        )


def _of_rule(path: Path, name: str, text: str, section: Section, site: Site) -> Iterator[Finding]:
    path = (*path, "rule")
    try:
        rule = alarms.parse_rule(text)
    except alarms.RuleError as error:
        yield _error("rule", path, str(error), "Write a rule such as ALARM(one) AND NOT ALARM(other)")
        return
    for warning in rule.warnings:
        yield Finding(Severity.WARNING, "logs.rule", path, warning)
    known = names.alarm_names(section, site)
    for mentioned in rule.names:
        if mentioned == name:
            yield _error("rule-circle", path, "the alarm would watch itself", "Name other alarms")
        elif mentioned not in known and names.is_ours(mentioned, site):
            yield _error("unknown-alarm", path, f"no alarm {mentioned} is declared", "Name a declared alarm")
        elif len(known.get(mentioned, ())) > 1:
            full = ", ".join(sorted(known[mentioned]))
            yield _error("ambiguous-alarm", path, f"{mentioned} may be one of {full}", "Write the whole name in quotes")


def _of_remedy(path: Path, name: str, remedy: Remedy, entry: Entry) -> Iterator[Finding]:
    if not remedy.targets:
        yield _error(
            "remedy-without-targets",
            path,
            "a metric has no instance, so the remedy would not know where to run",
            "Write targets: {Role: web}",
        )
    if not any(alarm.remedy == name for alarm in entry.alarms.values()):
        yield Finding(
            Severity.WARNING,
            "logs.unused-remedy",
            path,
            f"no alarm starts the remedy {name}",
            f"Write remedy: {name} at an alarm",
        )


def _error(rule: str, path: Path, message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, f"logs.{rule}", path, message, remedy)
