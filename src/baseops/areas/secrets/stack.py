"""The declared secrets and parameters as CloudFormation; values are never among them.

A secret is kept when its stack goes; a SecureString is no resource at all (CloudFormation has no type for it) but a
setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import AWSObject, GetAtt, Ref, cloudwatch, iam, secretsmanager, ssm

from baseops.areas.secrets import access, canary, drill_permissions, reading, rotation_function
from baseops.areas.secrets.frozen import fingerprints, generation, refuse_changes
from baseops.areas.secrets.rotation import LONGEST, POSTGRES_SINGLE_USER, schedule_expression, window_hours
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import alarm, rule_to_topic
from baseops.cloudformation.resources import logical_id
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.types import Json

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Rotation, Section


def needs(section: Section, site: Site) -> Needs:
    """Keys where secrets are kept, the rotation's package, and alarms that publish when it fails."""
    managed = [entry for entry in section.entries.values() if entry.managed]
    rotations = [entry.rotation for entry in managed if entry.rotation]
    ours = [rotation for rotation in rotations if rotation.function == POSTGRES_SINGLE_USER]
    artifacts = {each.key: each for each in (rotation_function.artifact(rotation, site) for rotation in ours)}
    return Needs(
        keys=tuple(_key_needs(managed, site, has_function=bool(ours))),
        publishers={site.region: frozenset({"cloudwatch", "events"})} if rotations else {},
        artifacts=tuple(artifacts.values()),
        drill_statements=drill_permissions.statements(section, site),
        frozen=fingerprints(section),
    )


def _key_needs(managed: list[Entry], site: Site, *, has_function: bool) -> list[KeyNeed]:
    services: set[str] = set()
    for entry in managed:
        if entry.key is None and entry.secret:
            services |= {"secretsmanager"} | ({"lambda"} if has_function and entry.rotation else set())
        if entry.key is None and entry.parameter and entry.kind == "SecureString":
            services.add("ssm")
    needed = [KeyNeed("secrets", site.region, frozenset(services))] if services else []
    regions = sorted({region for entry in managed for region in entry.replicas})
    needed += [KeyNeed("secrets", region, frozenset({"secretsmanager"})) for region in regions]
    return [*needed, KeyNeed("logs", site.region, frozenset({"logs"}))] if has_function else needed


