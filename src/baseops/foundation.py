"""The stacks under the areas, built from what the areas say they need: artifacts, keys, topic, evidence, drill roles.

It knows no area: `Needs` come in, `Refs` tell the areas where things are. One key for each purpose and region, one
encrypted topic for each region that publishes alerts. Keys are always kept: what they protect outlives the stacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from troposphere import GetAtt, Ref, Sub, awslambda, iam, kms, s3, sns

from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.cloudformation.resources import lacking, logical_id, to_json
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json, Purpose
from baseops.semantics import keys
from baseops.semantics.policies import sizes

ARTIFACTS = "artifacts"
FOUNDATION = "foundation"
REGION = "region"

_KEEP = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_WHOLE_ORGANIZATION = "aws:PrincipalOrgID bounds it to the declared organisation, which no principal element can name"


def artifacts(site: Site) -> StackBuilder:
    """The bucket for templates over 51,200 bytes, image components and function packages; made before all else."""
    stack = StackBuilder(ARTIFACTS, site)
    bucket = stack.add(
        s3.Bucket(
            "ArtifactBucket",
            **_bucket_safety(),
            BucketEncryption=_encryption("AES256"),
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[
                    s3.LifecycleRule(
                        Id="forget-former-versions",
                        Status="Enabled",
                        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=90),
                        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
                    )
                ]
            ),
            Metadata=_skip(
                CKV_AWS_18="CloudTrail data events record access; a log bucket would need one of its own",
                CKV_AWS_145="it comes before any key, and holds templates and packages, never data",
            ),
        )
    )
    stack.add(_tls_only(bucket))
    stack.output("ArtifactBucketName", Ref(bucket))
    return stack


def foundation(site: Site, needs: Sequence[Needs]) -> StackBuilder:
    """Keys and topic of the primary region, the evidence bucket, the drill roles."""
    stack = StackBuilder(FOUNDATION, site)
    evidence = KeyNeed("evidence", site.region, frozenset({"s3"}))
    _regional(stack, site, [*needs, Needs(keys=(evidence,))], always_topic=True)
    _evidence_bucket(stack, site)
    _evidence_seals(stack, site)
    _drill_roles(stack, site, needs)
    if any(each.drill_instance for each in needs) and {"exercise", "disturb"} & set(site.drills.allow):
        _drill_instance(stack, site)
    return stack


def further_region(site: Site, needs: Sequence[Needs], region: str) -> StackBuilder:
    """Keys and topic of a further region; the areas add to the same small stack."""
    stack = StackBuilder(REGION, site, region)
    _regional(stack, site, needs, always_topic=False)
    return stack


def _regional(stack: StackBuilder, site: Site, needs: Sequence[Needs], *, always_topic: bool) -> None:
    publishers = _publishers(needs, stack.region)
    with_topic = always_topic or bool(publishers)
    wanted = _wanted(needs, stack.region, publishers if with_topic else None)
    made = {purpose: _key(stack, site, need) for purpose, need in sorted(wanted.items())}
    if with_topic:
        _topic(stack, site, publishers, made["logs"])


def key_needs(site: Site, needs: Sequence[Needs], region: str) -> Mapping[Purpose, KeyNeed]:
    """What each key of a region must allow, whether it is ours or an existing one."""
    publishers = _publishers(needs, region)
    home = region == site.region
    evidence = [Needs(keys=(KeyNeed("evidence", region, frozenset({"s3"})),))] if home else []
    return _wanted([*needs, *evidence], region, publishers if home or publishers else None)


def _publishers(needs: Sequence[Needs], region: str) -> frozenset[str]:
    return frozenset().union(*(each.publishers.get(region, frozenset()) for each in needs))


def _wanted(needs: Sequence[Needs], region: str, publishers: frozenset[str] | None) -> dict[Purpose, KeyNeed]:
    """The keys of a region; with an alert topic, `publishers` are who publishes to it."""
    wanted = _merge([need for each in needs for need in each.keys if need.region == region])
    if publishers is not None:
        logs = wanted.get("logs", KeyNeed("logs", region))
        wanted["logs"] = KeyNeed("logs", region, logs.services | publishers | {"sns"})
    return wanted


def _merge(needs: Sequence[KeyNeed]) -> dict[Purpose, KeyNeed]:
    merged: dict[Purpose, KeyNeed] = {}
    for need in needs:
        former = merged.get(need.purpose, KeyNeed(need.purpose, need.region))
        merged[need.purpose] = KeyNeed(
            need.purpose,
            need.region,
            former.services | need.services,
            former.shared_with | need.shared_with,
            former.organizations | need.organizations,
        )
    return merged


def _key(stack: StackBuilder, site: Site, need: KeyNeed) -> Any:
    """The key's ARN: a literal for an existing key, else a reference to the one added."""
    existing = site.keys.get((need.purpose, need.region))
    if existing:
        return existing
    key = stack.add(
        kms.Key(
            logical_id(need.purpose, "Key"),
            Description=f"baseops {site.name}: {need.purpose}",
            EnableKeyRotation=True,
            PendingWindowInDays=30,
            KeyPolicy={"Version": "2012-10-17", "Statement": _key_statements(need)},
            **({"Metadata": _skip(CKV_AWS_33=_WHOLE_ORGANIZATION)} if need.organizations else {}),
            **_KEEP,
        )
    )
    stack.add(
        kms.Alias(
            logical_id(need.purpose, "KeyAlias"),
            AliasName=f"alias/{site.prefix}-{need.purpose}",
            TargetKeyId=Ref(key),
        )
    )
    arn = GetAtt(key, "Arn")
    stack.output(logical_id(need.purpose, "KeyArn"), arn)
    return arn


