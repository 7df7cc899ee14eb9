"""What a declaration of logs expects to find: instances for agents and remedies, groups and buckets of somebody else.

Ordinary API calls. Groups of managed entries are not made here: the declaration makes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """One instance for each set of tags that an agent or a remedy names; groups and buckets that are not ours."""
    wanted = {tuple(sorted(tags.items())) for entry in section.entries.values() for tags in _targets(entry)}
    for tags in sorted(wanted):
        _instance(account, site, tags)
    for entry in section.entries.values():
        if not entry.managed:
            _group(account, site, entry)
    for bucket in sorted(
        {ship.s3.bucket or "" for entry in section.managed.values() for ship in entry.ship if ship.s3}
    ):
        if bucket:
            _bucket(account, site, bucket)


def follow(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing: what agents ship is of the world, and subscriptions are the foundation's."""


def live(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing yet."""


def _instance(account: SandboxAccount, site: Site, tags: tuple[tuple[str, str], ...]) -> None:
    image = account.client("ssm", site.region).get_parameter(Name=IMAGE)["Parameter"]["Value"]
    account.client("ec2", site.region).run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags]}],
    )


def _group(account: SandboxAccount, site: Site, entry: Entry) -> None:
    logs = account.client("logs", site.region)
    logs.create_log_group(logGroupName=entry.group.name, logGroupClass=entry.group.log_class)
    logs.put_retention_policy(logGroupName=entry.group.name, retentionInDays=entry.group.retention_days)


def _bucket(account: SandboxAccount, site: Site, name: str) -> None:
    place = {} if site.region == "us-east-1" else {"LocationConstraint": site.region}
    more = {"CreateBucketConfiguration": place} if place else {}
    account.client("s3", site.region).create_bucket(Bucket=name, **more)


def _targets(entry: Entry) -> list[dict[str, str]]:
    found = [dict(remedy.targets) for remedy in entry.remedies.values() if remedy.targets]
    return [*found, dict(entry.agent.target)] if entry.agent else found