def build(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Add every managed entry, then what each reader may read.

    Raises `CompileError` when a secret was first applied with another `generate`.
    """
    for name, entry in section.entries.items():
        if not entry.managed:
            continue
        with stack.unit(name):
            if entry.parameter:
                _add_parameter(name, entry, stack)
                continue
            refuse_changes(name, entry, refs.lock)
            _add_secret(name, entry, stack, refs)
            if entry.rotation and canary.is_declared(entry):
                _add_canary(name, canary.entry_of(entry), entry.rotation, stack, refs)
    for name, entry in section.entries.items():
        if entry.instances:
            with stack.unit(name):
                stack.add(_reading(name, entry, stack))
    for policy in access.reader_policies(section, stack.site, lambda region: _key(stack, refs, region)):
        _add_reader(policy, stack)


def build_region(section: Section, stack: StackBuilder, refs: Refs) -> None:
    """Nothing: a replica is made by its secret, and the region's key by the foundation."""


def _reading(name: str, entry: Entry, stack: StackBuilder) -> ssm.Document:
    return ssm.Document(
        logical_id(name, "ReadDocument"),
        Name=reading.document_name(name, stack.site),
        DocumentType="Command",
        DocumentFormat="JSON",
        Content=reading.document(entry, stack.region),
        UpdateMethod="NewVersion",
    )


def _key(stack: StackBuilder, refs: Refs, region: str) -> Any:
    return stack.use(refs.key("secrets", region))


def _add_parameter(name: str, entry: Entry, stack: StackBuilder) -> None:
    if entry.kind == "SecureString":
        return
    optional = {"Description": entry.description, "Tier": entry.tier}
    stack.add(
        ssm.Parameter(
            logical_id(name, "Parameter"),
            Name=entry.name,
            Type=entry.kind,
            Value=entry.value,
            # Somebody may have made it already: only what is retained can be taken over.
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            **{key: value for key, value in optional.items() if value is not None},
        )
    )


def _add_canary(name: str, entry: Entry, rotation: Rotation, stack: StackBuilder, refs: Refs) -> None:
    """The secret that drills rotate, and its own copy of the function; only a drill ever rotates it, so no alarm."""
    title = canary.name_of(name)
    secret = _add_value(title, entry, stack, refs)
    function, _, permission = rotation_function.add_function(title, entry, rotation, secret, stack, refs)
    rules: dict[str, Json] = {"ScheduleExpression": f"rate({LONGEST.days} days)"}
    schedule = _schedule(title, secret, GetAtt(function, "Arn"), rules)
    schedule.DependsOn = [permission.title]
    stack.add(schedule)


def _add_secret(name: str, entry: Entry, stack: StackBuilder, refs: Refs) -> None:
    secret = _add_value(name, entry, stack, refs)
    role = _add_rotation(name, entry, entry.rotation, secret, stack, refs) if entry.rotation else None
    if entry.resource_policy:
        _add_resource_policy(name, entry, secret, role, stack)


def _add_value(name: str, entry: Entry, stack: StackBuilder, refs: Refs) -> AWSObject:
    secret = secretsmanager.Secret(
        logical_id(name, "Secret"),
        Name=entry.name,
        KmsKeyId=entry.key or _key(stack, refs, stack.region),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
    )
    if entry.description:
        secret.Description = entry.description
    if entry.generate:
        secret.GenerateSecretString = secretsmanager.GenerateSecretString(**generation(entry.generate))
    if entry.replicas:
        secret.ReplicaRegions = [
            secretsmanager.ReplicaRegion(Region=region, KmsKeyId=_key(stack, refs, region)) for region in entry.replicas
        ]
    return stack.add(secret)


def _add_resource_policy(
    name: str, entry: Entry, secret: AWSObject, role: AWSObject | None, stack: StackBuilder
) -> None:
    document = access.resource_policy(entry, [GetAtt(role, "Arn")] if role else [])
    stack.add(
        secretsmanager.ResourcePolicy(
            logical_id(name, "ResourcePolicy"),
            SecretId=Ref(secret),
            ResourcePolicy=access.for_template(document),
            BlockPublicPolicy=True,
        )
    )


def _add_rotation(
    name: str, entry: Entry, rotation: Rotation, secret: AWSObject, stack: StackBuilder, refs: Refs
) -> AWSObject | None:
    """Add the schedule, the function when it is ours, and the alarm; gives the function's role when it is ours."""
    role = None
    if rotation.function == POSTGRES_SINGLE_USER:
        function, role, permission = rotation_function.add_function(name, entry, rotation, secret, stack, refs)
        arn, function_name, after = GetAtt(function, "Arn"), Ref(function), [permission.title]
    else:
        arn, function_name, after = rotation.function, str(rotation.function).split(":")[6], []
    rules: dict[str, Json] = {"ScheduleExpression": schedule_expression(rotation)}
    if window_hours(rotation):
        rules["Duration"] = window_hours(rotation)
    schedule = _schedule(name, secret, arn, rules)
    if after:
        schedule.DependsOn = after
    stack.add(schedule)
    _add_alerts(name, entry, secret, function_name, stack, refs)
    return role


def _schedule(name: str, secret: AWSObject, function: Any, rules: dict[str, Json]) -> secretsmanager.RotationSchedule:
    return secretsmanager.RotationSchedule(
        logical_id(name, "RotationSchedule"),
        SecretId=Ref(secret),
        RotationLambdaARN=function,
        RotationRules=secretsmanager.RotationRules(**rules),
        # The default would rotate at once whenever the schedule changes, and lock an application out at deploy time.
        RotateImmediatelyOnUpdate=False,
    )


def _add_alerts(name: str, entry: Entry, secret: AWSObject, function: Any, stack: StackBuilder, refs: Refs) -> None:
    """An alarm on the function's errors, and a rule for rotations that Secrets Manager gave up without one.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
    """
    stack.add(
        alarm(
            logical_id(name, "RotationFailedAlarm"),
            name=f"{stack.site.prefix}-secrets-{name}-rotation-failed",
            topic=stack.use(refs.topic()),
            AlarmDescription=f"The function that rotates {entry.name} failed; the value in use has not changed.",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[cloudwatch.MetricDimension(Name="FunctionName", Value=function)],
        )
    )
    pattern = {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS Service Event via CloudTrail"],
        "detail": {
            "eventName": ["RotationAbandoned", "RotationFailed"],
            "additionalEventData": {"SecretId": [Ref(secret)]},
        },
    }
    stack.add(
        rule_to_topic(
            logical_id(name, "RotationFailedRule"),
            description=f"A rotation of {entry.name} failed or was given up",
            pattern=pattern,
            topic=stack.use(refs.topic()),
        )
    )


def _add_reader(policy: access.ReaderPolicy, stack: StackBuilder) -> None:
    document = access.for_template(dict(policy.document))
    title = logical_id(policy.role.name, "Reads")
    with stack.unit(f"reader/{policy.role.name}"):
        if policy.attach == "inline":
            stack.add(
                iam.RolePolicy(
                    title,
                    RoleName=policy.role.name,
                    PolicyName=f"{stack.site.prefix}-secrets",
                    PolicyDocument=document,
                )
            )
        elif policy.attach == "policy":
            made = stack.add(
                iam.ManagedPolicy(
                    title + "Policy",
                    Description=f"What {policy.role.name} reads of the secrets of {stack.site.name}",
                    PolicyDocument=document,
                )
            )
            stack.output(f"{title}PolicyArn", Ref(made))
