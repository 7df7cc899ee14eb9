"""What only the account knows of its logs: groups that exist already, and whether sources have begun to speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """The lock as it is: logs have nothing that moves by itself."""
    return lock


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """Groups that exist with another class, which cannot be changed. AWS call: logs:DescribeLogGroups."""
    found = []
    for name, entry in section.entries.items():
        group = _group(clients, site, entry)
        if group is not None and group.get("logGroupClass", "STANDARD") != entry.group.log_class:
            found.append(
                Finding(
                    Severity.ERROR,
                    "logs.class",
                    ("logs", name, "group", "class"),
                    f"{entry.group.name} exists with the class {group['logGroupClass']}, which cannot be changed",
                    f"Write class: {group['logGroupClass']}, or name another group",
                )
            )
    return found


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:
    """Groups into which nothing has come yet. AWS call: logs:DescribeLogStreams."""
    found = []
    for name, entry in section.entries.items():
        if entry.managed and _group(clients, refs.site, entry) and not _has_streams(clients, refs.site, entry):
            found.append(
                Finding(
                    Severity.NOTE,
                    "logs.silent",
                    ("logs", name, "group"),
                    f"nothing has been logged into {entry.group.name} yet",
                    "Start the source; the agent needs a few minutes on a new instance.",
                )
            )
    return found


def _group(clients: Clients, site: Site, entry: Entry) -> dict[str, str] | None:
    with translated(f"cannot read the log group {entry.group.name}"):
        found = clients.client("logs", site.region).describe_log_groups(logGroupNamePrefix=entry.group.name)
    return next((group for group in found["logGroups"] if group["logGroupName"] == entry.group.name), None)


def _has_streams(clients: Clients, site: Site, entry: Entry) -> bool:
    with translated(f"cannot read the streams of {entry.group.name}"):
        found = clients.client("logs", site.region).describe_log_streams(logGroupName=entry.group.name, limit=1)
    return bool(found["logStreams"])
