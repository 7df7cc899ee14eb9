"""What a declaration of images expects to find: networks of builds and drills, bases of one's own, instances in use.

Ordinary API calls only. It reads who uses an image, never what is checked of it. Public bases are Amazon's own and
there already. AWS gives out ids itself; the sandbox gives a subnet, VPC, security group or AMI the one that its tag
`sandbox:id` asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.images import sources
from baseops.areas.images import world_fleet as fleet
from baseops.areas.images import world_networks as networks
from baseops.areas.images.world_networks import exists, with_id
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.images.spec import Base, Entry, Section

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """Make it by ordinary API calls; what another area's world has made already stays."""
    ec2 = account.client("ec2", site.region)
    for entry in section.managed.values():
        networks.of_builds(ec2, entry, site)
        if entry.base is not None:
            _base(ec2, entry.base, account, site)
    for name, entry in section.entries.items():
        if not entry.managed and entry.publish:
            _theirs(name, entry, account, site)
        _users(ec2, name, entry, account, site)
    if section.entries:
        networks.of_drills(ec2, site)


def as_made(section: Section, account: SandboxAccount) -> Section:  # noqa: ARG001  # the protocol's signature
    """As it is: every value of the declaration is one that a world can make."""
    return section


def follow(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing: a pipeline asks nobody."""


def live(section: Section, account: SandboxAccount, site: Site) -> None:
    """Roll the fleet: who should run an image and does not is replaced by one started from what is published."""
    for name, entry in section.entries.items():
        for region in (entry.regions or (site.region,)) if entry.used_by and entry.publish else ():
            fleet.roll(name, entry, account, site, region)


def _base(ec2: Any, base: Base, account: SandboxAccount, site: Site) -> None:
    """An AMI of one's own, where the base is one."""
    if base.image_id and sources.ami(account, site.region, base.image_id) is None:
        _register(ec2, f"base-{base.image_id}", base.image_id)
    if base.name and base.owner in ("self", account.account_id):
        found = sources.amis_named(account, site.region, base.name, base.owner, base.architecture)
        if not found:
            _register(ec2, base.name.replace("*", "1").replace("?", "1"), None, base.architecture or "x86_64")


def _theirs(name: str, entry: Entry, account: SandboxAccount, site: Site) -> None:
    """An image that somebody else builds, and the parameter that names it in each region."""
    for region in entry.regions or (site.region,):
        if sources.parameter(account, region, str(entry.publish)) is None:
            made = _register(account.client("ec2", region), f"{name} of others", None)
            account.client("ssm", region).put_parameter(
                Name=entry.publish, Value=made, Type="String", DataType="aws:ec2:image"
            )


def _register(ec2: Any, name: str, image_id: str | None, architecture: str = "x86_64") -> str:
    answer = ec2.register_image(
        Name=name,
        Architecture=architecture,
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        TagSpecifications=with_id("image", image_id) if image_id else [],
    )
    return str(answer["ImageId"])


def _users(ec2: Any, name: str, entry: Entry, account: SandboxAccount, site: Site) -> None:
    """An instance that should run the image, one for each exemption, and a launch template that starts such."""
    wanted = [dict(entry.used_by.tags)] if entry.used_by else []
    wanted += [{**wanted[0], **each.tags} for each in entry.exempt if wanted and each.tags]
    if not wanted:
        return
    image = str(account.client("ssm", site.region).get_parameter(Name=IMAGE)["Parameter"]["Value"])
    for tags in wanted:
        if not _running(ec2, tags):
            specification = [{"ResourceType": "instance", "Tags": _list(tags)}]
            ec2.run_instances(
                ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=specification
            )
    if not exists(ec2.describe_launch_templates, LaunchTemplateNames=[name]):
        launched = f"resolve:ssm:{entry.publish}" if entry.publish else image
        specification = [{"ResourceType": "instance", "Tags": _list(wanted[0])}]
        ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"ImageId": launched, "InstanceType": "t3.micro", "TagSpecifications": specification},
        )


def _running(ec2: Any, tags: Mapping[str, str]) -> bool:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    return bool(ec2.describe_instances(Filters=filters)["Reservations"])


def _list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
