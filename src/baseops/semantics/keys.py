"""Says which AWS service needs which KMS actions of a key, and under which conditions: the one table of it.

Key policies made here name the account root and service principals only, never a role: KMS refuses a policy
with a principal that does not exist yet (https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html).
A service that works in its caller's name appears as the account, bounded by `kms:CallerAccount` and
`kms:ViaService` (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service);
IAM then decides which callers. It builds statements and never looks at a real key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from baseops.contract.types import Json
from baseops.errors import CompileError

Text: TypeAlias = str | Mapping[str, Json]
"""A string, or an intrinsic function that becomes one, such as `{"Ref": "AWS::AccountId"}`."""

Statement: TypeAlias = dict[str, Json]

_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
_READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey*")


@dataclass(frozen=True)
class Use:
    """One way in which a service uses a key: by its own principal, or `via` itself in a caller's name.

    Texts hold `{partition}`, `{region}` and `{account}`. `conditions` are (operator, key, value); `source` is
    the page that says so.
    """

    sid: str
    actions: tuple[str, ...]
    source: str
    principal: str = ""
    via: tuple[str, ...] = ()
    conditions: tuple[tuple[str, str, str], ...] = ()


_SOURCE_ACCOUNT = ("StringEquals", "aws:SourceAccount", "{account}")
_FOR_AWS_RESOURCE = ("Bool", "kms:GrantIsForAWSResource", "true")

_DOCS = "https://docs.aws.amazon.com"
_EBS = f"{_DOCS}/ebs/latest/userguide/ebs-encryption-requirements.html"
_CLOUDTRAIL = f"{_DOCS}/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html"
_TRAIL_ARN = ("ArnLike", "aws:SourceArn", "arn:{partition}:cloudtrail:{region}:{account}:trail/*")

_VOLUMES = (
    Use("VolumesOfThisAccount", _USE, _EBS, via=("ec2.{region}.amazonaws.com",)),
    Use(
        "VolumesAttachByGrants",
        ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"),
        _EBS,
        via=("ec2.{region}.amazonaws.com",),
        conditions=(_FOR_AWS_RESOURCE,),
    ),
)

USES: Mapping[str, tuple[Use, ...]] = {
    # One principal for each region; the context is the log group's ARN, which is what keeps others out.
    "logs": (
        Use(
            "LogGroupsOfThisAccount",
            ("kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
            f"{_DOCS}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
            principal="logs.{region}.amazonaws.com",
            conditions=(
                (
                    "ArnLike",
                    "kms:EncryptionContext:aws:logs:arn",
                    "arn:{partition}:logs:{region}:{account}:log-group:*",
                ),
            ),
        ),
    ),
    # Alarms publish to an encrypted topic.
    "cloudwatch": (
        Use(
            "AlarmsOfThisAccount",
            _READ_AND_WRITE,
            f"{_DOCS}/sns/latest/dg/sns-key-management.html",
            principal="cloudwatch.amazonaws.com",
            conditions=(_SOURCE_ACCOUNT,),
        ),
    ),
    # No condition: SourceAccount, SourceArn and SourceOrgID are not supported from EventBridge to an encrypted
    # topic, and delivery then fails without a word (same page, and its FailedInvocations metric).
    "events": (
        Use(
            "EventRules",
            _READ_AND_WRITE,
            f"{_DOCS}/sns/latest/dg/sns-key-management.html",
            principal="events.amazonaws.com",
        ),
    ),
    # A topic delivers into an encrypted queue.
    "sns": (
        Use(
            "TopicsOfThisAccountToQueues",
            _READ_AND_WRITE,
            f"{_DOCS}/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html",
            principal="sns.amazonaws.com",
            conditions=(("ArnLike", "aws:SourceArn", "arn:{partition}:sns:{region}:{account}:*"),),
        ),
        Use(
            "PublishersOfThisAccount",
            _READ_AND_WRITE,
            f"{_DOCS}/sns/latest/dg/sns-key-management.html",
            via=("sns.{region}.amazonaws.com",),
        ),
    ),
    # A queue asks for the key in the sender's and the receiver's name.
    "sqs": (
        Use(
            "SendersAndReceiversOfThisAccount",
            _READ_AND_WRITE,
            f"{_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
            via=("sqs.{region}.amazonaws.com",),
        ),
    ),
    # Event destinations and notification topics; the page states no condition.
    "ses": (
        Use(
            "MailEventsToTopics",
            _READ_AND_WRITE,
            f"{_DOCS}/ses/latest/dg/event-publishing-add-event-destination-sns.html",
            principal="ses.amazonaws.com",
        ),
    ),
    "s3": (
        Use(
            "ObjectsOfThisAccount",
            (*_READ_AND_WRITE, "kms:DescribeKey"),
            f"{_DOCS}/AmazonS3/latest/userguide/UsingKMSEncryption.html",
            via=("s3.{region}.amazonaws.com",),
        ),
    ),
    # Bucket notifications to an encrypted topic or queue.
    "s3-notifications": (
        Use(
            "BucketsOfThisAccount",
            _READ_AND_WRITE,
            f"{_DOCS}/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html",
            principal="s3.amazonaws.com",
            conditions=(_SOURCE_ACCOUNT,),
        ),
    ),
    # DLM works by its role through EC2; copies to another region need grants on both keys.
    "dlm": _VOLUMES,
    # The service-linked role builds through EC2 and encrypts components itself.
    "imagebuilder": (
        *_VOLUMES,
        Use(
            "ImageComponentsOfThisAccount",
            _USE,
            f"{_DOCS}/imagebuilder/latest/userguide/data-protection.html",
            via=("imagebuilder.{region}.amazonaws.com",),
        ),
    ),
    "ec2": _VOLUMES,
    # The EBS direct APIs decrypt with the caller's own permission; no ViaService value is documented for them.
    "ebs": (
        *_VOLUMES,
        Use(
            "SnapshotBlocksOfThisAccount",
            (*_READ_AND_WRITE, "kms:DescribeKey"),
            f"{_DOCS}/ebs/latest/userguide/ebsapi-permissions.html",
        ),
    ),
    "secretsmanager": (
        Use(
            "SecretsOfThisAccount",
            (*_READ_AND_WRITE, "kms:DescribeKey"),
            f"{_DOCS}/secretsmanager/latest/userguide/security-encryption.html",
            via=("secretsmanager.{region}.amazonaws.com",),
        ),
    ),
    # Standard parameters use Encrypt and Decrypt, advanced ones data keys.
    "ssm": (
        Use(
            "ParametersOfThisAccount",
            _USE,
            f"{_DOCS}/kms/latest/developerguide/services-parameter-store.html",
            via=("ssm.{region}.amazonaws.com",),
        ),
    ),
    "lambda": (
        Use(
            "FunctionEnvironmentsOfThisAccount",
            _USE,
            f"{_DOCS}/lambda/latest/dg/configuration-envvars-encryption.html",
            via=("lambda.{region}.amazonaws.com",),
        ),
        Use(
            "FunctionEnvironmentsByGrants",
            ("kms:CreateGrant",),
            f"{_DOCS}/lambda/latest/dg/configuration-envvars-encryption.html",
            via=("lambda.{region}.amazonaws.com",),
            conditions=(_FOR_AWS_RESOURCE,),
        ),
    ),
    "firehose": (
        Use(
            "DeliveryStreamsOfThisAccount",
            (*_READ_AND_WRITE, "kms:DescribeKey"),
            f"{_DOCS}/firehose/latest/dev/encryption.html",
            via=("firehose.{region}.amazonaws.com",),
        ),
        Use(
            "DeliveryStreamsByGrants",
            ("kms:CreateGrant",),
            f"{_DOCS}/firehose/latest/dev/encryption.html",
            via=("firehose.{region}.amazonaws.com",),
            conditions=(_FOR_AWS_RESOURCE,),
        ),
    ),
    "cloudtrail": (
        Use(
            "TrailsOfThisAccountEncrypt",
            ("kms:GenerateDataKey*",),
            _CLOUDTRAIL,
            principal="cloudtrail.amazonaws.com",
            conditions=(
                _TRAIL_ARN,
                (
                    "StringLike",
                    "kms:EncryptionContext:aws:cloudtrail:arn",
                    "arn:{partition}:cloudtrail:*:{account}:trail/*",
                ),
            ),
        ),
        Use(
            "TrailsOfThisAccountDescribe",
            ("kms:DescribeKey",),
            _CLOUDTRAIL,
            principal="cloudtrail.amazonaws.com",
            conditions=(_TRAIL_ARN,),
        ),
    ),
}
"""What each service does with a key, by the service's short name."""


