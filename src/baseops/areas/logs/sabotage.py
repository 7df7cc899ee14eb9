"""The breaks of logs that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.logs import agent, breaks, names, remedy_path
from baseops.areas.logs.remedies import document_name
from baseops.areas.logs.shipping import Shipment, receiver, shipments
from baseops.contract.drill import Sabotage
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:
    """The breaks that the drills of this section must notice: one of each kind that the declaration has a place for."""
    found: dict[str, Sabotage] = {}
    for name, entry in section.managed.items():
        for each in (*_groups(entry, site), *_alarms(name, entry, site), *_remedies(name, entry, site)):
            found.setdefault(each.name, each)
    for target in agent.target_sets(section):
        for each in _agents(target, site):
            found.setdefault(each.name, each)
    if section.managed:
        found |= {each.name: each for each in _topic(section, site)}
    return list(found.values())


def _groups(entry: Entry, site: Site) -> Iterator[Sabotage]:
    group = entry.group.name
    yield Sabotage(
        "logs/retention-cut",
        "logs/live-groups",
        "somebody saves money: events are kept for a day",
        partial(breaks.cut_retention, site.region, group),
    )
    for metric_name in entry.metrics:
        yield Sabotage(
            "logs/filter-with-a-typo",
            "logs/live-filters",
            "the filter's pattern has a typo and matches nothing any more",
            partial(breaks.misspell_filter, site.region, group, metric_name),
        )
    for shipment in shipments(entry):
        yield Sabotage(
            "logs/subscription-gone",
            "logs/shipping",
            "somebody needed the place of a subscription filter: nothing is shipped",
            partial(breaks.drop_subscription, site.region, group, shipment.name),
        )
        if shipment.kind in ("s3", "http"):
            yield Sabotage(
                "logs/shipping-without-permission",
                "logs/shipping",
                "the subscription's role lost its policy, and events are lost without a word",
                partial(breaks.strip_subscription_role, site.region, group, shipment.name),
            )
        else:
            yield Sabotage(
                "logs/function-without-permission",
                "logs/shipping",
                "the role of the function that ships lost its policy: whatever it is given becomes a dead letter",
                partial(breaks.strip_function_role, site.region, group, shipment.name),
            )
        yield from _receiver(entry, shipment, site)


def _receiver(entry: Entry, shipment: Shipment, site: Site) -> Iterator[Sabotage]:
    where = "logs/shipping"
    if shipment.kind == "s3":
        story = "the bucket's policy lets nobody write any more: events wait in the stream, and are lost after a day"
        break_ = partial(breaks.close_bucket, site.region, entry.group.name, shipment.name)
        yield Sabotage("logs/bucket-closed", where, story, break_, passes=timedelta(hours=1))
    else:
        story = "the receiver takes nothing any more, and CloudWatch Logs hands on as ever"
        name = f"logs/{shipment.kind.replace('_', '-')}-gone"
        break_ = partial(breaks.silence_receiver, receiver(shipment.ship))
        yield Sabotage(name, where, story, break_, passes=timedelta(minutes=30))


def _alarms(name: str, entry: Entry, site: Site) -> Iterator[Sabotage]:
    if entry.heartbeat:
        heartbeat = names.alarm_name(site, name, names.HEARTBEAT)
        yield Sabotage(
            "logs/silence-is-fine",
            "logs/live-alarms",
            "missing data is no breach: on a dead group the alarm on silence is OK",
            partial(breaks.change_alarm, site.region, heartbeat, {"TreatMissingData": "notBreaching"}),
        )
        yield Sabotage(
            "logs/silence-stops-ringing",
            "logs/dead-man",
            "missing data is no breach: the alarm on silence stops when CloudWatch finds no values any more",
            partial(breaks.change_alarm, site.region, heartbeat, {"TreatMissingData": "notBreaching"}),
        )
    for alarm_name, alarm in entry.alarms.items():
        full = names.alarm_name(site, name, alarm_name)
        if alarm.rule is not None:
            yield Sabotage(
                "logs/composite-of-nothing",
                "logs/live-alarms",
                "a composite alarm's rule was replaced by one that never holds",
                partial(breaks.empty_composite, site.region, full),
            )
        elif alarm.query is not None:
            yield Sabotage(
                "logs/query-without-permission",
                "logs/live-alarms",
                "the role of an alarm's query lost its policy: no query runs",
                partial(breaks.strip_query_role, site.region, full),
            )
        elif isinstance(alarm.metric, str):
            yield from _on_lines(site.region, full)


def _on_lines(region: str, full: str) -> Iterator[Sabotage]:
    change = partial(breaks.change_alarm, region, full)
    yield Sabotage(
        "logs/alarm-action-removed",
        "logs/live-alarms",
        "an alarm tells nobody: its actions were removed",
        partial(change, {"AlarmActions": []}),
    )
    yield Sabotage(
        "logs/actions-disabled",
        "logs/live-alarms",
        "an alarm's actions were disabled for a maintenance and never enabled",
        partial(breaks.disable_actions, region, full),
    )
    yield Sabotage(
        "logs/mute-rule-left-on",
        "logs/live-alarms",
        "a mute rule of a maintenance was never removed",
        partial(breaks.mute, region, full),
    )
    yield Sabotage(
        "logs/metric-nobody-emits",
        "logs/alarm-metrics",
        "an alarm watches a metric that nobody emits",
        partial(change, {"MetricName": "NobodyEmitsThis"}),
    )
    yield Sabotage(
        "logs/threshold-raised",
        "logs/twin",
        "somebody was woken too often and raised the threshold a thousandfold",
        partial(breaks.raise_threshold, region, full),
    )
    yield Sabotage(
        "logs/live-alarm-tells-nobody",
        "logs/live-path",
        "an alarm rings and tells nobody: its actions were disabled",
        partial(breaks.disable_actions, region, full),
    )


def _remedies(name: str, entry: Entry, site: Site) -> Iterator[Sabotage]:
    for remedy in remedy_path.used(entry):
        document = document_name(site, name, remedy)
        for label, story, break_ in (
            ("remedy-without-permission", "the automation's role lost its policy", breaks.strip_run_role),
            ("rule-disabled", "the rule that starts the remedy was disabled", breaks.disable_rule),
            ("remedy-changed", "the document does something else than declared", breaks.change_document),
            ("rule-that-may-not-start", "the rule's role lost its policy", breaks.strip_start_role),
        ):
            yield Sabotage(f"logs/{label}", "logs/remedies", story, partial(break_, site.region, document))
        yield Sabotage(
            "logs/rule-forgotten",
            "logs/twin",
            "the alarm rings and nothing starts the remedy: its rule was disabled",
            partial(breaks.disable_rule, site.region, document),
        )


def _agents(target: agent.TargetSet, site: Site) -> Iterator[Sabotage]:
    yield Sabotage(
        "logs/agent-reconfigured",
        "logs/agents",
        "the agent's configuration was changed by hand",
        partial(breaks.change_configuration, site.region, agent.parameter_name(site, target)),
    )
    yield Sabotage(
        "logs/agent-cut-off",
        "logs/agents",
        "an instance lost its profile: Systems Manager does not reach it",
        partial(breaks.take_profile, site.region, dict(target.tags)),
    )
    if any(entry.heartbeat and entry.agent for _, entry in target.entries):
        yield Sabotage(
            "logs/instance-silent",
            "logs/heartbeat",
            "one instance of several ships nothing any more; the others go on",
            partial(breaks.take_profile, site.region, dict(target.tags)),
            passes=_longest_silence(target) * 3,
        )


def _longest_silence(target: agent.TargetSet) -> timedelta:
    return max(entry.heartbeat.silent_for for _, entry in target.entries if entry.heartbeat)


def _topic(section: Section, site: Site) -> Iterator[Sabotage]:
    topic = f"{site.prefix}-alerts"
    for number, each in enumerate(site.notify, start=1):
        if each.protocol.startswith("email"):
            yield Sabotage(
                "logs/subscription-pending",
                "logs/alerts",
                f"subscriber {number} was subscribed anew and has not confirmed",
                partial(breaks.subscribe_anew, site.region, topic, each.protocol, each.endpoint),
            )
            break
    yield Sabotage(
        "logs/key-shuts-alarms-out",
        "logs/twin",
        "the topic's key lets CloudWatch in no more: alarms ring, and nothing arrives",
        partial(breaks.shut_out_of_key, site.region, topic, "cloudwatch"),
    )
    if any(alarm.remedy for entry in section.managed.values() for alarm in entry.alarms.values()):
        yield Sabotage(
            "logs/confused-deputy",
            "logs/alerts",
            "a condition against confused deputies on EventBridge in the key's policy: it drops events without a word",
            partial(breaks.guard_key, site.region, topic),
        )
