"""Logs as CloudFormation: what the foundation must provide, and the stack of the primary region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.logs import carriers, drill_permissions, shipping
from baseops.areas.logs.agent import add_agents
from baseops.areas.logs.metrics import add_filters, add_group
from baseops.areas.logs.remedies import add_remedies
from baseops.areas.logs.shipping import add_shipments
from baseops.areas.logs.watching import add_alarms, add_queries
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section


def needs(section: Section, site: Site) -> Needs:
    """The logs key, a topic to which alarms and rules publish, the shipping function's package, what drills may do."""
    if not section.managed:
        return Needs(drill_statements=drill_permissions.statements(section, site))
    return Needs(
        keys=(KeyNeed("logs", site.region, _key_services(section)),),
        publishers={site.region: frozenset({"cloudwatch", "events"} if _has_remedies(section) else {"cloudwatch"})},
        artifacts=(carriers.artifact(),) if shipping.needs_function(section) else (),
        drill_statements=drill_permissions.statements(section, site),
    )


def _key_services(section: Section) -> frozenset[str]:
    services = {"logs", "cloudwatch"}
    kinds = {each.kind for entry in section.managed.values() for each in shipping.shipments(entry)}
    if _has_remedies(section):
        services |= {"events", "sqs"}
    if kinds & {"opensearch", "opensearch_ingestion"}:
        services |= {"lambda", "sqs"}
    if kinds & {"http", "s3"}:
        services |= {"firehose", "s3"}
    return frozenset(services)


def _has_remedies(section: Section) -> bool:
    return any(alarm.remedy for entry in section.managed.values() for alarm in entry.alarms.values())


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Add every managed source with all that belongs to it, then the agents that feed them."""
    for name, entry in section.managed.items():
        with stack.unit(name):
            group = add_group(stack, name, entry, refs)
            add_filters(stack, name, entry, group)
            add_alarms(stack, name, entry, section, refs)
            add_queries(stack, name, entry)
            add_remedies(stack, name, entry, refs)
            add_shipments(stack, name, entry, group, refs)
    add_agents(stack, section)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:  # the protocol's signature
    """Nothing: log groups live where their sources do, in the primary region."""
