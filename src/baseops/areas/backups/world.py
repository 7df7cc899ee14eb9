"""What a declaration of backups expects to find: hosts with tagged volumes, files on them, an application that writes.

It reads who is selected (targets, volumes named by tag or device), never which files are to be read or what must be
true of them. Nothing is made for `receive`: the snapshots come from another account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.world_files import Application, root_files
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import VolumeWith
    from baseops.areas.backups.spec.section import Entry, Section, Target

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
ROOT_GIB = DATA_GIB = 8
DATA_KEY = "alias/hosts-data"
DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """One host for each tag that selects, with its root volume and a data volume for each kind that is named."""
    image = ""
    for name, entry in section.entries.items():
        for key, value in (entry.target.tags if entry.target else {}).items():
            image = image or _image(account, site)
            _host(account, site, image, f"{name}-{value}", entry, {key: value})


def as_made(section: Section, account: SandboxAccount) -> Section:  # noqa: ARG001  # the protocol's signature
    """As it is: every value of the declaration is one that a world can make."""
    return section


def follow(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing: DLM asks nobody."""


def live(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing: the hosts' applications have been at work since they were made."""


def _image(account: SandboxAccount, site: Site) -> str:
    return str(account.client("ssm", site.region).get_parameter(Name=IMAGE)["Parameter"]["Value"])


def _root_device(ec2: Any, image: str) -> str:
    (described,) = ec2.describe_images(ImageIds=[image])["Images"]
    return str(described["RootDeviceName"])


def _host(
    account: SandboxAccount, site: Site, image: str, host_name: str, entry: Entry, selected_by: Mapping[str, str]
) -> None:
    target, ec2 = entry.target, account.client("ec2", site.region)
    if target is None:
        return
    tags = {"Name": host_name, **(selected_by if target.resource == "instance" else {})}
    (instance,) = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        BlockDeviceMappings=[{"DeviceName": _root_device(ec2, image), "Ebs": {"VolumeSize": ROOT_GIB}}],
        TagSpecifications=[_tagged("instance", tags)],
    )["Instances"]
    zone, identifier = instance["Placement"]["AvailabilityZone"], instance["InstanceId"]
    volume_tags = dict(selected_by) if target.resource == "volume" else {}
    for root in _roots(ec2, identifier, volume_tags):
        account.write_files(root, root_files(host_name))
    key = _key(account, site)
    for device, own in _data_volumes(entry, target):
        volume = ec2.create_volume(
            AvailabilityZone=zone,
            Size=DATA_GIB,
            VolumeType="gp3",
            Encrypted=True,
            KmsKeyId=key,
            TagSpecifications=[_tagged("volume", {"Name": f"{host_name}-data", **volume_tags, **own})],
        )["VolumeId"]
        ec2.attach_volume(InstanceId=identifier, VolumeId=volume, Device=device)
        Application(account, site.region, identifier, volume, f"/{own.get('Data', 'orders')}.db").start()


def _roots(ec2: Any, instance: str, tags: Mapping[str, str]) -> list[str]:
    """The instance's root volume, tagged."""
    attached = {"Name": "attachment.instance-id", "Values": [instance]}
    roots = [str(each["VolumeId"]) for each in ec2.describe_volumes(Filters=[attached])["Volumes"]]
    if tags:
        ec2.create_tags(Resources=roots, Tags=_list(tags))
    return roots


def _key(account: SandboxAccount, site: Site) -> str:
    """The key under which the account's hosts keep their data; one for all."""
    kms = account.client("kms", site.region)
    known = [each["TargetKeyId"] for each in kms.list_aliases()["Aliases"] if each["AliasName"] == DATA_KEY]
    if known:
        return str(kms.describe_key(KeyId=known[0])["KeyMetadata"]["Arn"])
    made = kms.create_key(Description="data of the hosts")["KeyMetadata"]
    kms.create_alias(AliasName=DATA_KEY, TargetKeyId=made["KeyId"])
    return str(made["Arn"])


def _data_volumes(entry: Entry, target: Target) -> Iterator[tuple[str, Mapping[str, str]]]:
    """A device and tags for each kind of data volume that the declaration names; one plain one where it names none."""
    named = [read.volume for read in entry.read if not isinstance(read.volume, str)]
    kinds = [_kind(each) for each in named] or [("", {})]
    if target.resource == "instance" and entry.exclude.data_volume_tags:
        kinds.append(("", dict(entry.exclude.data_volume_tags)))
    free = iter(device for device in DEVICES if device not in {device for device, _ in kinds})
    seen: list[tuple[str, Mapping[str, str]]] = []
    for device, tags in kinds:
        if (device, tags) not in seen:
            seen.append((device, tags))
            yield device or next(free), tags


def _kind(volume: VolumeWith) -> tuple[str, Mapping[str, str]]:
    return volume.device or "", dict(volume.tags or {})


def _tagged(resource: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {"ResourceType": resource, "Tags": _list(tags)}


def _list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
