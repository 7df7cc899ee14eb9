"""Email as CloudFormation: what the foundation must provide, and the stack of the primary region.

An identity, its configuration sets and what becomes of their events are one unit; its DNS records are another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import iam

from baseops.areas.email import drill_permissions, readers
from baseops.areas.email.alarms import add_account_alarms, add_stream_alarms
from baseops.areas.email.feedback import add_feedback
from baseops.areas.email.identities import Identity, default_stream, identities, inbound_rules, streams
from baseops.areas.email.inbound import add_inbound
from baseops.areas.email.senders import permission, senders
from baseops.areas.email.sending import add_configuration_set, add_identity
from baseops.areas.email.zone import add_records
from baseops.cloudformation.builder import SHARED, StackBuilder
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.semantics.roles import Role

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: troposphere takes a text or a helper such as Ref for every property.


def needs(section: Section, site: Site) -> Needs:
    """The logs key for topics, queues and received mail, and alarms that publish to the alert topic."""
    drill_statements = drill_permissions.statements(section, site)
    if not identities(section, managed_only=True):
        return Needs(drill_statements=drill_statements)
    services = {"ses", "sns", "sqs"} | ({"s3"} if inbound_rules(section) else set())
    return Needs(
        keys=(KeyNeed("logs", site.region, frozenset(services)),),
        publishers={site.region: frozenset({"cloudwatch"})},
        drill_statements=drill_statements,
    )


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Add every managed identity with all that belongs to it."""
    found = identities(section, managed_only=True)
    if not found:
        return
    with stack.unit(SHARED):
        add_account_alarms(stack, section.account.alarms, refs)
    for identity in found:
        with stack.unit(identity.name):
            _add_identity(stack, identity, found, refs)
        with stack.unit(f"{identity.name}/dns"):
            add_records(stack, identity)
    add_inbound(stack, section, refs)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Nothing: SES keeps identities by region, and mail is sent from the primary one."""


def _add_identity(stack: StackBuilder, identity: Identity, found: list[Identity], refs: Refs) -> None:
    own = streams(identity, refs.site.prefix, found)
    for stream in own:
        add_configuration_set(stack, stream)
        add_feedback(stack, stream, own, refs)
        add_stream_alarms(stack, stream, refs)
    default = default_stream(identity, refs.site.prefix, found)
    add_identity(stack, identity, default)
    for sender in senders(identity, refs.site):
        allowed = permission(sender, identity, found, own or [default], refs.site)
        title = identity.logical_id(sender.reference.split(":")[-1], "SenderPolicy")
        _attach(stack, title, sender, identity, f"{stack.site.prefix}-email-{identity.slug}", allowed)
    for stream in own:
        for role in readers.readers(stream, refs.site):
            reads = readers.permission(stream, stack.use(refs.key("logs")), stack.region)
            title = stream.logical_id(role.reference.split(":")[-1], "ReaderPolicy")
            _attach(stack, title, role, identity, f"{stack.site.prefix}-email-{stream.label}-events", reads)


def _attach(
    stack: StackBuilder, title: str, role: Role, identity: Identity, name: str, allowed: dict[str, Any]
) -> None:
    if identity.entry.attach == "inline":
        stack.add(iam.RolePolicy(title, RoleName=role.name, PolicyName=name, PolicyDocument=allowed))
    elif identity.entry.attach == "policy":
        stack.add(iam.ManagedPolicy(title, Description=f"Mail of {identity.name}", PolicyDocument=allowed))
