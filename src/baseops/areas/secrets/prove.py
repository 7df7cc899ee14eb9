"""The drills of secrets. What is observed here reads who may read, by every way there is, and never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.secrets.keys import Key, read_key
from baseops.areas.secrets.principals import Somebody, as_document, everybody
from baseops.areas.secrets.roles import role_of
from baseops.aws.errors import translated
from baseops.contract.drill import Drill, DrillContext, Evidence, inconclusive, proven, refuted
from baseops.contract.refs import Refs
from baseops.errors import NotFoundError
from baseops.semantics.policies import Context, Policy, Reading, Request, evaluate, readings

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

_MOST_NAMED = 5


@dataclass(frozen=True)
class _Value:
    """Where a value lies: the ways to read it, the key it is under, the policy of the secret itself.

    `rotators` are the names of the roles that the secret's own rotation works with.
    """

    readings: tuple[Reading, ...]
    key: Key
    resource: Policy | None = None
    rotators: frozenset[str] = frozenset()


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared secrets and parameters."""
    kept = {f"secrets.{name}": entry for name, entry in section.entries.items() if _is_secret(entry)}
    if not kept:
        return []
    return [
        Drill(
            name="secrets/readers",
            promise="each reader may read the value by IAM and resource policy, and nobody else but administrators may",
            targets=tuple(kept),
            run=partial(_readers, kept),
        )
    ]


def _is_secret(entry: Entry) -> bool:
    return bool(entry.secret) or entry.kind == "SecureString"


def _readers(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    people = everybody(ctx.clients)
    ctx.steps.add(f"evaluate {len(people)} users and roles; an organisation's own policies are left out")
    for target, entry in entries.items():
        value = _value(entry, ctx)
        if value is None:
            yield inconclusive(target, f"{entry.name} does not exist: put its value first", method="evaluated")
        else:
            yield from _judged(target, entry, value, people)


def _judged(target: str, entry: Entry, value: _Value, people: Sequence[Somebody]) -> Iterator[Evidence]:
    readers = {role_of(each).name for each in entry.readers}
    expected = readers | value.rotators | {role_of(each).name for each in entry.administrators}
    able = {each.arn: each for each in people if _may_read(each, value)}
    missing = sorted(readers - {each.name for each in able.values()})
    strangers = sorted(arn for arn, each in able.items() if each.name not in expected or ":role/" not in arn)
    measures = {"principals": len(people), "able": len(able)}
    if missing:
        yield refuted(f"{target}/readers", f"cannot read it: {', '.join(missing)}", method="evaluated")
    if strangers:
        named = ", ".join(strangers[:_MOST_NAMED]) + (f" and {len(strangers) - _MOST_NAMED} more" * more(strangers))
        yield refuted(f"{target}/others", f"can read it as well: {named}", method="evaluated", measures=measures)
    if not missing and not strangers:
        names = ", ".join(sorted(each.name for each in able.values()))
        yield proven(target, f"can be read by {names or 'nobody'}", method="evaluated", measures=measures)


def more(found: Sequence[str]) -> bool:
    """Whether there are more than are named."""
    return len(found) > _MOST_NAMED


def _may_read(who: Somebody, value: _Value) -> bool:
    policies = replace(who.policies, resource=value.resource)
    requests = (Request(who.principal, each.action, each.resource, each.context) for each in value.readings)
    return any(evaluate(request, policies).allowed for request in requests) and value.key.opens_for(who)


def _value(entry: Entry, ctx: DrillContext) -> _Value | None:
    if entry.secret:
        return _secret(entry.secret, ctx)
    return _parameter(entry.name, ctx)


def _parameter(name: str, ctx: DrillContext) -> _Value | None:
    client, region = ctx.clients.client("ssm", ctx.site.region), ctx.site.region
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    with translated(f"cannot describe the parameter {name}"):
        found = client.describe_parameters(ParameterFilters=wanted)["Parameters"]
    if not found:
        return None
    arn = f"arn:aws:ssm:{region}:{ctx.account}:parameter/{name.lstrip('/')}"
    key = read_key(ctx.clients, region, str(found[0].get("KeyId", "alias/aws/ssm")), "ssm", {"PARAMETER_ARN": arn})
    return _Value(tuple(readings(name, account=ctx.account, region=region)), key)


def _secret(name: str, ctx: DrillContext) -> _Value | None:
    client = ctx.clients.client("secretsmanager", ctx.site.region)
    try:
        with translated(f"cannot describe the secret {name}"):
            described = client.describe_secret(SecretId=name)
            text = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
    except NotFoundError:
        return None
    tags = {f"secretsmanager:ResourceTag/{each['Key']}": each["Value"] for each in described.get("Tags", [])}
    tags |= {f"aws:ResourceTag/{each['Key']}": each["Value"] for each in described.get("Tags", [])}
    # BatchGetSecretValue gives nothing without GetSecretValue on the secret.
    reading = Reading("secretsmanager:GetSecretValue", str(described["ARN"]), Context(tags))
    key_id = str(described.get("KmsKeyId", "alias/aws/secretsmanager"))
    key = read_key(ctx.clients, ctx.site.region, key_id, "secretsmanager", {"SecretARN": str(described["ARN"])})
    resource = Policy.parse(as_document(text), "resource policy") if text else None
    return _Value((reading,), key, resource, _rotators(described.get("RotationLambdaARN"), ctx))


def _rotators(function: str | None, ctx: DrillContext) -> frozenset[str]:
    if not function:
        return frozenset()
    with translated(f"cannot read the function {function}"):
        answer = ctx.clients.client("lambda", ctx.site.region).get_function_configuration(FunctionName=function)
    return frozenset({str(answer["Role"]).rpartition("/")[2]})
