"""Networks and images with ids that a declaration already names: the tag `sandbox:id` asks for one.

AWS gives out ids itself. A world is made before apply by ordinary calls, and the declaration says `subnet-0a1b2c3d`;
so the sandbox gives what the tag asks for, and does not keep the tag. Without it, everything is as in moto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from baseops.sandbox.service import Members, ServiceError, extend, opened

ID_TAG = "sandbox:id"

# Any throughout: moto's EC2 backend and its things carry no types.
Tags = Sequence[Mapping[str, Any]]


def create_vpc(backend: Any, cidr_block: str, tag_specifications: Tags = (), **options: Any) -> Members:
    """Answer CreateVpc."""
    wanted, tags = _split(tag_specifications)
    vpc = backend.create_vpc(cidr_block, options.get("instance_tenancy", "default"), tags=_pairs(tags))
    if wanted:
        _refuse_taken(wanted, backend.vpcs)
        groups, old = backend.groups.pop(vpc.id, {}), vpc.id
        backend.vpcs[wanted] = backend.vpcs.pop(old)
        vpc.id = wanted
        _move_tags(backend, old, wanted)
        backend.groups[wanted] = groups
        for owned in (*groups.values(), *backend.route_tables.values(), *backend.network_acls.values()):
            if owned.vpc_id == old:
                owned.vpc_id = wanted
    return {"Vpc": _client(backend).describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]}


def create_subnet(backend: Any, vpc_id: str, tag_specifications: Tags = (), **options: Any) -> Members:
    """Answer CreateSubnet."""
    wanted, tags = _split(tag_specifications)
    zone = options.get("availability_zone") or f"{backend.region_name}a"
    subnet = backend.create_subnet(
        vpc_id, options.get("cidr_block"), options.get("ipv6_cidr_block"), zone, tags={"subnet": tags}
    )
    if wanted:
        shelf = next(each for each in backend.subnets.values() if subnet.id in each)
        _refuse_taken(wanted, shelf)
        shelf[wanted] = shelf.pop(subnet.id)
        for acl in backend.network_acls.values():
            for association in _values(acl.associations):
                if association.subnet_id == subnet.id:
                    association.subnet_id = wanted
        _move_tags(backend, subnet.id, wanted)
        subnet.id = wanted
    return {"Subnet": _client(backend).describe_subnets(SubnetIds=[subnet.id])["Subnets"][0]}


def create_security_group(
    backend: Any, group_name: str, description: str, vpc_id: str | None = None, tag_specifications: Tags = (),
    dry_run: bool = False,
) -> Members:  # fmt: skip
    """Answer CreateSecurityGroup."""
    _refuse_dry_run(dry_run)
    wanted, tags = _split(tag_specifications)
    group = backend.create_security_group(group_name, description, vpc_id, tags=tags)
    if wanted:
        shelf = backend.groups[group.vpc_id]
        _refuse_taken(wanted, shelf)
        shelf[wanted] = shelf.pop(group.id)
        _move_tags(backend, group.id, wanted)
        group.id = group.group_id = wanted
    arn = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:security-group/{group.id}"
    return {"GroupId": group.id, "SecurityGroupArn": arn, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def register_image(backend: Any, name: str, tag_specifications: Tags = (), **options: Any) -> Members:
    """Answer RegisterImage: with the architecture and root device that moto forgets."""
    _refuse_dry_run(bool(options.get("dry_run")))
    wanted, tags = _split(tag_specifications)
    image = backend.register_image(name, options.get("description"))
    image.architecture = options.get("architecture", "i386")
    image.virtualization_type = options.get("virtualization_type", "paravirtual")
    image.root_device_name = options.get("root_device_name", image.root_device_name)
    image.root_device_type = "ebs"
    _take_snapshot(backend, image, options.get("block_device_mappings") or ())
    if wanted:
        _refuse_taken(wanted, backend.amis)
        backend.amis[wanted] = backend.amis.pop(image.id)
        image.id = wanted
    image.add_tags(tags)
    return {"ImageId": image.id}


def _take_snapshot(backend: Any, image: Any, mappings: Iterable[Mapping[str, Any]]) -> None:
    """The snapshot that the root device is mapped to is the image's; without one it gets an empty one of moto's."""
    found: Mapping[str, Any] = next(
        (each.get("Ebs", {}) for each in mappings if each.get("DeviceName") == image.root_device_name), {}
    )
    if found.get("SnapshotId"):
        backend.snapshots.pop(image.ebs_snapshot.id)
        image.ebs_snapshot = backend.describe_snapshots(snapshot_ids=[found["SnapshotId"]])[0]
        image.ebs_snapshot.from_ami = image.id


def _move_tags(backend: Any, old: str, new: str) -> None:
    if old in backend.tags:
        backend.tags[new] = backend.tags.pop(old)


def _values(collection: Any) -> Iterable[Any]:
    return collection.values() if isinstance(collection, dict) else collection


def _split(specifications: Tags) -> tuple[str, dict[str, str]]:
    """The id that is asked for, "" without; and the tags that stay."""
    tags = {str(tag["Key"]): str(tag.get("Value", "")) for each in specifications for tag in each.get("Tags", ())}
    return tags.pop(ID_TAG, ""), tags


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _refuse_taken(wanted: str, shelf: Mapping[str, Any]) -> None:
    if wanted in shelf:
        raise ServiceError(f"The id {wanted} is taken in the sandbox", code="InvalidParameterValue")


def _refuse_dry_run(dry_run: bool) -> None:
    if dry_run:
        message = "Request would have succeeded, but DryRun flag is set"
        raise ServiceError(message, code="DryRunOperation", status=412)


def _client(backend: Any) -> Any:
    return opened().clients_of(backend.account_id).client("ec2", backend.region_name)


extend("ec2", "CreateVpc", create_vpc)
extend("ec2", "CreateSubnet", create_subnet)
extend("ec2", "CreateSecurityGroup", create_security_group)
extend("ec2", "RegisterImage", register_image)
