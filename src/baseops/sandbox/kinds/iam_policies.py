"""AWS IAM: policies that are attached to, or put into, several principals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from baseops.sandbox.kinds.iam_roles import allow, trust_of
from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, document, only

_HOLDERS = (("Groups", "group", "GroupName"), ("Roles", "role", "RoleName"), ("Users", "user", "UserName"))
_VERSIONS = 5


def _holders(props: Props) -> Iterator[tuple[str, str, str]]:
    """Every principal that a policy goes to: what it is, the API's argument, its name."""
    for name, what, argument in _HOLDERS:
        yield from ((what, argument, each) for each in props.get(name, ()))


class Policy(Kind):
    """An inline policy put into groups, roles and users."""

    type = "AWS::IAM::Policy"
    service = "iam"
    properties = frozenset({"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"})
    required = frozenset({"PolicyDocument", "PolicyName"})
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    importable = False
    seconds = 15.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        if not any(_holders(props)):
            raise HandlerError("At least one of [Groups,Roles,Users] must be non-empty.")
        self._put(ctx.client("iam"), props)
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found: dict[str, Any] = {}
        for name, what, argument in _HOLDERS:
            for each in props.get(name, ()):
                content = self._get(ctx.client("iam"), what, argument, each, props["PolicyName"])
                if content is not None:
                    found.setdefault(name, []).append(each)
                    found["PolicyDocument"] = content
        return {**found, "PolicyName": props["PolicyName"]} if found else None

    def _get(self, client: Any, what: str, argument: str, holder: str, policy: str) -> Any:
        try:
            answer = getattr(client, f"get_{what}_policy")(**{argument: holder, "PolicyName": policy})
        except client.exceptions.NoSuchEntityException:
            return None
        return document(answer["PolicyDocument"])

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("iam")
        self._put(client, new)
        kept = {(what, name) for what, _, name in _holders(new)} if old["PolicyName"] == new["PolicyName"] else set()
        for what, argument, name in _holders(old):
            if (what, name) not in kept:
                self._remove(client, what, argument, name, old["PolicyName"])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        for what, argument, name in _holders(props):
            self._remove(ctx.client("iam"), what, argument, name, props["PolicyName"])

    def _put(self, client: Any, props: Props) -> None:
        content = as_text(props["PolicyDocument"])
        for what, argument, name in _holders(props):
            put = getattr(client, f"put_{what}_policy")
            put(**{argument: name, "PolicyName": props["PolicyName"], "PolicyDocument": content})

    def _remove(self, client: Any, what: str, argument: str, holder: str, policy: str) -> None:
        if self._get(client, what, argument, holder, policy) is not None:
            getattr(client, f"delete_{what}_policy")(**{argument: holder, "PolicyName": policy})

    def example(self) -> Example:
        properties = {"PolicyName": "read", "PolicyDocument": allow("s3:GetObject"), "Roles": [{"Ref": "Role"}]}
        return Example(
            properties,
            changed={**properties, "PolicyDocument": allow("s3:ListBucket")},
            beside={"Role": _example_role()},
        )


def _example_role() -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust_of("ec2.amazonaws.com")}}


class ManagedPolicy(Kind):
    """A managed policy; Ref gives its ARN, an update makes a new version of it."""

    type = "AWS::IAM::ManagedPolicy"
    service = "iam"
    properties = frozenset({"Description", "Groups", "ManagedPolicyName", "Path", "PolicyDocument", "Roles", "Users"})
    required = frozenset({"PolicyDocument"})
    create_only = frozenset({"Description", "ManagedPolicyName", "Path"})
    attributes = frozenset({"PolicyArn", "PolicyId"})
    identifier = ("PolicyArn",)
    name_property = "ManagedPolicyName"
    seconds = 15.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("iam")
        made = client.create_policy(
            PolicyName=as_text(props.get("ManagedPolicyName", name)),
            PolicyDocument=as_text(props["PolicyDocument"]),
            **only(props, ("Description", "Path")),
        )
        arn = str(made["Policy"]["Arn"])
        try:
            self._attach(client, arn, {}, props)
        except client.exceptions.ClientError:
            self._detach_all(client, arn)
            client.delete_policy(PolicyArn=arn)
            raise
        return arn

    def named(self, ctx: Context, props: Props) -> str | None:
        if "ManagedPolicyName" not in props:
            return None
        path = as_text(props.get("Path", "/"))
        return ctx.arn("iam", f"policy{path}{props['ManagedPolicyName']}", region=False)

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        live = ctx.client("iam").get_policy(PolicyArn=physical_id)["Policy"]
        return {"PolicyArn": physical_id, "PolicyId": live["PolicyId"]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("iam")
        try:
            live = client.get_policy(PolicyArn=physical_id)["Policy"]
        except client.exceptions.NoSuchEntityException:
            return None
        version = client.get_policy_version(PolicyArn=physical_id, VersionId=live["DefaultVersionId"])["PolicyVersion"]
        holders = client.list_entities_for_policy(PolicyArn=physical_id)
        found = {
            **only(live, ("Description", "Path")),
            "ManagedPolicyName": live["PolicyName"],
            "PolicyDocument": document(version["Document"]),
        }
        for name, _, argument in _HOLDERS:
            found[name] = [each[argument] for each in holders.get(f"Policy{name}", ())]
        return found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("iam")
        if old["PolicyDocument"] != new["PolicyDocument"]:
            versions = client.list_policy_versions(PolicyArn=physical_id)["Versions"]
            spare = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
            if len(versions) >= _VERSIONS:
                client.delete_policy_version(PolicyArn=physical_id, VersionId=spare[-1])
            content = as_text(new["PolicyDocument"])
            client.create_policy_version(PolicyArn=physical_id, PolicyDocument=content, SetAsDefault=True)
        self._attach(client, physical_id, old, new)

    def _attach(self, client: Any, arn: str, old: Props, new: Props) -> None:
        before, after = {*_holders(old)}, {*_holders(new)}
        for what, argument, name in sorted(after - before):
            getattr(client, f"attach_{what}_policy")(**{argument: name, "PolicyArn": arn})
        for what, argument, name in sorted(before - after):
            getattr(client, f"detach_{what}_policy")(**{argument: name, "PolicyArn": arn})

    def _detach_all(self, client: Any, arn: str) -> None:
        holders = client.list_entities_for_policy(PolicyArn=arn)
        for name, what, argument in _HOLDERS:
            for each in holders.get(f"Policy{name}", ()):
                getattr(client, f"detach_{what}_policy")(**{argument: each[argument], "PolicyArn": arn})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        client = ctx.client("iam")
        self._attach(client, physical_id, props, {})
        for each in client.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not each["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=physical_id, VersionId=each["VersionId"])
        client.delete_policy(PolicyArn=physical_id)

    def example(self) -> Example:
        properties = {"ManagedPolicyName": "example", "PolicyDocument": allow("s3:GetObject")}
        return Example(
            properties,
            changed={**properties, "PolicyDocument": allow("s3:ListBucket"), "Roles": [{"Ref": "Role"}]},
            replaced={**properties, "ManagedPolicyName": "another"},
            beside={"Role": _example_role()},
        )


KINDS = (Policy(), ManagedPolicy())
