"""Images as CloudFormation: components and roles for all, and for each image recipe, pipeline and retirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import iam, imagebuilder

from baseops.areas.images import drill_permissions, pipeline, retirement, roles, watching
from baseops.areas.images.library import OWNER, used
from baseops.areas.images.protection import add_protection
from baseops.areas.images.recipe import component, recipe
from baseops.areas.images.sharing import accounts, organizations
from baseops.cloudformation.builder import SHARED, StackBuilder
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baseops.areas.images.spec import Entry, Section

KEY_SERVICES = frozenset({"ebs", "imagebuilder"})


def needs(section: Section, site: Site) -> Needs:
    """Keys where AMIs are, the logs key, events to the topic, long components to upload, versions of all components."""
    if not section.managed:
        return Needs(drill_statements=drill_permissions.statements(section, site), drill_instance=bool(section.entries))
    components = used(section, site)
    places = sorted({region for entry in section.managed.values() for region in entry.regions or (site.region,)})
    shared, whole = accounts(section), organizations(section)
    is_protected = any(entry.protect for entry in section.managed.values())
    keys = [KeyNeed("images", region, KEY_SERVICES, shared_with=shared, organizations=whole) for region in places]
    return Needs(
        keys=(*keys, KeyNeed("logs", site.region, frozenset({"logs"}))),
        publishers={site.region: frozenset({"events", "cloudwatch"} if is_protected else {"events"})},
        artifacts=tuple(each.artifact for each in components.values() if each.artifact),
        components={OWNER: {key: each.sha256 for key, each in sorted(components.items())}},
        drill_statements=drill_permissions.statements(section, site),
        drill_instance=True,
    )


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Add every managed image."""
    if not section.managed:
        return
    entries = list(section.managed.values())
    with stack.unit(SHARED):
        made = {key: stack.add(component(each, stack, refs)) for key, each in sorted(used(section, refs.site).items())}
        building = stack.add(roles.build_role(stack, refs, entries))
        profile = stack.add(roles.build_profile(building))
        retiring = stack.add(roles.lifecycle_role(entries)) if any(each.retire for each in entries) else None
        needs_role = any(roles.needs_execution_role(each) for each in entries)
        executing = stack.add(roles.execution_role(entries, refs, building)) if needs_role else None
    for name, entry in section.managed.items():
        with stack.unit(name):
            role = executing if roles.needs_execution_role(entry) else None
            _image(name, entry, made, profile, role, stack, refs)
            if retiring is not None and (policy := retirement.policy(name, entry, retiring, refs)):
                stack.add(policy)
            stack.add(watching.failed_build_rule(name, refs.site, stack.use(refs.topic())))
            if entry.protect:
                add_protection(stack, name, entry, refs)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Nothing: the key of a further region is the foundation's, the AMIs and parameters there are the pipeline's."""


def _image(
    name: str,
    entry: Entry,
    made: Mapping[str, imagebuilder.Component],
    profile: iam.InstanceProfile,
    role: iam.Role | None,
    stack: StackBuilder,
    refs: Refs,
) -> None:
    groups = pipeline.log_groups(name, entry, stack, refs)
    group = pipeline.security_group(name, entry, stack)
    stack.add(
        pipeline.pipeline(
            name,
            entry,
            refs,
            recipe=stack.add(recipe(name, entry, made, stack, refs)),
            infrastructure=stack.add(pipeline.infrastructure(name, entry, profile, group, refs)),
            distribution=stack.add(pipeline.distribution(name, entry, stack, refs)),
            groups=groups,
            role=role,
        )
    )
