"""What a declaration of logs expects to find: instances for agents and remedies, groups and buckets of somebody else.

Ordinary API calls. Groups of managed entries are not made here: the declaration makes them. What goes on once all is
applied (subscribers who say yes, servers that log) is `traffic`'s and comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.logs import traffic
from baseops.areas.logs.shipping import receiver
from baseops.aws.managed_nodes import MANAGED, make_nodes
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

FLEET = 2
"""How many instances have the same tags: that one of them is silent shows only where there are more."""
AGENT = "amazon-cloudwatch-agent"
"""Its package: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/download-CloudWatch-Agent-on-EC2-Instance-commandline-first.html."""
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-iam-roles-for-cloudwatch-agent.html
_POLICIES = (MANAGED, "CloudWatchAgentServerPolicy")


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """Instances for each set of tags that an agent or a remedy names; what is not ours: groups, buckets, receivers."""
    wanted: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for entry in section.entries.values():
        for tags in _targets(entry):
            wanted.setdefault(tuple(sorted(tags.items())), set()).update(_software(entry))
    for fleet, software in sorted(wanted.items()):
        name = "-".join(value for _, value in fleet)
        make_nodes(
            account,
            site.region,
            dict(fleet),
            role=name,
            policies=_POLICIES,
            count=FLEET,
            user_data=_set_up(software),
        )
    for entry in section.entries.values():
        if not entry.managed:
            _group(account, site, entry)
    for bucket in sorted(
        {ship.s3.bucket or "" for entry in section.managed.values() for ship in entry.ship if ship.s3}
    ):
        if bucket:
            _bucket(account, site, bucket)
    for entry in section.managed.values():
        for host in filter(None, map(receiver, entry.ship)):
            account.answer_for(host)


def as_made(section: Section, account: SandboxAccount) -> Section:  # noqa: ARG001  # the protocol's signature
    """As it is: every value of the declaration is one that a world can make."""
    return section


def follow(section: Section, account: SandboxAccount, site: Site) -> None:  # noqa: ARG001  # the protocol's signature
    """Those who are to be told of alarms open their mail and follow its link."""
    for each in site.notify:
        for text in account.inbox(each.endpoint):
            traffic.confirm(account, text)


def live(section: Section, account: SandboxAccount, site: Site) -> None:
    """The servers have visitors, and their agents ship what is logged of them."""
    traffic.begin(section, account, site)


def _software(entry: Entry) -> list[str]:
    """What its servers came with: the services whose journal it reads, and the agent where it does not install one."""
    if entry.agent is None:
        return []
    units = entry.agent.journal.units if entry.agent.journal else ()
    agent = [] if entry.agent.install else [AGENT]
    return [*(unit.removesuffix(".service") for unit in units), *agent]


def _set_up(software: set[str]) -> str:
    """User data that installs and starts it: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html."""
    lines = [f"dnf -y install {name}\nsystemctl enable --now {name}\n" for name in sorted(software)]
    return "".join(["#!/bin/sh\n", *lines]) if lines else ""


def _group(account: SandboxAccount, site: Site, entry: Entry) -> None:
    logs = account.client("logs", site.region)
    logs.create_log_group(logGroupName=entry.group.name, logGroupClass=entry.group.log_class)
    logs.put_retention_policy(logGroupName=entry.group.name, retentionInDays=entry.group.retention_days)
    for name, metric in entry.metrics.items():
        more = {} if metric.default is None else {"defaultValue": metric.default}
        transformation = {"metricName": name, "metricNamespace": "Theirs", "metricValue": metric.value, **more}
        logs.put_metric_filter(
            logGroupName=entry.group.name,
            filterName=f"their-{name}",
            filterPattern=metric.pattern,
            metricTransformations=[transformation],
        )


def _bucket(account: SandboxAccount, site: Site, name: str) -> None:
    place = {} if site.region == "us-east-1" else {"LocationConstraint": site.region}
    more = {"CreateBucketConfiguration": place} if place else {}
    account.client("s3", site.region).create_bucket(Bucket=name, **more)


def _targets(entry: Entry) -> list[dict[str, str]]:
    found = [dict(remedy.targets) for remedy in entry.remedies.values() if remedy.targets]
    return [*found, dict(entry.agent.target)] if entry.agent else found
