"""What only the account knows of its logs: groups that exist, who else is subscribed, instances that agents reach.

Read with describe calls alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import agent, shipping
from baseops.areas.logs.carriers import role_title
from baseops.areas.logs.findings import Path, error, note, warning
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.errors import AwsError

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

# Any: AWS's answers.


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """The lock as it is: logs have nothing that moves by itself."""
    return lock


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """Groups of another class or with others' subscriptions, groups that are missing, targets without instances."""
    found: list[Finding] = []
    for name, entry in section.entries.items():
        found += _of_group(("logs", name), entry, site, clients)
    for tags, path in _targets(section).items():
        found += _of_targets(path, dict(tags), site, clients)
    return found


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:
    """Groups into which nothing has come yet, associations that failed, domains that have to map a role."""
    found: list[Finding] = []
    for name, entry in section.managed.items():
        if _group(clients, refs.site, entry) and not _has_streams(clients, refs.site, entry):
            found.append(
                note(
                    "silent",
                    ("logs", name, "group"),
                    f"nothing has been logged into {entry.group.name} yet",
                    "Start the source; the agent needs a few minutes on a new instance",
                )
            )
        found += _unmapped(name, entry, refs, clients)
    return [*found, *_failed_agents(section, refs.site, clients)]


def _of_group(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    group = _group(clients, site, entry)
    if group is None:
        if not entry.managed:
            yield error(
                "missing-group",
                (*path, "group", "name"),
                f"there is no log group {entry.group.name} in {site.region}, and managed: false says that it is "
                "somebody else's to make",
                "Correct the name, or leave managed out",
            )
        return
    existing = group.get("logGroupClass", "STANDARD")
    if existing != entry.group.log_class:
        yield error(
            "class",
            (*path, "group", "class"),
            f"{entry.group.name} exists with the class {existing}, which cannot be changed",
            f"Write class: {existing}, or name another group",
        )
    if entry.managed and entry.ship:
        yield from _of_subscriptions(path, entry, site, clients)


def _of_subscriptions(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    with translated(f"cannot read the subscriptions of {entry.group.name}"):
        logs = clients.client("logs", site.region)
        existing = logs.describe_subscription_filters(logGroupName=entry.group.name)["subscriptionFilters"]
    ours = {each.name for each in shipping.shipments(entry)}
    others = sorted(each["filterName"] for each in existing if each["filterName"] not in ours)
    if len(others) + len(ours) > 2:
        yield error(
            "others-subscriptions",
            (*path, "ship"),
            f"{entry.group.name} has the subscription filters {', '.join(others)} of others, and takes two in all",
            "Remove one of them, or ship less",
        )


def _targets(section: Section) -> dict[tuple[tuple[str, str], ...], Path]:
    found: dict[tuple[tuple[str, str], ...], Path] = {}
    for target in agent.target_sets(section):
        found[target.tags] = ("logs", target.entries[0][0], "agent", "target")
    for name, entry in section.managed.items():
        for remedy_name, remedy in entry.remedies.items():
            tags = tuple(sorted(remedy.targets.items()))
            found.setdefault(tags, ("logs", name, "remedies", remedy_name, "targets"))
    return found


def _of_targets(path: Path, tags: dict[str, str], site: Site, clients: Clients) -> Iterator[Finding]:
    words = " and ".join(f"{key}={value}" for key, value in tags.items())
    filters: list[dict[str, Any]] = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    with translated(f"cannot look for instances with {words}"):
        pages = clients.client("ec2", site.region).get_paginator("describe_instances").paginate(Filters=filters)
        instances = [
            each["InstanceId"] for page in pages for group in page["Reservations"] for each in group["Instances"]
        ]
    if not instances:
        yield warning(
            "target-empty",
            path,
            f"no running instance in {site.region} has {words}",
            "Tag the instances, or correct the tags: keys and values are case-sensitive",
        )


def _unmapped(name: str, entry: Entry, refs: Refs, clients: Clients) -> Iterator[Finding]:
    """A domain with fine-grained access control refuses a role that it does not map; nobody but it can know."""
    for each in shipping.shipments(entry):
        if each.ship.opensearch is None:
            continue
        role = _role(f"{refs.site.prefix}-logs", role_title(name, each.name), refs.site, clients)
        if role:
            yield note(
                "opensearch-role",
                ("logs", name, "ship"),
                f"where the domain {each.ship.opensearch.domain} has fine-grained access control, it refuses the "
                f"role {role} until it is mapped",
                "Map the role to one that may write the indices, under Security, Roles in the domain's dashboards",
            )


def _role(stack: str, title: str, site: Site, clients: Clients) -> str:
    try:
        with translated(f"cannot look for the role {title}"):
            cloudformation = clients.client("cloudformation", site.region)
            found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=title)
    except AwsError:
        return ""
    return str(found["StackResourceDetail"].get("PhysicalResourceId", ""))


def _failed_agents(section: Section, site: Site, clients: Clients) -> Iterator[Finding]:
    for target in agent.target_sets(section):
        wanted = [{"key": "AssociationName", "value": agent.association_name(site, target)}]
        with translated("cannot look at the agents' associations"):
            ssm = clients.client("ssm", site.region)
            found = ssm.list_associations(AssociationFilterList=wanted)["Associations"]
        for each in found:
            if each.get("Overview", {}).get("Status") == "Failed":
                yield warning(
                    "agent-failed",
                    ("logs", target.entries[0][0], "agent"),
                    f"the agent could not be configured everywhere: association {each['AssociationId']} failed",
                    "Run: aws ssm describe-association-executions --association-id " + each["AssociationId"],
                )


def _group(clients: Clients, site: Site, entry: Entry) -> dict[str, Any] | None:
    with translated(f"cannot read the log group {entry.group.name}"):
        logs = clients.client("logs", site.region)
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=entry.group.name)
        found: list[dict[str, Any]] = [group for page in pages for group in page["logGroups"]]
    return next((group for group in found if group["logGroupName"] == entry.group.name), None)


def _has_streams(clients: Clients, site: Site, entry: Entry) -> bool:
    with translated(f"cannot read the streams of {entry.group.name}"):
        found = clients.client("logs", site.region).describe_log_streams(logGroupName=entry.group.name, limit=1)
    return bool(found["logStreams"])
