"""What can be known of secrets without AWS: who could read what, once the policies are in place.

Our own policies are evaluated as IAM would (semantics.policies): every reader reads, by every way that they need;
a role that is not declared reads by none. Whatever else a role is allowed in a real account is for the drills.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from baseops.areas.secrets import access
from baseops.contract.finding import Finding, Severity
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate, readings
from baseops.semantics.roles import Role, at_home, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

PARTITION = "aws"
STRANGER = Role("role/baseops-stranger", "baseops-stranger", "/", None)
"""A role that no declaration names."""
_NEEDED = ("ssm:GetParameter", "ssm:GetParameters")


def judge(section: Section, refs: Refs) -> list[Finding]:
    """Readers who could not read, others who could, and the policies that are printed instead of attached."""
    site = refs.site
    policies = access.reader_policies(section, site)
    found = [
        finding
        for name, entry in section.entries.items()
        if entry.managed
        for finding in _judge_entry(name, entry, policies, site)
    ]
    return [*found, *(_printed(policy, site) for policy in policies if policy.attach == "print")]


def _judge_entry(name: str, entry: Entry, policies: list[access.ReaderPolicy], site: Site) -> Iterator[Finding]:
    readers = [role for role in map(role_of, entry.readers) if at_home(role, site.accounts)]
    for role in readers:
        refused = [action for action, allowed in ways(entry, role, policies, site) if not allowed]
        needed = [action for action in refused if action in (*_NEEDED, "secretsmanager:GetSecretValue", "kms:Decrypt")]
        if needed:
            yield Finding(
                Severity.ERROR,
                "secrets.reader-refused",
                ("secrets", name, "readers"),
                f"{role.reference} could not read {entry.name}: {', '.join(needed)} would be refused",
                "Check `resource_policy` and `attach`.",
            )
    others = {policy.role.name: policy.role for policy in policies if at_home(policy.role, site.accounts)}
    strangers = [role for key, role in others.items() if key not in {each.name for each in readers}]
    administrators = {role_of(reference).name for reference in entry.administrators}
    for role in (*strangers, STRANGER):
        allowed = [action for action, is_allowed in ways(entry, role, policies, site) if is_allowed]
        if allowed and role.name not in administrators:
            yield Finding(
                Severity.ERROR,
                "secrets.read-by-others",
                ("secrets", name, "readers"),
                f"{role.reference} is no reader of {entry.name} and could read it by {', '.join(allowed)}",
                f"Give {entry.name} a name of its own that no other entry's policy covers.",
            )


def ways(entry: Entry, role: Role, policies: list[access.ReaderPolicy], site: Site) -> Iterator[tuple[str, bool]]:
    """Every action that gives the value, with whether the role could use it by our policies alone."""
    account = site.accounts[0]
    principal = Principal.parse(cast("str", access.for_account(role.arn, account, PARTITION)))
    own = tuple(_parsed(policy.document, account) for policy in policies if policy.role.name == role.name)
    if entry.parameter:
        for reading in readings(entry.name, account=account, region=site.region, partition=PARTITION):
            request = Request(principal, reading.action, reading.resource, reading.context)
            yield reading.action, evaluate(request, Policies(identity=own)).allowed
        return
    arn = cast("str", access.for_account(access.secret_arn(entry.name, site.region), account, PARTITION))
    arn = arn.replace("-??????", "-a1B2c3")
    resource = _parsed(access.resource_policy(entry), account) if entry.resource_policy else None
    reads = Request(principal, "secretsmanager:GetSecretValue", arn)
    yield "secretsmanager:GetSecretValue", evaluate(reads, Policies(identity=own, resource=resource)).allowed
    yield "kms:Decrypt", evaluate(_decrypts(entry, principal, arn, site), Policies(identity=own)).allowed


def _decrypts(entry: Entry, principal: Principal, arn: str, site: Site) -> Request:
    context = {"kms:ViaService": f"secretsmanager.{site.region}.amazonaws.com", "kms:EncryptionContext:SecretARN": arn}
    key = cast("str", entry.key or access.for_account(access.any_key(site.region), site.accounts[0], PARTITION))
    return Request(principal, "kms:Decrypt", key, Context(context))


def _parsed(document: Any, account: str) -> Policy:  # Any: a policy document
    literal = cast("dict[str, Json]", access.for_account(document, account, PARTITION))
    return Policy.parse(literal, "secrets")


def _printed(policy: access.ReaderPolicy, site: Site) -> Finding:
    text = json.dumps(access.for_account(policy.document, site.accounts[0], PARTITION), separators=(",", ":"))
    return Finding(
        Severity.NOTE,
        "secrets.policy-to-attach",
        ("secrets", policy.entries[0], "attach"),
        f"{policy.role.reference} gets nothing from baseops, as declared; without a policy of yours it cannot read",
        f"Attach to it (with the ARN of the secrets key in place of the zeros): {text}",
    )
