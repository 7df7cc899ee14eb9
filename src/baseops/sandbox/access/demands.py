"""Everything that a call needs of IAM: its own action on each resource, and what it entails. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baseops.sandbox.access import context, resources, state
from baseops.sandbox.access.actions import action_of
from baseops.sandbox.access.demand import Demand, Place
from baseops.sandbox.access.ec2_resources import new_arn
from baseops.sandbox.access.key_uses import key_uses

# Any: members of AWS's shapes.
Members = Mapping[str, Any]

# Members that hand a role to a service, which needs iam:PassRole.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_PASSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("lambda", "CreateFunction"): ("Role", "lambda.amazonaws.com"),
    ("lambda", "UpdateFunctionConfiguration"): ("Role", "lambda.amazonaws.com"),
    ("dlm", "CreateLifecyclePolicy"): ("ExecutionRoleArn", "dlm.amazonaws.com"),
    ("dlm", "UpdateLifecyclePolicy"): ("ExecutionRoleArn", "dlm.amazonaws.com"),
    ("imagebuilder", "CreateLifecyclePolicy"): ("executionRole", "imagebuilder.amazonaws.com"),
    ("cloudformation", "CreateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "UpdateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "CreateChangeSet"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("logs", "PutSubscriptionFilter"): ("roleArn", "logs.amazonaws.com"),
    ("events", "PutRule"): ("RoleArn", "events.amazonaws.com"),
    ("cloudtrail", "CreateTrail"): ("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),
}

# Operations that tag what they make need leave to tag, too.
_TAGGED: Mapping[tuple[str, str], str] = {
    ("secretsmanager", "CreateSecret"): "secretsmanager:TagResource",
    ("ssm", "PutParameter"): "ssm:AddTagsToResource",
    ("logs", "CreateLogGroup"): "logs:TagResource",
    ("sns", "CreateTopic"): "sns:TagResource",
    ("sqs", "CreateQueue"): "sqs:TagQueue",
    ("cloudwatch", "PutMetricAlarm"): "cloudwatch:TagResource",
    ("kms", "CreateKey"): "kms:TagResource",
    ("iam", "CreateRole"): "iam:TagRole",
    ("iam", "CreatePolicy"): "iam:TagPolicy",
    ("lambda", "CreateFunction"): "lambda:TagResource",
    ("dlm", "CreateLifecyclePolicy"): "dlm:TagResource",
    ("sesv2", "CreateConfigurationSet"): "ses:TagResource",
    ("sesv2", "CreateEmailIdentity"): "ses:TagResource",
}


def demands_of(service: str, operation: str, members: Members, place: Place) -> Iterator[Demand]:
    """What the caller needs; a session of a role that it may not assume is another matter."""
    arns = resources.resources_of(service, operation, members, place)
    keys = {**context.tag_keys(members), **context.service_keys(service, operation, members, place)}
    action = _action(service, operation, members)
    for arn in arns:
        owner = _bucket_owner(arn) if service == "s3" else ""
        yield Demand(action, arn, owner, {**context.resource_keys(arn, place), **_keys_for(arn, keys, members)})
    yield from _tagging(service, operation, members, arns, keys, place)
    yield from _passing(service, operation, members)
    further = _FURTHER.get((service, operation))
    if further:
        yield from further(members, place, keys)
    yield from (use.demand(place) for use in key_uses(service, operation, members, place) if use.key)


def _action(service: str, operation: str, members: Members) -> str:
    raw = operation == "SendEmail" and service == "sesv2" and "Raw" in (members.get("Content") or {})
    if raw:
        return "ses:SendRawEmail"
    if service == "sesv2" and operation == "SendEmail" and "Template" in (members.get("Content") or {}):
        return "ses:SendTemplatedEmail"
    if service == "s3" and members.get("VersionId") and operation in {"GetObject", "HeadObject", "DeleteObject"}:
        return {"DeleteObject": "s3:DeleteObjectVersion"}.get(operation, "s3:GetObjectVersion")
    return action_of(service, operation)


def _keys_for(arn: str, keys: Mapping[str, Any], members: Members) -> Mapping[str, Any]:
    """EC2 gives each resource the tags that the request has for its kind: none for what it is made from.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    specifications = members.get("TagSpecifications")
    if ":ec2:" not in arn or specifications is None:
        return keys
    others = {key: value for key, value in keys.items() if not key.startswith(("aws:RequestTag/", "aws:TagKeys"))}
    kind = arn.split(":", 5)[5].partition("/")[0] if arn.endswith("*") else ""
    own = [each for each in specifications if each.get("ResourceType") == kind]
    return {**others, **context.tag_keys({"TagSpecifications": own})}


