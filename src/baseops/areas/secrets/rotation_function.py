"""The Lambda function that rotates one secret, with its role, log group, permission and alarm.

Each secret has a function of its own, whose role reaches that secret alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from troposphere import AWSObject, GetAtt, Ref, awslambda, logs

from baseops.areas.secrets import access, authorities, package
from baseops.areas.secrets.frozen import password_rules
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import joins_network, service_role
from baseops.cloudformation.resources import lacking, logical_id
from baseops.contract.needs import Artifact
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.types import Json

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Rotation

LOG_RETENTION_DAYS = 90
_SKIPPED = {
    "CKV_AWS_115": "reserving concurrency takes it from the whole account; Secrets Manager calls one step at a time",
    "CKV_AWS_116": "Secrets Manager repeats a step that failed, and an alarm tells of it; there is no event to keep",
    "CKV_AWS_117": "the declaration names no network for this function",
}


def artifact(rotation: Rotation, site: Site) -> Artifact:
    """The deployment package. Raises `CompileError` when it cannot be built."""
    return Artifact("postgres-single-user.zip", _package(rotation, site).content)


def _package(rotation: Rotation, site: Site) -> package.Package:
    trusted = authorities.read(site.folder, rotation.ca_certificates) if rotation.ca_certificates else b""
    return package.postgres_single_user(trusted)


def own_functions(site: Site) -> str:
    """What the names of the stack's functions begin with: CloudFormation keeps 24 characters or more of the stack's."""
    return f"{site.prefix}-secrets"[:24]


def add_function(
    name: str, entry: Entry, rotation: Rotation, secret: AWSObject, stack: StackBuilder, refs: Refs
) -> tuple[AWSObject, AWSObject, AWSObject]:
    """Add all that belongs to the function; gives the function, its role and the permission to call it."""
    key = entry.key or stack.use(refs.key("secrets"))
    group = stack.add(
        logs.LogGroup(
            logical_id(name, "RotationLogs"),
            LogGroupName=f"/baseops/{stack.site.name}/secrets/{name}/rotation",
            RetentionInDays=LOG_RETENTION_DAYS,
            KmsKeyId=stack.use(refs.key("logs")),
            # It outlives the stack, and one that is there already can be taken over.
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
    statements = _statements(entry, rotation, key, Ref(secret), GetAtt(group, "Arn"), stack.region)
    role = service_role(logical_id(name, "RotationRole"), "lambda", statements, source_account=False)
    if rotation.network:
        role.Metadata = _skip({"CKV_AWS_111": "network interfaces have no name before Lambda makes them"})
    stack.add(role)
    function = stack.add(_function(name, entry, rotation, key, GetAtt(role, "Arn"), Ref(group), stack, refs))
    permission = stack.add(
        awslambda.Permission(
            logical_id(name, "RotationPermission"),
            Action="lambda:InvokeFunction",
            FunctionName=GetAtt(function, "Arn"),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
    return function, role, permission


def _function(
    name: str, entry: Entry, rotation: Rotation, key: Any, role: Any, group: Any, stack: StackBuilder, refs: Refs
) -> awslambda.Function:
    built = _package(rotation, stack.site)
    rules = password_rules(entry.generate) if entry.generate else None
    function = awslambda.Function(
        logical_id(name, "RotationFunction"),
        Description=f"Rotates {entry.name} ({built.description})"[:256],
        Runtime="python3.13",
        Architectures=["arm64"],
        Handler=package.HANDLER,
        Code=awslambda.Code(
            S3Bucket=stack.use(refs.artifact_bucket()), S3Key=refs.artifact_key(artifact(rotation, stack.site))
        ),
        Role=role,
        Timeout=60,
        MemorySize=256,
        KmsKeyArn=key,
        Environment=awslambda.Environment(Variables={"PASSWORD_RULES": json.dumps(rules, sort_keys=True)}),
        LoggingConfig=lacking(awslambda.LoggingConfig(LogGroup=group), LogFormat="JSON"),
    )
    if rotation.network:
        function.VpcConfig = awslambda.VPCConfig(
            SubnetIds=rotation.network.subnets, SecurityGroupIds=rotation.network.security_groups
        )
    reasons = {check: why for check, why in _SKIPPED.items() if check != "CKV_AWS_117" or not rotation.network}
    function.Metadata = _skip(reasons)
    return function


def _statements(
    entry: Entry, rotation: Rotation, key: Any, secret: Any, group_arn: Any, region: str
) -> list[dict[str, Json]]:
    statements = access.rotation_statements(entry.name, key, region, secret)
    statements.append(
        {
            "Sid": "WriteItsLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": group_arn,
        }
    )
    if rotation.network:
        statements += joins_network()
    return [access.for_template(statement) for statement in statements]  # type: ignore[misc]  # a dict gives a dict


def _skip(reasons: dict[str, str]) -> dict[str, Json]:
    return {"checkov": {"skip": [{"id": check, "comment": why} for check, why in sorted(reasons.items())]}}
