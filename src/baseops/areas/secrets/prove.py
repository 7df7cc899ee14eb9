"""The drills of secrets. What is observed here reads who may read, by every way there is, and never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

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
    """Where a value lies: the ways to read it, and the policy of the secret itself."""

    readings: tuple[Reading, ...]
    resource: Policy | None = None


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
    ctx.steps.add(f"evaluate {len(people)} users and roles; keys' policies and those of an organisation are left out")
    for target, entry in entries.items():
        value = _value(entry, ctx)
        if value is None:
            yield inconclusive(target, f"{entry.name} does not exist: put its value first", method="evaluated")
        else:
            yield from _judged(target, entry, value, people)


def _judged(target: str, entry: Entry, value: _Value, people: Sequence[Somebody]) -> Iterator[Evidence]:
    readers = {role_of(each).name for each in entry.readers}
    expected = readers | {role_of(each).name for each in entry.administrators}
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
    return any(evaluate(request, policies).allowed for request in requests)


def _value(entry: Entry, ctx: DrillContext) -> _Value | None:
    if entry.secret:
        return _secret(entry.secret, ctx)
    name = entry.name if entry.name.startswith("/") else f"/{entry.name}"
    return _Value(tuple(readings(name, account=ctx.account, region=ctx.site.region)))


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
    return _Value((reading,), Policy.parse(as_document(text), "resource policy") if text else None)
