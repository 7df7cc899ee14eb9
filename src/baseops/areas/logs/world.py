"""What a declaration of logs expects to find: the instances that agents and remedies are meant for.

Ordinary EC2 calls. Log groups are not made here: a declaration makes them, or finds those that somebody else made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """One instance for each set of tags that an agent or a remedy names; groups of entries that are not ours."""
    ec2 = account.client("ec2", site.region)
    wanted = {tuple(sorted(tags.items())) for entry in section.entries.values() for tags in _targets(entry)}
    for tags in sorted(wanted):
        ec2.run_instances(
            ImageId=account.client("ssm", site.region).get_parameter(Name=IMAGE)["Parameter"]["Value"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags]}
            ],
        )
    for entry in section.entries.values():
        if not entry.managed:
            account.client("logs", site.region).create_log_group(logGroupName=entry.group.name)


def _targets(entry: Entry) -> list[dict[str, str]]:
    found = [dict(remedy.targets) for remedy in entry.remedies.values() if remedy.targets]
    return [*found, dict(entry.agent.target)] if entry.agent else found
