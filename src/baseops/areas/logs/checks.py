"""What can be said against declared logs besides their shape: cross-references, AWS limits, traps.

It looks at the declaration alone, never at an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.logs import agent_checks, names, remedy_checks, shipping, shipping_checks
from baseops.areas.logs.findings import Path, error, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.semantics import alarms, filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Metric, SavedQuery, Section

MAX_FILTERS = 100
_HOUR, _DAY, _WEEK = 3600, 86_400, 7 * 86_400


def check(section: Section, site: Site) -> list[Finding]:
    """All findings, in no particular order: the command line sorts them by place."""
    found = list(_same_groups(section))
    for name, entry in section.entries.items():
        if entry.managed:
            found += _of_entry(("logs", name), entry, section, site)
    found += _circles(section, site)
    found += agent_checks.check(section)
    found += shipping_checks.check(section, site)
    return found


def _of_entry(path: Path, entry: Entry, section: Section, site: Site) -> Iterator[Finding]:
    yield from _of_class(path, entry)
    yield from _of_names(path, entry)
    yield from _of_counts(path, entry)
    for name, metric in entry.metrics.items():
        yield from _of_metric((*path, "metrics", name), metric)
    for name, alarm in entry.alarms.items():
        yield from _of_alarm((*path, "alarms", name), alarm, entry, section, site)
    for name, query in entry.queries.items():
        yield from _of_saved_query((*path, "queries", name), query)
    yield from remedy_checks.check(path, entry)
    if entry.heartbeat:
        yield from _of_heartbeat((*path, "heartbeat", "silent_for"), int(entry.heartbeat.silent_for.total_seconds()))


def _same_groups(section: Section) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, entry in section.entries.items():
        former = first.setdefault(entry.group.name, name)
        if former != name:
            yield error(
                "duplicate-group",
                ("logs", name, "group", "name"),
                f"the log group {entry.group.name} is declared by {former} already",
                f"Move what is here to logs.{former}, or name another group",
            )


def _of_heartbeat(path: Path, seconds: int) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    if seconds > _WEEK:
        yield error("heartbeat-range", path, "an alarm looks back over a week at most", "Write silent_for: 7d or less")
    elif seconds > _DAY and seconds % _HOUR:
        yield error(
            "heartbeat-range",
            path,
            "an alarm that looks back over more than a day counts in whole hours",
            "Write whole hours such as 26h",
        )


def _of_class(path: Path, entry: Entry) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
    if entry.group.log_class != "INFREQUENT_ACCESS":
        return
    for key in ("metrics", "ship"):
        if getattr(entry, key):
            yield error(
                "infrequent-access",
                (*path, key),
                f"a log group of class INFREQUENT_ACCESS takes no {'metric' if key == 'metrics' else 'subscription'} "
                "filters, and a group's class cannot be changed later",
                f"Write class: STANDARD, or leave {key} out",
            )
    if entry.heartbeat:
        yield error(
            "infrequent-access",
            (*path, "heartbeat"),
            "a log group of class INFREQUENT_ACCESS publishes no count of its events that an alarm could watch",
            "Write class: STANDARD, or leave heartbeat out",
        )


def _of_counts(path: Path, entry: Entry) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    if len(entry.metrics) > MAX_FILTERS:
        yield error(
            "too-many-filters",
            (*path, "metrics"),
            f"a log group takes {MAX_FILTERS} metric filters, not {len(entry.metrics)}",
            "Count several things with one filter and dimensions",
        )


def _of_metric(path: Path, metric: Metric) -> Iterator[Finding]:
    pattern = filters.compile(metric.pattern)
    for each in pattern.warnings:
        yield warning("pattern", (*path, "pattern"), str(each), "Write a pattern that says it plainly")
    if metric.dimensions and metric.default is not None:
        yield error(
            "default-with-dimensions",
            (*path, "default"),
            "a metric filter with dimensions can have no default value",
            "Leave default or dimensions out",
        )
    if metric.dimensions and pattern.kind not in ("json", "space"):
        yield error(
            "dimensions-need-fields",
            (*path, "dimensions"),
            "only JSON and space-delimited patterns have fields for dimensions",
            "Write a pattern such as { $.status = * } or [ip, user, status]",
        )
    for key, value in (("value", metric.value), *((("dimensions", one)) for one in metric.dimensions.values())):
        if value.startswith("$") and pattern.fields and value not in pattern.fields:
            yield error(
                "unknown-field",
                (*path, key),
                f"{value} is no field of the pattern",
                f"Write one of {', '.join(sorted(pattern.fields))}",
            )


def _of_alarm(path: Path, alarm: Alarm, entry: Entry, section: Section, site: Site) -> Iterator[Finding]:
    if alarm.remedy is not None and alarm.remedy not in entry.remedies:
        known = ", ".join(entry.remedies) or "none is declared"
        yield error(
            "unknown-remedy",
            (*path, "remedy"),
            f"there is no remedy {alarm.remedy} here ({known})",
            "Declare it under remedies",
        )
    yield from _of_suppressor(path, alarm, section, site)
    yield from _of_query(path, alarm)
    if alarm.rule is not None:
        yield from _of_rule(path, alarm.rule, section, site)
        return
    if alarm.threshold is None:
        yield error("no-threshold", path, "the alarm has no threshold", "Write threshold: 1")
    if isinstance(alarm.metric, str) and alarm.metric not in entry.metrics:
        known = ", ".join(entry.metrics) or "none is declared"
        yield error(
            "unknown-metric",
            (*path, "metric"),
            f"there is no metric {alarm.metric} here ({known})",
            "Declare it under metrics",
        )
    if alarm.datapoints_to_alarm is not None and alarm.datapoints_to_alarm > alarm.evaluation_periods:
        yield error(
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
        yield error("range", (*path, "evaluation_periods"), message, f"Write {remedy}")


def _of_dimensioned(path: Path, metric: str, entry: Entry) -> Iterator[Finding]:
    if entry.metrics[metric].dimensions:
        yield error(
            "dimensioned-metric",
            (*path, "metric"),
            f"{metric} has dimensions, so there is no single metric to watch: the alarm would never have data",
            "Watch a metric without dimensions, or name one with namespace, name and dimensions",
        )


def _of_rule(path: Path, text: str, section: Section, site: Site) -> Iterator[Finding]:
    path = (*path, "rule")
    try:
        rule = alarms.parse_rule(text)
    except alarms.RuleError as problem:
        yield error("rule", path, str(problem), "Write a rule such as ALARM(one) AND NOT ALARM(other)")
        return
    for each in rule.warnings:
        yield warning("rule", path, each, "Write a rule that can ring and stop")
    known = names.alarm_names(section, site)
    for mentioned in rule.names:
        if mentioned not in known and names.is_ours(mentioned, site):
            yield error("unknown-alarm", path, f"no alarm {mentioned} is declared", "Name a declared alarm")
        elif len(known.get(mentioned, ())) > 1:
            full = ", ".join(sorted(known[mentioned]))
            yield error("ambiguous-alarm", path, f"{mentioned} may be one of {full}", "Write the whole name in quotes")


def _circles(section: Section, site: Site) -> Iterator[Finding]:
    """Composite alarms that watch each other: CloudWatch would never evaluate them, nor delete them."""
    known = names.alarm_names(section, site)
    watched: dict[str, set[str]] = {}
    places: dict[str, Path] = {}
    for entry_name, entry in section.entries.items():
        for alarm_name, alarm in entry.alarms.items():
            full = names.alarm_name(site, entry_name, alarm_name)
            places[full] = ("logs", entry_name, "alarms", alarm_name, "rule")
            watched[full] = {each for name in _watched(alarm) for each in known.get(name, ())}
    for full, path in places.items():
        if full in _reached(full, watched):
            yield error("rule-circle", path, "the alarm would watch itself", "Name other alarms")


def _watched(alarm: Alarm) -> tuple[str, ...]:
    try:
        return alarms.parse_rule(alarm.rule).names if alarm.rule else ()
    except alarms.RuleError:
        return ()


def _reached(start: str, watched: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = set(watched.get(start, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting |= watched.get(one, set())
    return found


def _of_names(path: Path, entry: Entry) -> Iterator[Finding]:
    """Alarms that would have the name of one that is made for the entry anyway."""
    taken = {names.HEARTBEAT} if entry.heartbeat else set()
    taken |= {"remedies-dead-letters"} if entry.remedies else set()
    for shipment in shipping.shipments(entry):
        taken |= {f"{shipment.name}-{word}" for word in ("dead-letters", "errors", "late", "throttled")}
    for name in sorted(taken & set(entry.alarms)):
        yield error(
            "reserved-alarm",
            (*path, "alarms", name),
            f"{name} is the name of an alarm that is made anyway",
            "Rename it",
        )


def _of_saved_query(path: Path, query: SavedQuery) -> Iterator[Finding]:
    if query.language == "SQL" and query.groups:
        yield error("sql-groups", (*path, "groups"), "a query in SQL names its log groups itself", "Leave groups out")


def _of_suppressor(path: Path, alarm: Alarm, section: Section, site: Site) -> Iterator[Finding]:
    if alarm.actions_suppressor is None:
        return
    path = (*path, "actions_suppressor")
    if alarm.rule is None:
        yield error("suppressor", path, "only a composite alarm has a suppressor", "Write a rule, or leave it out")
    elif not names.alarm_names(section, site).get(alarm.actions_suppressor) and names.is_ours(
        alarm.actions_suppressor, site
    ):
        yield error("unknown-alarm", path, f"no alarm {alarm.actions_suppressor} is declared", "Name a declared alarm")


def _of_query(path: Path, alarm: Alarm) -> Iterator[Finding]:
    if alarm.query is None:
        if alarm.log_lines:
            yield error("log-lines", (*path, "log_lines"), "only an alarm on a query has lines to show", "Leave it out")
        return
    if alarm.period < 60:
        yield error("query-period", (*path, "period"), "a query runs once a minute at most", "Write period: 60")
    if "stats" in {word.strip().split(" ")[0] for word in alarm.query.query.split("|")}:
        yield warning(
            "query-aggregates",
            (*path, "query", "query"),
            "the query aggregates by itself, and aggregate then counts its rows",
            "Write what stats computes as aggregate, and leave stats out",
        )