def _key_statements(need: KeyNeed) -> list[Any]:
    account, partition, region = Ref("AWS::AccountId"), Ref("AWS::Partition"), Ref("AWS::Region")
    names = {"account": to_json(account), "partition": to_json(partition)}
    statements: list[Any] = [keys.account_statement(**names)]
    statements += keys.statements(need.services, region=to_json(region), **names)
    if need.shared_with or need.organizations:
        statements += keys.sharing_statements(sorted(need.shared_with), sorted(need.organizations))
    return statements


def _topic(stack: StackBuilder, site: Site, publishers: frozenset[str], key: Any) -> None:
    topic = stack.add(
        sns.Topic(
            "AlertTopic", TopicName=f"{site.prefix}-alerts", DisplayName=f"baseops {site.name}", KmsMasterKeyId=key
        )
    )
    stack.add(
        sns.TopicPolicy(
            "AlertTopicPolicy",
            Topics=[Ref(topic)],
            PolicyDocument={"Version": "2012-10-17", "Statement": _topic_statements(topic, publishers)},
        )
    )
    for number, each in enumerate(site.notify, start=1):
        stack.add(
            sns.SubscriptionResource(
                f"AlertSubscription{number}", TopicArn=Ref(topic), Protocol=each.protocol, Endpoint=each.endpoint
            )
        )
    for number, function in enumerate(_functions(site, stack.region), start=1):
        stack.add(_invocation(site, number, function))
    stack.output("AlertTopicArn", Ref(topic))


def _functions(site: Site, region: str) -> list[str]:
    """The functions among the subscribers that live where the stack does, and so can be given a permission by it."""
    arns = [each.endpoint for each in site.notify if each.protocol == "lambda"]
    return [arn for arn in arns if arn.split(":")[3] == region and site.accounts == (arn.split(":")[4],)]


def _invocation(site: Site, number: int, function: str) -> awslambda.Permission:
    # Without it SNS drops the alert without a word; the topics of further regions call the function too.
    # https://docs.aws.amazon.com/sns/latest/dg/lambda-console.html
    return awslambda.Permission(
        f"AlertInvocation{number}",
        Action="lambda:InvokeFunction",
        FunctionName=function,
        Principal="sns.amazonaws.com",
        SourceArn=Sub(f"arn:${{AWS::Partition}}:sns:*:${{AWS::AccountId}}:{site.prefix}-alerts"),
    )