def statements(
    services: Collection[str], *, account: Text, region: Text, partition: Text = "aws"
) -> list[dict[str, Json]]:
    """The key policy statements that the services need, beside that of the account root; sorted, none twice."""
    unknown = sorted(set(services) - set(USES))
    if unknown:
        raise CompileError(f"no key policy is known for {', '.join(unknown)}", f"known are {', '.join(sorted(USES))}")
    names = {"account": account, "region": region, "partition": partition}
    uses = dict.fromkeys(use for service in sorted(services) for use in USES[service])
    return [_statement(use, names) for use in uses]


def account_statement(*, account: Text, partition: Text = "aws") -> dict[str, Json]:
    """The statement that leaves a key to the account's IAM policies; without it nobody could repair the key.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam
    """
    return {
        "Sid": "AccountDecidesByIam",
        "Effect": "Allow",
        "Principal": {"AWS": _root(account, partition)},
        "Action": "kms:*",
        "Resource": "*",
    }


def sharing_statements(
    accounts: Iterable[str], organizations: Iterable[str] = (), *, partition: Text = "aws"
) -> list[dict[str, Json]]:
    """What others need who launch from our encrypted images or copy our snapshots.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    shared = [_shared("Account" + other, {"AWS": _root(other, partition)}, {}) for other in sorted(accounts)]
    for organization in sorted(organizations):
        sid = "Organization" + organization.removeprefix("o-")
        shared.append(_shared(sid, {"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": organization}}))
    return [statement for pair in shared for statement in pair]


def _shared(sid: str, principal: Json, condition: dict[str, Json]) -> tuple[Statement, Statement]:
    base: Statement = {"Effect": "Allow", "Principal": principal, "Resource": "*"}
    use: Statement = {"Sid": f"{sid}Uses", **base, "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"]}
    if condition:
        use["Condition"] = condition
    grants: Statement = {
        "Sid": f"{sid}GrantsToAws",
        **base,
        "Action": ["kms:CreateGrant"],
        "Condition": {**condition, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    return use, grants


def _statement(use: Use, names: Mapping[str, Text]) -> Statement:
    condition = _condition(use, names)
    statement: Statement = {
        "Sid": use.sid,
        "Effect": "Allow",
        "Principal": _principal(use, names),
        "Action": list(use.actions),
        "Resource": "*",
    }
    return {**statement, "Condition": condition} if condition else statement


def _principal(use: Use, names: Mapping[str, Text]) -> dict[str, Json]:
    if use.principal:
        return {"Service": _filled(use.principal, names)}
    return {"AWS": _root(names["account"], names["partition"])}


def _condition(use: Use, names: Mapping[str, Text]) -> dict[str, Json]:
    rules = list(use.conditions)
    if not use.principal:
        rules.append(("StringEquals", "kms:CallerAccount", "{account}"))
    rules += [("StringEquals", "kms:ViaService", via) for via in use.via]
    condition: dict[str, dict[str, Json]] = {}
    for operator, key, value in rules:
        condition.setdefault(operator, {})[key] = _filled(value, names)
    return {**condition}


def _root(account: Text, partition: Text) -> Json:
    return _filled("arn:{partition}:iam::{account}:root", {"account": account, "partition": partition})


def _filled(template: str, names: Mapping[str, Text]) -> Json:
    """The template with its names filled in: a string, or `Fn::Sub` where one of them is an intrinsic."""
    used = {name: value for name, value in names.items() if f"{{{name}}}" in template}
    if template in ("{account}", "{region}"):
        (value,) = used.values()
        return value if isinstance(value, str) else dict(value)
    variables: dict[str, Json] = {}
    written = {name: _written(name, value, variables) for name, value in used.items()}
    text = template
    for name, value in written.items():
        text = text.replace(f"{{{name}}}", value)
    if all(isinstance(value, str) for value in used.values()):
        return text
    return {"Fn::Sub": [text, variables]} if variables else {"Fn::Sub": text}


def _written(name: str, value: Text, variables: dict[str, Json]) -> str:
    """How a value stands inside `Fn::Sub`; one that cannot be written there becomes a variable of it."""
    if isinstance(value, str):
        return value
    inner = value.get("Ref") if "Ref" in value else value.get("Fn::Sub")
    if isinstance(inner, str):
        return f"${{{inner}}}" if "Ref" in value else inner
    variables[name.capitalize()] = dict(value)
    return f"${{{name.capitalize()}}}"
