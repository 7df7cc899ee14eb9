"""Senders in other accounts: SES asks the identity's policy as well as theirs, and CloudFormation has no type for it.

https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from baseops.areas.email.identities import Identity
from baseops.areas.email.senders import senders
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import Site
from baseops.contract.types import AreaName, Json
from baseops.semantics.mail.addresses import fold
from baseops.semantics.partitions import partition_of


@dataclass(frozen=True)
class IdentityPolicy:
    """The policy of an identity that lets another account send from it; that account decides by which role."""

    region: str
    identity: str
    slug: str
    name: str
    document: Mapping[str, Json] = field(hash=False)
    area: AreaName = field(default="email", init=False)
    singleton: bool = field(default=False, init=False)
    claimed_at_once: bool = field(default=False, init=False)

    @property
    def id(self) -> str:
        """By identity and policy, in letters that Parameter Store takes."""
        return f"email/identity-policy/{self.slug}/{self.name}"

    @property
    def desired(self) -> Json:
        """The document."""
        return dict(self.document)

    def read(self, clients: Clients) -> Json:
        """AWS call: ses:GetEmailIdentityPolicies."""
        with translated(f"cannot read the policies of the identity {self.identity}"):
            answer = clients.client("sesv2", self.region).get_email_identity_policies(EmailIdentity=self.identity)
        text = answer.get("Policies", {}).get(self.name)
        found: Json = json.loads(text) if text else None
        return found

    def write(self, clients: Clients) -> None:
        """AWS calls: ses:CreateEmailIdentityPolicy or ses:UpdateEmailIdentityPolicy."""
        self._put(clients, self.desired)

    def restore(self, clients: Clients, former: Json) -> None:
        """Give back the former document, or take ours away."""
        if former is not None:
            self._put(clients, former)
            return
        with translated(f"cannot delete the policy {self.name} of the identity {self.identity}"):
            clients.client("sesv2", self.region).delete_email_identity_policy(
                EmailIdentity=self.identity, PolicyName=self.name
            )

    def unset_reason(self, current: Json) -> str:  # noqa: ARG002  # the protocol's signature
        """Apply can always write it."""
        return ""

    def _put(self, clients: Clients, document: Json) -> None:
        sesv2 = clients.client("sesv2", self.region)
        put = sesv2.create_email_identity_policy if self.read(clients) is None else sesv2.update_email_identity_policy
        with translated(f"cannot write the policy {self.name} of the identity {self.identity}"):
            put(EmailIdentity=self.identity, PolicyName=self.name, Policy=json.dumps(document))


def identity_policies(found: Sequence[Identity], site: Site) -> list[IdentityPolicy]:
    """One policy for each identity and other account that sends from it."""
    return [
        IdentityPolicy(
            site.region,
            identity.name,
            identity.slug,
            f"{site.prefix}-{account}",
            _document(identity, account, patterns, site),
        )
        for identity in found
        for account, patterns in _patterns_by_account(identity, site).items()
    ]


def _patterns_by_account(identity: Identity, site: Site) -> dict[str, list[str]]:
    patterns: dict[str, list[str]] = {}
    for sender in senders(identity, site):
        if sender.account:
            patterns.setdefault(sender.account, []).extend(fold(each) for each in sender.patterns)
    return {account: sorted(set(each)) for account, each in patterns.items()}


def _document(identity: Identity, account: str, patterns: list[str], site: Site) -> dict[str, Json]:
    partition = partition_of(site.region)
    statement: dict[str, Json] = {
        "Sid": f"Account{account}Sends",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": f"arn:{partition}:ses:{site.region}:{site.accounts[0]}:identity/{identity.name}",
        "Condition": {"StringLike": {"ses:FromAddress": [*patterns]}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
