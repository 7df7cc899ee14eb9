"""Amazon EC2: security groups with the rules written into them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, only, tag_changes, tag_list

_SOURCES = (
    ("CidrIp", "IpRanges", "CidrIp"),
    ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
    ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
)
_EVERYTHING = ({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"},)
_PORTS = ("FromPort", "ToPort")


class SecurityGroup(Kind):
    """A security group in a VPC; Ref gives its id."""

    type = "AWS::EC2::SecurityGroup"
    service = "ec2"
    properties = frozenset(
        {"GroupDescription", "GroupName", "SecurityGroupEgress", "SecurityGroupIngress", "Tags", "VpcId"}
    )
    required = frozenset({"GroupDescription"})
    create_only = frozenset({"GroupDescription", "GroupName", "VpcId"})
    attributes = frozenset({"GroupId", "Id", "VpcId"})
    identifier = ("Id",)
    name_limit = 255
    seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("ec2")
        tags = [{"ResourceType": "security-group", "Tags": list(props["Tags"])}] if props.get("Tags") else []
        made = client.create_security_group(
            Description=as_text(props["GroupDescription"]),
            GroupName=as_text(props.get("GroupName", name)),
            TagSpecifications=tags,
            **only(props, ("VpcId",)),
        )
        group = str(made["GroupId"])
        try:
            self._settle(client, group, {}, props)
        except client.exceptions.ClientError:
            client.delete_security_group(GroupId=group)
            raise
        return group

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        live = _describe(ctx.client("ec2"), physical_id)
        return {"GroupId": physical_id, "Id": physical_id, "VpcId": live["VpcId"] if live else ""}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        live = _describe(ctx.client("ec2"), physical_id)
        if live is None:
            return None
        return {
            "GroupDescription": live["Description"],
            "GroupName": live["GroupName"],
            "VpcId": live["VpcId"],
            "SecurityGroupIngress": _rules(live["IpPermissions"], "Source"),
            "SecurityGroupEgress": _rules(live["IpPermissionsEgress"], "Destination"),
            "Tags": live.get("Tags", []),
        }

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("ec2")
        self._settle(client, physical_id, old, new)
        changed, removed = tag_changes(old, new)
        if changed:
            client.create_tags(Resources=[physical_id], Tags=tag_list(changed))
        if removed:
            client.delete_tags(Resources=[physical_id], Tags=[{"Key": key} for key in removed])

    def _settle(self, client: Any, group: str, old: Props, new: Props) -> None:
        """A group without rules for egress lets everything out, as EC2 makes it."""
        ingress = [props.get("SecurityGroupIngress", ()) for props in (old, new)]
        egress = [props.get("SecurityGroupEgress", _EVERYTHING) for props in (old, new)]
        for direction, (before, after) in (("ingress", ingress), ("egress", egress)):
            gone = [each for each in before if each not in after]
            added = [each for each in after if each not in before]
            if added:
                authorize = getattr(client, f"authorize_security_group_{direction}")
                authorize(GroupId=group, IpPermissions=[_permission(each) for each in added])
            if gone:
                revoke = getattr(client, f"revoke_security_group_{direction}")
                revoke(GroupId=group, IpPermissions=[_permission(each) for each in gone])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ec2").delete_security_group(GroupId=physical_id)

    def example(self) -> Example:
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}
        properties = {"GroupDescription": "drill", "SecurityGroupEgress": [rule]}
        return Example(
            properties,
            changed={**properties, "SecurityGroupEgress": [{**rule, "CidrIp": "0.0.0.0/0"}]},
            replaced={**properties, "GroupDescription": "build"},
        )


def _describe(client: Any, group: str) -> Props | None:
    found = client.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroups"]
    return found[0] if found else None


def _permission(rule: Props) -> dict[str, Any]:
    """A template's rule as EC2's IpPermission."""
    permission: dict[str, Any] = {"IpProtocol": as_text(rule["IpProtocol"])}
    permission |= {name: int(rule[name]) for name in _PORTS if name in rule}
    described = only(rule, ("Description",))
    for name, member, key in _SOURCES:
        if name in rule:
            permission[member] = [{key: as_text(rule[name]), **described}]
    return permission


def _rules(permissions: Iterable[Props], side: str) -> list[dict[str, Any]]:
    """EC2's permissions as a template's rules, one for each source or destination."""
    return [
        {**only(permission, ("IpProtocol", *_PORTS)), name: each[key], **only(each, ("Description",))}
        for permission in permissions
        for name, member, key in _SOURCES
        if name.startswith(("Cidr", side))
        for each in permission.get(member, ())
    ]


KINDS = (SecurityGroup(),)