def _tagging(
    service: str, operation: str, members: Members, arns: tuple[str, ...], keys: Mapping[str, Any], place: Place
) -> Iterator[Demand]:
    if service == "ec2" and operation not in {"CreateTags", "DeleteTags"}:
        for each in members.get("TagSpecifications") or []:
            arn = new_arn(place, str(each.get("ResourceType") or "*"))
            own = _keys_for(arn, keys, members)
            yield Demand("ec2:CreateTags", arn, context={**own, "ec2:CreateAction": operation})
        return
    action = _TAGGED.get((service, operation))
    if action and any(True for _ in context.request_tags(members)):
        for arn in arns:
            yield Demand(action, arn, context=dict(keys))


def _passing(service: str, operation: str, members: Members) -> Iterator[Demand]:
    member, to = _PASSED.get((service, operation), ("", ""))
    if member and members.get(member):
        yield Demand("iam:PassRole", str(members[member]), context={"iam:PassedToService": to})


def _bucket_owner(arn: str) -> str:
    if not arn.startswith("arn:aws:s3:::"):
        return ""
    found = state.bucket(arn.split(":", 5)[5].partition("/")[0])
    return str(found.account_id) if found is not None else ""


def _missing_object(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    """Who may not list a bucket does not learn that an object is missing.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (Permissions)
    """
    name = str(members["Bucket"])
    if state.bucket(name) is not None and not state.has_object(name, str(members["Key"])):
        arn = f"arn:aws:s3:::{name}"
        yield Demand("s3:ListBucket", arn, _bucket_owner(arn))


def _copied_object(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    source = members.get("CopySource")
    text = f"{source['Bucket']}/{source['Key']}" if isinstance(source, Mapping) else str(source or "")
    arn = f"arn:aws:s3:::{text.removeprefix('/').partition('?')[0]}"
    yield Demand("s3:GetObject", arn, _bucket_owner(arn))


def _instance_role(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    profile = members.get("IamInstanceProfile") or {}
    name = str(profile.get("Name") or str(profile.get("Arn") or "").rpartition("/")[2])
    for role in state.profile_roles(place, name) if name else ():
        yield Demand("iam:PassRole", role, context={"iam:PassedToService": "ec2.amazonaws.com"})


def _filtered_secrets(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html."""
    if members.get("Filters"):
        yield Demand("secretsmanager:ListSecrets")


def _rotation_function(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    """The function that is named, or else the one that the secret has already.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    known = state.secret(place, str(members.get("SecretId") or ""))
    function = members.get("RotationLambdaARN") or (known.rotation.function if known is not None else None)
    if function:
        yield Demand("lambda:InvokeFunction", str(function))


def _automation_role(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    """The role that the document names, or that its parameter does.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-iam.html
    """
    given = (members.get("Parameters") or {}).get("AutomationAssumeRole") or []
    for arn in [*given, *state.automation_roles(place, str(members["DocumentName"]))]:
        yield Demand("iam:PassRole", str(arn), context={"iam:PassedToService": "ssm.amazonaws.com"})


def _targets(members: Members, place: Place, keys: Mapping[str, Any]) -> Iterator[Demand]:
    for target in members.get("Targets") or []:
        if target.get("RoleArn"):
            yield Demand(
                "iam:PassRole", str(target["RoleArn"]), context={"iam:PassedToService": "events.amazonaws.com"}
            )


_FURTHER: Mapping[tuple[str, str], Callable[[Members, Place, Mapping[str, Any]], Iterator[Demand]]] = {
    ("s3", "GetObject"): _missing_object,
    ("s3", "HeadObject"): _missing_object,
    ("s3", "CopyObject"): _copied_object,
    ("ec2", "RunInstances"): _instance_role,
    ("secretsmanager", "BatchGetSecretValue"): _filtered_secrets,
    ("secretsmanager", "RotateSecret"): _rotation_function,
    ("ssm", "StartAutomationExecution"): _automation_role,
    ("events", "PutTargets"): _targets,
}
