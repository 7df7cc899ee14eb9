"""What a declaration of secrets expects to find: the roles of readers and administrators, and what others made.

Ordinary API calls. Roles that are there already are left as they are: other areas name them too.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import company_trail, private_network, world_instances
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site
from baseops.semantics.roles import Role, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

# Any: botocore's clients.

_APPLICATION = "ec2.amazonaws.com"
_ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_FUNCTION = b"""def handle(event, context):
    import boto3
    client = boto3.client("secretsmanager")
    name, token = event["SecretId"], event["ClientRequestToken"]
    versions = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    if event["Step"] == "createSecret":
        value = client.get_random_password()["RandomPassword"]
        client.put_secret_value(
            SecretId=name, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"]
        )
    if event["Step"] == "finishSecret":
        current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
        client.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
"""


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """Make roles, rotation functions of the user's, networks, and what entries with `managed: false` are about."""
    company_trail.build(account, site)
    iam = account.client("iam")
    for entry in section.entries.values():
        for reference in entry.readers:
            _role(iam, role_of(reference), account, _APPLICATION)
        for reference in entry.administrators:
            role = role_of(reference)
            if _role(iam, role, account, None):
                iam.put_role_policy(
                    RoleName=role.name, PolicyName="administrator", PolicyDocument=json.dumps(_ADMINISTRATOR)
                )
        if entry.rotation and entry.rotation.function and entry.rotation.function.startswith("arn:"):
            _function(entry.rotation.function, account, iam)
        if entry.rotation and entry.rotation.network:
            private_network.build(account.client("ec2", site.region), entry.rotation.network, site.region)
        if entry.key:
            _key(entry.key, account)
        world_instances.build(entry, account, site)
        if not entry.managed:
            _made_by_others(entry, account, site)


def as_made(section: Section, account: SandboxAccount) -> Section:  # noqa: ARG001  # the protocol's signature
    """As it is: the declaration holds no values of secrets."""
    return section


def follow(section: Section, account: SandboxAccount, site: Site) -> None:
    """Put a value where only a person can: some text that is no secret of anybody's."""
    for name, entry in section.entries.items():
        if entry.managed and entry.is_put_by_hand:
            _put(name, entry, account, site)


def live(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing yet."""


def _put(name: str, entry: Entry, account: SandboxAccount, site: Site) -> None:
    value = f"rehearsed value of {name}"
    if entry.secret:
        account.client("secretsmanager").put_secret_value(SecretId=entry.name, SecretString=value)
        return
    aliases = account.client("kms").get_paginator("list_aliases").paginate()
    ours = f"alias/{site.prefix}-secrets"
    made = any(each["AliasName"] == ours for page in aliases for each in page["Aliases"])
    key = entry.key or site.keys.get(("secrets", site.region)) or (ours if made else "alias/aws/ssm")
    account.client("ssm").put_parameter(Name=entry.name, Value=value, Type=entry.kind, KeyId=key, Overwrite=True)


def _key(arn: str, account: SandboxAccount) -> None:
    """A key of the company's own, with KMS's default policy. AWS gives out ids; the sandbox gives the one asked for."""
    _, _, _, region, owner, identity = arn.split(":")
    kms = account.client("kms", region)
    if owner != account.account_id:
        return
    try:
        kms.describe_key(KeyId=arn)
    except kms.exceptions.NotFoundException:
        kms.create_key(
            Description="made by somebody else",
            Tags=[{"TagKey": "sandbox:id", "TagValue": identity.removeprefix("key/")}],
        )


def _role(iam: Any, role: Role, account: SandboxAccount, service: str | None) -> bool:
    """Make the role unless it is there or in another account; whether it was made."""
    if role.account not in (None, account.account_id):
        return False
    principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{account.account_id}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    try:
        iam.create_role(
            RoleName=role.name,
            Path=role.path,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
    except iam.exceptions.EntityAlreadyExistsException:
        return False
    return True


def _function(arn: str, account: SandboxAccount, iam: Any) -> None:
    """A rotation function as a team may have one, which Secrets Manager is allowed to call."""
    _, _, _, region, owner, _, name, *_ = arn.split(":")
    client = account.client("lambda", region)
    if owner != account.account_id or _has_function(client, name):
        return
    role = Role("", f"{name}-role"[:64], "/", None)
    if _role(iam, role, account, "lambda.amazonaws.com"):
        iam.put_role_policy(RoleName=role.name, PolicyName="work", PolicyDocument=json.dumps(_ADMINISTRATOR))
    client.create_function(
        FunctionName=name,
        Role=iam.get_role(RoleName=role.name)["Role"]["Arn"],
        Runtime="python3.13",
        Handler="function.handle",
        Timeout=30,
        Code={"ZipFile": _zipped(_FUNCTION)},
    )
    client.add_permission(
        FunctionName=name,
        StatementId="secretsmanager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=account.account_id,
    )


def _has_function(client: Any, name: str) -> bool:
    try:
        client.get_function(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _zipped(source: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("function.py"), source)
    return buffer.getvalue()


def _made_by_others(entry: Entry, account: SandboxAccount, site: Site) -> None:
    """The value, and what lets its readers read it: who makes the one makes the other."""
    if entry.secret:
        _secret_of_others(entry.secret, account, site)
        arn = f"arn:aws:secretsmanager:*:{account.account_id}:secret:{entry.secret}-??????"
        actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    else:
        account.client("ssm", site.region).put_parameter(
            Name=entry.name, Type=entry.kind, Value="made by somebody else", Overwrite=True
        )
        arn = f"arn:aws:ssm:*:{account.account_id}:parameter/{entry.name.lstrip('/')}"
        actions = ["ssm:GetParameter", "ssm:GetParameters"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": arn}]}
    for role in map(role_of, entry.readers):
        if role.account in (None, account.account_id):
            account.client("iam").put_role_policy(
                RoleName=role.name,
                PolicyName=f"reads-{entry.name.strip('/').replace('/', '-')}"[:128],
                PolicyDocument=json.dumps(document),
            )


def _secret_of_others(name: str, account: SandboxAccount, site: Site) -> None:
    client = account.client("secretsmanager", site.region)
    try:
        client.create_secret(Name=name, SecretString="made by somebody else")  # invented
    except client.exceptions.ResourceExistsException:
        return
