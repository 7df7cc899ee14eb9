"""AWS IAM: roles, their inline policies, instance profiles."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, document, only, tag_changes, tag_list

_CREATED = frozenset({"AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "PermissionsBoundary"})


class Role(Kind):
    """A role with its inline and attached policies."""

    type = "AWS::IAM::Role"
    service = "iam"
    properties = _CREATED | {"ManagedPolicyArns", "Policies", "RoleName", "Tags"}
    required = frozenset({"AssumeRolePolicyDocument"})
    create_only = frozenset({"Path", "RoleName"})
    attributes = frozenset({"Arn", "RoleId"})
    identifier = ("RoleName",)
    name_property = "RoleName"
    name_limit = 64
    seconds = 15.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("iam")
        name = as_text(props.get("RoleName", name))
        call(client, "create_role", {**only(props, _CREATED), "RoleName": name, "Tags": props.get("Tags")})
        try:
            self._settle(client, name, {}, props)
        except client.exceptions.ClientError:
            self._strip(client, name, props)
            client.delete_role(RoleName=name)
            raise
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        live = ctx.client("iam").get_role(RoleName=physical_id)["Role"]
        return {"Arn": live["Arn"], "RoleId": live["RoleId"]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("iam")
        live = role(client, physical_id)
        if live is None:
            return None
        found = only(live, ("AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "RoleName"))
        if "PermissionsBoundary" in live:
            found["PermissionsBoundary"] = live["PermissionsBoundary"]["PermissionsBoundaryArn"]
        pages = client.get_paginator("list_attached_role_policies").paginate(RoleName=physical_id)
        found["ManagedPolicyArns"] = [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]
        found["Policies"] = self._inline(client, physical_id, props)
        return {**found, "Tags": live.get("Tags", [])}

    def _inline(self, client: Any, name: str, props: Props) -> list[dict[str, Any]]:
        """Those of the template; policies put by other resources are not this one's drift."""
        found = []
        for each in props.get("Policies", ()):
            live = role_policy(client, name, each["PolicyName"])
            if live is not None:
                found.append({"PolicyName": each["PolicyName"], "PolicyDocument": live})
        return found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("iam")
        if old["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
            trust = as_text(new["AssumeRolePolicyDocument"])
            client.update_assume_role_policy(RoleName=physical_id, PolicyDocument=trust)
        described = only(new, ("Description", "MaxSessionDuration"))
        if described != only(old, ("Description", "MaxSessionDuration")):
            call(client, "update_role", {"RoleName": physical_id, "Description": "", **described})
        self._bound(client, physical_id, old.get("PermissionsBoundary"), new.get("PermissionsBoundary"))
        self._settle(client, physical_id, old, new)
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_role(RoleName=physical_id, Tags=tag_list(changed))
        if removed:
            client.untag_role(RoleName=physical_id, TagKeys=removed)

    def _bound(self, client: Any, name: str, old: str | None, new: str | None) -> None:
        if new and new != old:
            client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=new)
        elif old and not new:
            client.delete_role_permissions_boundary(RoleName=name)

    def _settle(self, client: Any, name: str, old: Props, new: Props) -> None:
        """Attached and inline policies."""
        before, after = set(old.get("ManagedPolicyArns", ())), set(new.get("ManagedPolicyArns", ()))
        for arn in sorted(after - before):
            client.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in sorted(before - after):
            client.detach_role_policy(RoleName=name, PolicyArn=arn)
        inline = {each["PolicyName"]: each["PolicyDocument"] for each in new.get("Policies", ())}
        for policy, content in inline.items():
            client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=as_text(content))
        for each in old.get("Policies", ()):
            if each["PolicyName"] not in inline:
                client.delete_role_policy(RoleName=name, PolicyName=each["PolicyName"])

    def _strip(self, client: Any, name: str, props: Props) -> None:
        """Take off what the template put on; what others put on makes the deletion fail, as on AWS."""
        attached = client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        ours = set(props.get("ManagedPolicyArns", ()))
        for each in attached:
            if each["PolicyArn"] in ours:
                client.detach_role_policy(RoleName=name, PolicyArn=each["PolicyArn"])
        for each in props.get("Policies", ()):
            if role_policy(client, name, each["PolicyName"]) is not None:
                client.delete_role_policy(RoleName=name, PolicyName=each["PolicyName"])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        client = ctx.client("iam")
        self._strip(client, physical_id, props)
        client.delete_role(RoleName=physical_id)

    def example(self) -> Example:
        properties = {
            "RoleName": "example",
            "AssumeRolePolicyDocument": trust_of("ec2.amazonaws.com"),
            "Policies": [{"PolicyName": "read", "PolicyDocument": allow("logs:DescribeLogGroups")}],
        }
        return Example(
            properties,
            changed={
                **properties,
                "Description": "reads",
                "AssumeRolePolicyDocument": trust_of("lambda.amazonaws.com"),
                "Policies": [{"PolicyName": "list", "PolicyDocument": allow("s3:ListAllMyBuckets")}],
            },
            replaced={**properties, "RoleName": "another"},
        )