def _topic_statements(topic: sns.Topic, publishers: frozenset[str]) -> list[dict[str, Any]]:
    refuse = {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sns:Publish",
        "Resource": Ref(topic),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return [_publisher(topic, service) for service in sorted(publishers)] + [refuse]


def _publisher(topic: sns.Topic, service: str) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": f"{service.capitalize()}Publishes",
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": Ref(topic),
    }
    # EventBridge sends no source account to SNS; with the condition its events are dropped without a word.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    if service != "events":
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}
    return statement


def _evidence_bucket(stack: StackBuilder, site: Site) -> None:
    bucket = stack.add(
        s3.Bucket(
            "EvidenceBucket",
            **_bucket_safety(),
            **_KEEP,
            **_object_lock(site),
            BucketEncryption=_encryption("aws:kms", _evidence_key(site)),
            LifecycleConfiguration=s3.LifecycleConfiguration(Rules=_evidence_rules(site)),
            Metadata=_skip(CKV_AWS_18="CloudTrail data events record access; the records are chained and signed"),
        )
    )
    stack.add(_tls_only(bucket))
    stack.output("EvidenceBucketName", Ref(bucket))


def _evidence_seals(stack: StackBuilder, site: Site) -> None:
    """The key that signs the heads of runs, which no drill role may use, and the one of keyed fingerprints."""
    drills = Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/*{site.prefix}-drill-*")
    apart = {
        "Sid": "DrillsDoNotSign",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "kms:Sign",
        "Resource": "*",
        # A pattern, for the roles come after the key and a key policy names nobody who does not exist.
        "Condition": {"ArnLike": {"aws:PrincipalArn": drills}},
    }
    _seal(stack, site, "evidence-signing", "ECC_NIST_P256", "SIGN_VERIFY", [apart])
    _seal(stack, site, "evidence-fingerprints", "HMAC_256", "GENERATE_VERIFY_MAC", [])


def _seal(stack: StackBuilder, site: Site, purpose: str, spec: str, usage: str, more: list[dict[str, Any]]) -> None:
    account = keys.account_statement(account=to_json(Ref("AWS::AccountId")), partition=to_json(Ref("AWS::Partition")))
    made = kms.Key(
        logical_id(purpose, "Key"),
        Description=f"baseops {site.name}: {purpose}",
        KeySpec=spec,
        PendingWindowInDays=30,
        KeyPolicy={"Version": "2012-10-17", "Statement": [account, *more]},
        Metadata=_skip(
            CKV_AWS_7="KMS rotates symmetric encryption keys only",
            **({"CKV_AWS_33": "the one statement for everybody refuses"} if more else {}),
        ),
        **_KEEP,
    )
    # troposphere's list of usages lacks GENERATE_VERIFY_MAC.
    key = stack.add(lacking(made, KeyUsage=usage))
    stack.add(
        kms.Alias(logical_id(purpose, "KeyAlias"), AliasName=f"alias/{site.prefix}-{purpose}", TargetKeyId=Ref(key))
    )


def _evidence_key(site: Site) -> Any:
    return site.keys.get(("evidence", site.region)) or GetAtt("EvidenceKey", "Arn")


def _object_lock(site: Site) -> dict[str, Any]:
    if not site.evidence.object_lock:
        return {}
    # GOVERNANCE, never COMPLIANCE: a compliance lock ends a deletion in DELETE_FAILED.
    retention = s3.DefaultRetention(Mode="GOVERNANCE", Days=site.evidence.retention_days)
    return {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": s3.ObjectLockConfiguration(
            ObjectLockEnabled="Enabled", Rule=s3.ObjectLockRule(DefaultRetention=retention)
        ),
    }


def _evidence_rules(site: Site) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            Id="keep-as-long-as-declared",
            Status="Enabled",
            ExpirationInDays=site.evidence.retention_days,
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=site.evidence.retention_days),
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
        )
    ]


def _bucket_safety() -> dict[str, Any]:
    return {
        "PublicAccessBlockConfiguration": s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        "OwnershipControls": s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        "VersioningConfiguration": s3.VersioningConfiguration(Status="Enabled"),
    }


def _encryption(algorithm: str, key: Any = None) -> s3.BucketEncryption:
    default: dict[str, Any] = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key is not None else {})}
    return s3.BucketEncryption(
        ServerSideEncryptionConfiguration=[
            s3.ServerSideEncryptionRule(
                BucketKeyEnabled=key is not None,
                ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(**default),
            )
        ]
    )


def _tls_only(bucket: s3.Bucket) -> s3.BucketPolicy:
    return s3.BucketPolicy(
        f"{bucket.title}Policy",
        Bucket=Ref(bucket),
        PolicyDocument={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "RefusePlainHttp",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "s3:*",
                    "Resource": [GetAtt(bucket, "Arn"), Sub(f"${{{bucket.title}.Arn}}/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    )


def _drill_roles(stack: StackBuilder, site: Site, needs: Sequence[Needs]) -> None:
    """A role for each allowed class, which may observe too. None may touch evidence: the runner keeps it."""
    for drill_class in get_args(DrillClass):
        classes: dict[DrillClass, None] = {"observe": None, drill_class: None}
        statements = [one for kind in classes for each in needs for one in each.drill_statements.get(kind, ())]
        if drill_class in site.drills.allow:
            stack.add(_drill_role(site, drill_class, **_attached(stack, drill_class, statements)))


def _attached(stack: StackBuilder, drill_class: DrillClass, statements: list[Mapping[str, Json]]) -> dict[str, Any]:
    """The statements in the role itself while it holds them, else in managed policies beside it."""
    if sizes.size(statements) <= sizes.INLINE:
        return (
            {"Policies": [iam.Policy(PolicyName="drill", PolicyDocument=_document(statements))]} if statements else {}
        )
    made = [
        stack.add(
            iam.ManagedPolicy(
                logical_id("drill", drill_class, f"Policy{number}"),
                Description=f"What drills of class {drill_class} may do, part {number}",
                PolicyDocument=_document(part),
            )
        )
        for number, part in enumerate(sizes.packed(statements), start=1)
    ]
    return {"ManagedPolicyArns": [Ref(each) for each in made]}


def _document(statements: Sequence[Mapping[str, Json]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def _drill_role(site: Site, drill_class: DrillClass, **attached: Any) -> iam.Role:
    return iam.Role(
        logical_id("drill", drill_class, "Role"),
        RoleName=f"{site.prefix}-drill-{drill_class}",
        Description=f"What drills of class {drill_class} may do",
        AssumeRolePolicyDocument={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        **attached,
    )


def _drill_instance(stack: StackBuilder, site: Site) -> None:
    """The profile of instances that drills start: Run Command reaches them, and they reach nothing else.

    AWS's AmazonSSMManagedInstanceCore would let them read every parameter of the account besides.
    https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
    """
    name = Refs(site).drill_profile
    role = service_role("DrillInstanceRole", "ec2", [_AGENT], source_account=False)
    role.RoleName, role.Description = name, "What instances that drills start may do"
    role.Metadata = _skip(CKV_AWS_111="The agent's channels and messages have no resource that a policy could name")
    stack.add(role)
    stack.add(iam.InstanceProfile("DrillInstanceProfile", InstanceProfileName=name, Roles=[Ref(role)]))


_AGENT: Mapping[str, Json] = {
    "Sid": "BeManaged",
    "Effect": "Allow",
    "Action": [
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
        "ssm:ListAssociations",
        "ssm:ListInstanceAssociations",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
    "Resource": "*",
}


def _skip(**reasons: str) -> dict[str, Any]:
    """Metadata that tells checkov which of its checks does not apply here, and why."""
    return {"checkov": {"skip": [{"id": check, "comment": why} for check, why in sorted(reasons.items())]}}
