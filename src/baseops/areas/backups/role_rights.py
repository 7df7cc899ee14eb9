"""What a policy's role lacks of what DLM does by it, evaluated over its policies and the policies of the keys.

https://docs.aws.amazon.com/ebs/latest/userguide/service-role.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from baseops.areas.backups.sources import selected_volumes
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext
from baseops.contract.site import DECLARATION_TAG
from baseops.errors import NotFoundError
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate, evaluate_key

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

SERVICE = "dlm.amazonaws.com"
MOST_KEYS = 20
_USE = ("Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")

# Any throughout: botocore's classes and answers, and IAM's JSON.


@dataclass(frozen=True)
class Right:
    """Something that the role must be able to do."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """As a reason names it."""
        return f"{self.action} on {self.resource}"


def missing_rights(entry: Entry, role_arn: str, ctx: DrillContext) -> list[str]:
    """What is missing, in words. AWS calls: IAM's reading ones on the role, kms:DescribeKey and kms:GetKeyPolicy."""
    try:
        trust, policies = _role(role_arn, ctx)
    except NotFoundError:
        return [f"do anything: there is no role {role_arn.rpartition('/')[2]}"]
    principal = Principal.parse(role_arn)
    missing = [] if _is_trusted(trust, role_arn, ctx) else [f"be assumed by {SERVICE}"]
    wanted = _snapshot_rights(entry, ctx)
    missing += [str(each) for each in wanted if not evaluate(_request(principal, each), policies).allowed]
    for key, region in _keys(entry, ctx):
        missing += _missing_on_key(key, region, principal, policies, ctx)
    return missing


def _snapshot_rights(entry: Entry, ctx: DrillContext) -> Iterator[Right]:
    region, own = ctx.site.region, {f"aws:ResourceTag/{DECLARATION_TAG}": ctx.site.name}
    snapshot = f"arn:{partition_of(region)}:ec2:{region}::snapshot/snap-00000000000000000"
    if entry.target is not None:
        instance = entry.target.resource == "instance"
        make = "ec2:CreateSnapshots" if instance else "ec2:CreateSnapshot"
        source = "instance/i-00000000000000000" if instance else "volume/vol-00000000000000000"
        yield Right(make, f"arn:{partition_of(region)}:ec2:{region}:{ctx.account}:{source}")
        yield Right(make, snapshot)
        yield Right("ec2:CreateTags", snapshot)
        yield Right("ec2:DeleteSnapshot", snapshot, own)
    for copy in entry.copies_here:
        there = f"arn:{partition_of(copy.region)}:ec2:{copy.region}::snapshot/snap-00000000000000000"
        yield Right("ec2:CopySnapshot", there)
        yield Right("ec2:CreateTags", there)
        yield Right("ec2:DeleteSnapshot", there, own)


def _keys(entry: Entry, ctx: DrillContext) -> list[tuple[str, str]]:
    """The keys of the copies, and of the volumes where these are encrypted, each with its region."""
    found = {ctx_key: copy.region for copy in entry.copies_here if (ctx_key := _copy_key(copy.region, entry, ctx))}
    if entry.target is not None:
        volumes = selected_volumes(ctx.clients, ctx.site.region, entry)
        own = {str(each["KmsKeyId"]) for each in volumes if each.get("KmsKeyId")}
        found |= dict.fromkeys(sorted(own)[:MOST_KEYS], ctx.site.region)
    return list(found.items())


def _copy_key(region: str, entry: Entry, ctx: DrillContext) -> str:
    own = next((each.key for each in entry.copies_here if each.region == region and each.key), None)
    return own or ctx.value(ctx.refs.key("backups", region))


def _missing_on_key(
    key: str, region: str, principal: Principal, policies: Policies, ctx: DrillContext
) -> Iterator[str]:
    kms = ctx.clients.client("kms", region)
    with translated(f"cannot read the policy of {key}"):
        described = kms.describe_key(KeyId=key)["KeyMetadata"]
        if described["KeyManager"] == "AWS":
            return
        document = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    if described["KeyState"] != "Enabled":
        yield f"use {key}, whose state is {described['KeyState']}"
        return
    through = {"kms:ViaService": f"ec2.{region}.amazonaws.com", "kms:CallerAccount": ctx.account}
    rights = [Right(f"kms:{each}", described["Arn"], through) for each in _USE]
    rights.append(Right("kms:CreateGrant", described["Arn"], {**through, "kms:GrantIsForAWSResource": "true"}))
    policy = Policy.parse(json.loads(document), key)
    for right in rights:
        if not evaluate_key(_request(principal, right), policies, policy).allowed:
            yield str(right)


def _request(principal: Principal, right: Right) -> Request:
    return Request(principal, right.action, right.resource, Context(right.context))


def _role(role_arn: str, ctx: DrillContext) -> tuple[Policy, Policies]:
    """Its trust policy, and what its own policies and its boundary say."""
    iam, name = ctx.clients.client("iam"), role_arn.rpartition("/")[2]
    with translated(f"cannot read the policies of the role {name}"):
        role = iam.get_role(RoleName=name)["Role"]
        inline = [each for page in _pages(iam, "list_role_policies", name) for each in page["PolicyNames"]]
        attached = [
            each for page in _pages(iam, "list_attached_role_policies", name) for each in page["AttachedPolicies"]
        ]
        identity = [
            Policy.parse(_document(iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]), each)
            for each in inline
        ]
        identity += [_managed(iam, each["PolicyArn"]) for each in attached]
        bound = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        boundary = _managed(iam, bound) if bound else None
    trust = Policy.parse(_document(role["AssumeRolePolicyDocument"]), "trust")
    return trust, Policies(identity=tuple(identity), boundary=boundary)


def _pages(iam: Any, operation: str, role: str) -> Iterator[Any]:
    yield from iam.get_paginator(operation).paginate(RoleName=role)


def _managed(iam: Any, arn: str) -> Policy:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return Policy.parse(_document(found), arn.rpartition("/")[2])


def _is_trusted(trust: Policy, role_arn: str, ctx: DrillContext) -> bool:
    """DLM says for which account and policy it asks.

    https://docs.aws.amazon.com/ebs/latest/userguide/service-role.html
    """
    source = f"arn:{partition_of(ctx.site.region)}:dlm:{ctx.site.region}:{ctx.account}:policy/policy-00000000000000000"
    context = Context({"aws:SourceAccount": ctx.account, "aws:SourceArn": source})
    request = Request(Principal.parse(SERVICE), "sts:AssumeRole", role_arn, context)
    return evaluate(request, Policies(resource=trust), needs_resource_policy=True).allowed


def _document(value: Any) -> Mapping[str, Any]:
    """A document, which AWS gives as JSON, quoted for a URL, or read already."""
    return dict(json.loads(unquote(value))) if isinstance(value, str) else dict(value)
