"""Reads the state of SES in an account, and whether things exist; describe calls only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from baseops.areas.email.findings import warning
from baseops.areas.email.identities import Identity
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.errors import NotFoundError

# Any: botocore's clients and answers.


def account_state(clients: Clients) -> Mapping[str, Any]:
    """AWS call: ses:GetAccount."""
    with translated("cannot read the account's state in SES"):
        answer: Mapping[str, Any] = clients.client("sesv2").get_account()
    return answer


def identity_state(clients: Clients, identity: Identity) -> Mapping[str, Any] | None:
    """AWS call: ses:GetEmailIdentity; None where SES has no such identity."""
    try:
        with translated(f"cannot read the identity {identity.name}"):
            answer: Mapping[str, Any] = clients.client("sesv2").get_email_identity(EmailIdentity=identity.name)
    except NotFoundError:
        return None
    return answer


def configuration_set(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """AWS call: ses:GetConfigurationSet; None where SES has no such set."""
    try:
        with translated(f"cannot read the configuration set {name}"):
            answer: Mapping[str, Any] = clients.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    except NotFoundError:
        return None
    return answer


def event_destinations(clients: Clients, name: str) -> list[Mapping[str, Any]] | None:
    """AWS call: ses:GetConfigurationSetEventDestinations; None where SES has no such set."""
    try:
        with translated(f"cannot read the event destinations of {name}"):
            answer = clients.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)
    except NotFoundError:
        return None
    return list(answer.get("EventDestinations", []))


def dedicated_addresses(clients: Clients) -> dict[str, list[str]]:
    """The account's dedicated addresses by pool. AWS call: ses:GetDedicatedIps."""
    found: dict[str, list[str]] = {}
    more: dict[str, str] = {}
    while True:
        with translated("cannot read the account's dedicated addresses"):
            page = clients.client("sesv2").get_dedicated_ips(**more)
        for each in page.get("DedicatedIps", []):
            found.setdefault(str(each.get("PoolName", "")), []).append(str(each["Ip"]))
        if not page.get("NextToken"):
            return found
        more["NextToken"] = page["NextToken"]


def exists(clients: Clients, service: str, operation: str, **names: str) -> bool:
    """Whether a describe call finds what it names."""
    try:
        with translated(f"cannot look for {', '.join(names.values())}"):
            getattr(clients.client(service), operation)(**names)
    except NotFoundError:
        return False
    return True


def is_ours(answer: Mapping[str, Any], site: Site) -> bool:
    """Whether the tags of an identity say that this declaration made or imported it."""
    return {"Key": DECLARATION_TAG, "Value": site.name} in answer.get("Tags", [])


def sandboxed(clients: Clients) -> Iterator[Finding]:
    """Says so while the account sends to verified addresses only. AWS call: ses:GetAccount."""
    if not account_state(clients).get("ProductionAccessEnabled", False):
        yield warning(
            "no-production-access",
            ("email",),
            "the account is in SES's sandbox: it sends only to verified addresses, 200 messages a day",
            "Ask for production access: aws sesv2 put-account-details --production-access-enabled --mail-type "
            "TRANSACTIONAL --website-url https://… --contact-language EN",
        )
