"""Who could send as whom by our policies alone, evaluated as IAM would (semantics.policies); no account is asked.

Whatever else a role is allowed in a real account is for the drills.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from baseops.areas.email.delegation import identity_policies
from baseops.areas.email.identities import Identity, Stream, default_stream, streams
from baseops.areas.email.senders import Sender, covers, permission, senders
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.semantics.mail.addresses import fold, is_within
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate

ACTIONS = ("ses:SendEmail", "ses:SendRawEmail")


@dataclass(frozen=True)
class Mandate:
    """What one sender is declared to do, with the policy that it gets."""

    identity: Identity
    sender: Sender
    document: dict[str, Json]


def mandates(found: list[Identity], site: Site) -> list[Mandate]:
    """Every sender of every managed identity."""
    managed = [identity for identity in found if identity.entry.managed]
    return [
        Mandate(identity, sender, permission(sender, identity, managed, _sets(identity, managed, site), site))
        for identity in managed
        for sender in senders(identity, site)
    ]


def judge_senders(found: list[Identity], site: Site) -> Iterator[Finding]:
    """Senders who could not send as declared, and senders who could send as somebody else."""
    every = mandates(found, site)
    addresses = sorted({example(pattern) for each in every for pattern in each.sender.patterns})
    for mandate in every:
        own = [each for each in every if _same_role(each.sender, mandate.sender)]
        path = (*mandate.identity.path, "senders", mandate.sender.reference)
        for pattern in mandate.sender.patterns:
            refused = [action for action in ACTIONS if not may_send(action, example(pattern), own, found, site)]
            if refused:
                yield Finding(
                    Severity.ERROR,
                    "email.sender-refused",
                    path,
                    f"{mandate.sender.reference} could not send as {pattern}: {', '.join(refused)} would be refused",
                    "Declare the address where its nearest identity is declared",
                )
        patterns = tuple(pattern for each in own for pattern in each.sender.patterns)
        others = [address for address in addresses if not covers(patterns, address)]
        allowed = [address for address in others if may_send(ACTIONS[0], address, own, found, site)]
        if allowed:
            yield Finding(
                Severity.ERROR,
                "email.sends-as-others",
                path,
                f"{mandate.sender.reference} could also send as {', '.join(allowed)}",
                "Declare the addresses one by one",
            )


def may_send(action: str, address: str, own: list[Mandate], found: list[Identity], site: Site) -> bool:
    """Whether the role of these mandates may send as an address: on the identity that SES takes, and on its set."""
    identity = _taken(address, found)
    if not own or identity is None:
        return False
    principal = Principal.parse(own[0].sender.arn_in(partition_of(site.region), site.accounts[0]))
    policies = Policies(identity=tuple(Policy.parse(_dict(filled(each.document, site)), "email") for each in own))
    context = Context({"ses:FromAddress": address})
    managed = [each for each in found if each.entry.managed]
    set_name = default_stream(identity, site.prefix, managed).name
    elsewhere = own[0].sender.account
    resources = [f"identity/{identity.name}"] + ([] if elsewhere else [f"configuration-set/{set_name}"])
    prefix = f"arn:{partition_of(site.region)}:ses:{site.region}:{site.accounts[0]}:"
    requests = (Request(principal, action, f"{prefix}{resource}", context) for resource in resources)
    if elsewhere:
        own_policy = [each for each in identity_policies(found, site) if each.identity == identity.name]
        document = next((each.document for each in own_policy if each.name.endswith(elsewhere)), {})
        policies = replace(policies, resource=Policy.parse(document, "identity"))
    return all(evaluate(request, policies).allowed for request in requests)


def filled(value: Json, site: Site) -> Json:
    """A policy with its intrinsic functions filled in, to be read or pasted."""
    if isinstance(value, dict):
        text = value.get("Fn::Sub")
        if isinstance(text, str):
            return text.replace("${AWS::Partition}", partition_of(site.region)).replace(
                "${AWS::AccountId}", site.accounts[0]
            )
        return {key: filled(each, site) for key, each in value.items()}
    return [filled(each, site) for each in value] if isinstance(value, list) else value


def _taken(address: str, found: list[Identity]) -> Identity | None:
    """The identity that SES takes for an address: itself, else the nearest domain."""
    domain = address.rpartition("@")[2]
    exact = [each for each in found if each.is_address and each.name == fold(address)]
    domains = [each for each in found if not each.is_address and is_within(domain, each.name)]
    return exact[0] if exact else max(domains, key=lambda each: len(each.name), default=None)


def _sets(identity: Identity, managed: list[Identity], site: Site) -> list[Stream]:
    return streams(identity, site.prefix, managed) or [default_stream(identity, site.prefix, managed)]


def example(pattern: str) -> str:
    """An address of a pattern."""
    return fold(f"somebody{pattern[1:]}" if pattern.startswith("*@") else pattern)


def _same_role(one: Sender, other: Sender) -> bool:
    return (one.name, one.account) == (other.name, other.account)


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