def role(client: Any, name: str) -> Props | None:
    """A role as GetRole gives it, None when there is none."""
    try:
        found: Props = client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        return None
    return found


def role_policy(client: Any, name: str, policy: str) -> Any:
    """An inline policy's document, None when there is none."""
    try:
        return document(client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    except client.exceptions.NoSuchEntityException:
        return None


def trust_of(service: str) -> dict[str, Any]:
    """A trust policy for an AWS service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(action: str) -> dict[str, Any]:
    """A policy that allows an action on everything."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


class RolePolicy(Kind):
    """One inline policy of a role."""

    type = "AWS::IAM::RolePolicy"
    service = "iam"
    properties = frozenset({"PolicyDocument", "PolicyName", "RoleName"})
    required = frozenset({"PolicyName", "RoleName"})
    create_only = frozenset({"PolicyName", "RoleName"})
    identifier = ("PolicyName", "RoleName")
    name_property = "PolicyName"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        call(ctx.client("iam"), "put_role_policy", props)
        return f"{props['PolicyName']}|{props['RoleName']}"

    def named(self, ctx: Context, props: Props) -> str | None:
        return f"{props['PolicyName']}|{props['RoleName']}"

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        policy, _, name = physical_id.partition("|")
        live = role_policy(ctx.client("iam"), name, policy)
        return None if live is None else {"PolicyName": policy, "RoleName": name, "PolicyDocument": live}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("iam"), "put_role_policy", new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        policy, _, name = physical_id.partition("|")
        ctx.client("iam").delete_role_policy(RoleName=name, PolicyName=policy)

    def example(self) -> Example:
        properties = {"RoleName": {"Ref": "Role"}, "PolicyName": "read", "PolicyDocument": allow("s3:GetObject")}
        return Example(
            properties,
            changed={**properties, "PolicyDocument": allow("s3:ListBucket")},
            replaced={**properties, "PolicyName": "list"},
            beside={"Role": _example_role()},
        )


def _example_role() -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust_of("ec2.amazonaws.com")}}


class InstanceProfile(Kind):
    """An instance profile, which holds one role."""

    type = "AWS::IAM::InstanceProfile"
    service = "iam"
    properties = frozenset({"InstanceProfileName", "Path", "Roles"})
    required = frozenset({"Roles"})
    create_only = frozenset({"InstanceProfileName", "Path"})
    attributes = frozenset({"Arn"})
    identifier = ("InstanceProfileName",)
    name_property = "InstanceProfileName"
    seconds = 120.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("iam")
        name = as_text(props.get("InstanceProfileName", name))
        if len(props["Roles"]) != 1:
            raise HandlerError("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", "ServiceLimitExceeded")
        client.create_instance_profile(InstanceProfileName=name, Path=props.get("Path", "/"))
        try:
            self._add(client, name, props)
        except client.exceptions.ClientError:
            client.delete_instance_profile(InstanceProfileName=name)
            raise
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        live = ctx.client("iam").get_instance_profile(InstanceProfileName=physical_id)["InstanceProfile"]
        return {"Arn": live["Arn"]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("iam")
        try:
            live = client.get_instance_profile(InstanceProfileName=physical_id)["InstanceProfile"]
        except client.exceptions.NoSuchEntityException:
            return None
        return {**only(live, ("InstanceProfileName", "Path")), "Roles": [each["RoleName"] for each in live["Roles"]]}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("iam")
        self._remove(client, physical_id)
        self._add(client, physical_id, new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        client = ctx.client("iam")
        self._remove(client, physical_id)
        client.delete_instance_profile(InstanceProfileName=physical_id)

    def _add(self, client: Any, name: str, props: Props) -> None:
        for each in props["Roles"]:
            client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=each)

    def _remove(self, client: Any, name: str) -> None:
        for each in client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
            client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=each["RoleName"])

    def example(self) -> Example:
        properties = {"InstanceProfileName": "example", "Roles": [{"Ref": "One"}]}
        return Example(
            properties,
            changed={**properties, "Roles": [{"Ref": "Two"}]},
            replaced={**properties, "InstanceProfileName": "another"},
            beside={"One": _example_role(), "Two": _example_role()},
        )


KINDS = (Role(), RolePolicy(), InstanceProfile())
