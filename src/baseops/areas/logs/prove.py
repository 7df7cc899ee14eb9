"""The drills of logs. What is observed here writes no event: a log event cannot be deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.logs import (
    agent,
    alert_path,
    dead_man,
    heartbeats,
    live_agents,
    live_alarms,
    live_filters,
    live_path,
    live_shipping,
    remedy_path,
    twin,
)
from baseops.contract.drill import Drill, DrillContext, Evidence
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

Run = Callable[["Section", DrillContext], Iterable[Evidence]]


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared sources; those that there is nothing to ask of are left out."""
    return [each for each in [*_observing(section), *_doing(section)] if each.targets]


def _doing(section: Section) -> list[Drill]:
    return [
        Drill(
            name="logs/twin",
            promise="lines that match make the alarm ring, tell the topic and start the remedy, and it stops again",
            targets=twin.targets(section),
            drill_class="exercise",
            touches=(
                "for each alarm on lines: a log group, filter, alarm, topic, queue, rule and document of its own",
            ),
            traces=(
                "metrics in the drills' namespace, until CloudWatch forgets them after 15 months",
                "the history of the twins' alarms, and executions of the remedies' twins",
            ),
            cost_usd=0.05,
            timeout=twin.longest(section),
            run=partial(twin.rings, section),
        ),
        Drill(
            name="logs/dead-man",
            promise="silence makes the alarm on silence ring and tell the topic, until lines come again",
            targets=dead_man.targets(section),
            drill_class="exercise",
            touches=("for each heartbeat: a log group, alarm, topic and queue of its own",),
            traces=("the history of the twins' alarms",),
            cost_usd=0.02,
            timeout=dead_man.longest(section),
            run=partial(dead_man.rings, section),
        ),
        Drill(
            name="logs/live-path",
            promise="lines in the live group make the live alarm ring, tell the live topic and run the remedy",
            targets=twin.targets(section),
            drill_class="disturb",
            touches=(
                "derived lines in the live groups: whoever is told of the alarms is told, and the remedies run",
                "a queue of its own that hears of these alarms, and a stream of its own in each group",
            ),
            traces=(
                "what the lines made: values of the live metrics, the alarms' history, copies that were shipped",
                "executions of the remedies, and what they did on the instances",
            ),
            cost_usd=0.02,
            timeout=live_path.timeout(section),
            run=partial(live_path.rings, section),
        ),
    ]


def _observing(section: Section) -> list[Drill]:
    return [*_of_sources(section), *_of_alarms(section), *_of_carriers(section)]


def _of_sources(section: Section) -> list[Drill]:
    return [
        _observe(
            "heartbeat",
            "every source was heard of within its silence, and every instance that feeds it",
            _entries(section.entries, lambda entry: entry.heartbeat is not None),
            section,
            heartbeats.heard,
        ),
        _observe(
            "live-groups",
            "the live log groups are kept as long as declared, in their class, under their key",
            _entries(section.entries),
            section,
            live_filters.held_groups,
        ),
        _observe(
            "live-filters",
            "the live metric filters are those declared, and match a line derived from their pattern",
            _entries(section.entries, lambda entry: bool(entry.metrics)),
            section,
            live_filters.held_filters,
        ),
    ]


def _of_alarms(section: Section) -> list[Drill]:
    return [
        _observe(
            "live-alarms",
            "the live alarms are those declared, enabled, not muted, and told to the topic",
            _entries(section.managed, lambda entry: bool(entry.alarms or entry.heartbeat)),
            section,
            live_alarms.held_alarms,
        ),
        _observe(
            "alarm-metrics",
            "every metric that an alarm watches is emitted, with the dimensions that the alarm has",
            _entries(section.managed, lambda entry: any(alarm.metric for alarm in entry.alarms.values())),
            section,
            live_alarms.fed_metrics,
        ),
        _observe(
            "alerts",
            "alarms and rules get through to the topic, and whoever is to be told has confirmed",
            (alert_path.TARGET,) if section.managed else (),
            section,
            alert_path.arrives,
        ),
        _observe(
            "remedies",
            "an alarm's change would start its remedy, which may run on instances that are there",
            _entries(section.managed, lambda entry: bool(remedy_path.used(entry))),
            section,
            remedy_path.reaches,
        ),
    ]


def _of_carriers(section: Section) -> list[Drill]:
    return [
        _observe(
            "shipping",
            "events go on to where they are shipped, and none was lost in the last day",
            _entries(section.managed, lambda entry: bool(entry.ship)),
            section,
            live_shipping.ships,
        ),
        _observe(
            "agents",
            "the agents' configuration is the declared one, and was brought onto every instance",
            tuple(f"logs.{each.entries[0][0]}/{each.slug}" for each in agent.target_sets(section)),
            section,
            live_agents.configured,
        ),
    ]


def _entries(entries: dict[str, Entry], wanted: Callable[[Entry], bool] = lambda _: True) -> tuple[str, ...]:
    return tuple(f"logs.{name}" for name, entry in entries.items() if wanted(entry))


def _observe(name: str, promise: str, targets: tuple[str, ...], section: Section, run: Run) -> Drill:
    return Drill(name=f"logs/{name}", promise=promise, targets=targets, run=partial(run, section))
