"""Backups as CloudFormation: a policy for each backup, one role for all, alarms, the Recycle Bin's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import GetAtt, dlm

from baseops.areas.backups import alarms, drill_permissions, policies, protection, role
from baseops.areas.backups.freeze import freeze_document
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section

KEY_SERVICES = frozenset({"dlm", "ebs"})


def needs(section: Section, site: Site) -> Needs:
    """Keys where snapshots and copies are, events and alarms to the topics there, what drills may do."""
    copied_to = _copy_regions(section)
    publishers = {region: frozenset({"events"}) for region in copied_to}
    if section.managed:
        publishers[site.region] = frozenset({"cloudwatch", "events"})
    return Needs(
        keys=tuple(_keys(section, site)),
        publishers=publishers,
        drill_statements=drill_permissions.statements(section, site),
        drill_instance=drill_permissions.restores(section, site),
    )


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """The primary region."""
    _protect(section, stack)
    if not section.managed:
        return
    executing = stack.add(service_role("ExecutionRole", "dlm", role.statements(section.managed, stack, refs)))
    topic = stack.use(refs.topic())
    stack.add(alarms.policy_error_rule(topic))
    stack.add(alarms.snapshot_failed_rule(topic))
    for name, entry in section.managed.items():
        with stack.unit(name):
            policy = stack.add(_policy(name, entry, GetAtt(executing, "Arn"), stack, refs))
            for each in alarms.policy_alarms(name, entry, policy, refs.site, topic):
                stack.add(each)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """A further region: the Recycle Bin's rules, and word of failed copies."""
    _protect(section, stack)
    if stack.region in _copy_regions(section):
        stack.add(alarms.snapshot_failed_rule(stack.use(refs.topic(stack.region))))


def _keys(section: Section, site: Site) -> list[KeyNeed]:
    if not section.managed:
        return []
    shared = {
        account
        for entry in section.managed.values()
        for plan in entry.plans.values()
        for account in (*(copy.account for copy in plan.copies), *(plan.share.accounts if plan.share else ()))
        if account
    }
    copied = {copy.region for entry in section.managed.values() for copy in entry.copies_here if not copy.key} - {
        site.region
    }
    primary = KeyNeed("backups", site.region, KEY_SERVICES, shared_with=frozenset(shared))
    return [primary, *(KeyNeed("backups", region, KEY_SERVICES) for region in sorted(copied))]


def _copy_regions(section: Section) -> frozenset[str]:
    return frozenset(copy.region for entry in section.managed.values() for copy in entry.copies_here)


def _policy(name: str, entry: Entry, role_arn: GetAtt, stack: StackBuilder, refs: Refs) -> dlm.LifecyclePolicy:
    if entry.receive is not None:
        return policies.copy_policy(name, entry, entry.receive, role_arn, stack, refs)
    documents = {
        plan_name: stack.add(freeze_document(refs.site, name, plan_name, plan.scripts))
        for plan_name, plan in entry.plans.items()
        if plan.scripts and plan.scripts.freeze
    }
    return policies.snapshot_policy(name, entry, role_arn, stack, refs, documents)


def _protect(section: Section, stack: StackBuilder) -> None:
    for rule in protection.recycle_bin_rules(section.account, stack.site):
        stack.add(rule)
