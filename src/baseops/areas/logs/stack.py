"""Logs as CloudFormation: what the foundation must provide, and the stack of the primary region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.logs.metrics import add_filters, add_group
from baseops.areas.logs.watching import add_alarms, add_queries
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section


def needs(section: Section, site: Site) -> Needs:
    """The logs key, and a topic to which alarms may publish."""
    if not any(entry.managed for entry in section.entries.values()):
        return Needs()
    return Needs(
        keys=(KeyNeed("logs", site.region, frozenset({"logs", "cloudwatch"})),),
        publishers={site.region: frozenset({"cloudwatch"})},
    )


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Add every managed source with all that belongs to it."""
    for name, entry in section.entries.items():
        if entry.managed:
            with stack.unit(name):
                group = add_group(stack, name, entry, refs)
                add_filters(stack, name, entry, group)
                add_alarms(stack, name, entry, section, refs)
                add_queries(stack, name, entry)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Nothing: log groups live where their sources do, in the primary region."""
