"""The roles of image building: of the build instances, of lifecycle policies, of pipelines that publish a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, iam

from baseops.areas.images.names import component_name
from baseops.areas.images.sharing import LIFECYCLE_ROLE
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

Statement = dict[str, Any]

LIFECYCLE_POLICY = "service-role/EC2ImageBuilderLifecycleExecutionPolicy"
OWN_PARAMETERS = "/imagebuilder/"
"""Parameters below it are written by Image Builder's service-linked role."""


def build_role(stack: StackBuilder, refs: Refs, entries: Iterable[Entry]) -> iam.Role:
    """The role of the instances that build: Systems Manager's core, and components, keys and logs of ours alone.

    AWS's own policy allows the latter on everything:
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/EC2InstanceProfileForImageBuilder.html
    """
    role = service_role("BuildRole", "ec2", _build_statements(stack, refs, entries), source_account=False)
    role.ManagedPolicyArns = [_managed("AmazonSSMManagedInstanceCore")]
    return role


def _build_statements(stack: StackBuilder, refs: Refs, entries: Iterable[Entry]) -> list[Statement]:
    site = refs.site
    # Components of AWS and of third parties have no account id in their ARN.
    others = sorted({_any_owner(each.arn) for entry in entries for each in entry.components if each.arn})
    own = Sub(
        "arn:${AWS::Partition}:imagebuilder:${AWS::Region}:${AWS::AccountId}:component/"
        f"{component_name(site, '*')}"
    )
    return [
        _allow("ReadComponents", ["imagebuilder:GetComponent"], [own, *others]),
        _allow(
            "DecryptComponents",
            ["kms:Decrypt"],
            stack.use(refs.key("images")),
            {
                "ForAnyValue:StringEquals": {
                    "aws:CalledVia": ["imagebuilder.amazonaws.com"],
                    "kms:EncryptionContextKeys": ["aws:imagebuilder:arn"],
                }
            },
        ),
        _allow("ReadTheTool", ["s3:GetObject"], Sub("arn:${AWS::Partition}:s3:::ec2imagebuilder*/*")),
        _allow(
            "WriteBuildLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            Sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
                f"/aws/imagebuilder/{site.prefix}-*:*"
            ),
        ),
    ]


def _any_owner(arn: str) -> str:
    parts = arn.split(":")
    return ":".join([*parts[:4], parts[4] if parts[4].isdigit() else "*", *parts[5:]])


def lifecycle_role(entries: Iterable[Entry]) -> iam.Role:
    """The role of lifecycle policies: AWS's own policy touches only what carries Image Builder's tag.

    The page shows no condition on the trust.
    https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-prerequisites.html
    """
    copied = sorted({account for entry in entries if entry.retire for account in entry.copies_to})
    arns = [Sub(f"arn:${{AWS::Partition}}:iam::{account}:role/{LIFECYCLE_ROLE}") for account in copied]
    statements = [_allow("RetireCopies", ["sts:AssumeRole"], arns)] if arns else []
    role = service_role("LifecycleRole", "imagebuilder", statements, source_account=False)
    role.ManagedPolicyArns = [_managed(LIFECYCLE_POLICY)]
    return role


def needs_execution_role(entry: Entry) -> bool:
    """Whether the pipeline writes a parameter that the service-linked role may not.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/cr-upd-ami-distribution-settings.html
    """
    return bool(entry.publish) and not str(entry.publish).startswith(OWN_PARAMETERS)


def execution_role(entries: Iterable[Entry], refs: Refs, build: iam.Role) -> iam.Role:
    """The role of such pipelines: AWS's own policy for builds, our parameters besides; no role is passed but one."""
    places = sorted(
        {
            (region, str(entry.publish))
            for entry in entries
            if needs_execution_role(entry)
            for region in entry.regions or (refs.site.region,)
        }
    )
    parameters = [
        Sub(f"arn:${{AWS::Partition}}:ssm:{region}:${{AWS::AccountId}}:parameter{name}") for region, name in places
    ]
    statements = [
        _allow("PublishImages", ["ssm:AddTagsToResource", "ssm:GetParameter", "ssm:PutParameter"], parameters),
        {
            "Sid": "PassNoOtherRole",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "NotResource": GetAtt(build, "Arn"),
        },
    ]
    role = service_role("ExecutionRole", "imagebuilder", statements, source_account=False)
    role.ManagedPolicyArns = [_managed("EC2ImageBuilderExecutionPolicy")]
    return role


def build_profile(role: iam.Role) -> iam.InstanceProfile:
    """The profile by which instances take the role."""
    return iam.InstanceProfile("BuildProfile", Roles=[Ref(role)])


def _managed(name: str) -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}")


def _allow(sid: str, actions: list[str], resources: Any, condition: Any = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement
