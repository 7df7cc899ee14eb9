"""What stands in the way of declared mail before anything is applied. Describe calls only.

DNS is read from the account's own hosted zones and from what SES itself has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.email.findings import Path, error, warning
from baseops.areas.email.hosted_zone import Hosted, read_zone
from baseops.areas.email.identities import (
    Identity,
    default_stream,
    identities,
    inbound_rules,
    rule_set_name,
    streams,
)
from baseops.areas.email.readers import readers
from baseops.areas.email.reading import account_state, exists, identity_state, is_ours, sandboxed
from baseops.areas.email.records import Signing, expected
from baseops.areas.email.senders import senders
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.errors import NotFoundError
from baseops.semantics.mail import ses
from baseops.semantics.mail.addresses import is_within
from baseops.semantics.roles import Role

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's clients and answers.


def obstacles(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """Everything that apply would fail on, or that somebody should know before it."""
    found = identities(section)
    return [
        *_of_account(found, clients),
        *(finding for identity in found for finding in _of_identity(identity, found, site, clients)),
        *_of_roles(found, site, clients),
        *_of_inbound(section, site, clients),
    ]


def _of_account(found: list[Identity], clients: Clients) -> Iterator[Finding]:
    if not found:
        return
    account = account_state(clients)
    status = account.get("EnforcementStatus", "HEALTHY")
    if status != "HEALTHY" or not account.get("SendingEnabled", True):
        severity = Severity.WARNING if status == "PROBATION" else Severity.ERROR
        yield Finding(
            severity,
            "email.under-review",
            ("email",),
            f"SES has the account at {status}" + ("" if account.get("SendingEnabled", True) else " and sends nothing"),
            "Answer the case in the AWS Support Center that SES opened",
        )
    quota = account.get("SendQuota", {})
    most, sent = quota.get("Max24HourSend", -1), quota.get("SentLast24Hours", 0)
    headroom = max(identity.entry.promise.headroom for identity in found)
    if most > 0 and sent > most * (1 - headroom):
        yield warning(
            "quota",
            ("email",),
            f"{sent:.0f} of {most:.0f} messages of the daily quota are used, which leaves less than {headroom:.0%}",
            "Ask for a higher sending quota in Service Quotas",
        )
    yield from sandboxed(clients)


def _of_identity(identity: Identity, others: list[Identity], site: Site, clients: Clients) -> Iterator[Finding]:
    answer = identity_state(clients, identity)
    if not identity.entry.managed:
        if answer is None:
            yield error(
                "identity-missing",
                identity.path,
                f"{identity.key} is declared with managed: false, and SES in {site.region} has no such identity",
                "Remove managed: false to have it made, or name the region where it is",
            )
        return
    ours = answer is not None and is_ours(answer, site)
    if answer is not None and not ours:
        yield from _of_existing(identity, answer, others, site)
    yield from _of_zone(identity, answer, site, clients, is_new=not ours)
    yield from _of_own_key(identity, clients)
    for stream in streams(identity, site.prefix, others):
        if stream.settings.dedicated_pool and not exists(
            clients, "sesv2", "get_dedicated_ip_pool", PoolName=stream.settings.dedicated_pool
        ):
            yield error(
                "pool-missing",
                (*stream.path, "dedicated_pool"),
                f"there is no pool of dedicated addresses called {stream.settings.dedicated_pool} in {site.region}",
                "Make it with: aws sesv2 create-dedicated-ip-pool --pool-name NAME, or remove dedicated_pool",
            )


def _of_existing(
    identity: Identity, answer: Mapping[str, Any], others: list[Identity], site: Site
) -> Iterator[Finding]:
    ours, theirs = default_stream(identity, site.prefix, others).name, answer.get("ConfigurationSetName")
    change = (
        f"; its default configuration set becomes {ours} instead of {theirs}" if theirs not in (None, "", ours) else ""
    )
    yield Finding(
        Severity.WARNING if change else Severity.NOTE,
        "email.identity-exists",
        identity.path,
        f"{identity.key} exists in SES already and will be imported{change}",
        "Write managed: false if somebody else looks after it",
    )


def _of_zone(
    identity: Identity, answer: Mapping[str, Any] | None, site: Site, clients: Clients, *, is_new: bool
) -> Iterator[Finding]:
    if identity.zone is None or identity.is_address:
        return
    path = (*identity.path, "dns", "zone")
    try:
        hosted = read_zone(clients, identity.zone)
    except NotFoundError:
        yield error(
            "zone-missing",
            path,
            f"this account has no hosted zone {identity.zone}",
            "Write dns: print and give the printed records to the account that has the zone",
        )
        return
    yield from _of_hosted(identity, hosted, path)
    if is_new:
        yield from _of_records(identity, answer, hosted, site)


def _of_hosted(identity: Identity, hosted: Hosted, path: Path) -> Iterator[Finding]:
    if not is_within(identity.name, hosted.domain):
        yield error(
            "zone-of-another",
            path,
            f"the hosted zone is that of {hosted.domain}, and {identity.key} does not lie within it",
            f"Write the id of the zone of {identity.name}",
        )
    if hosted.is_private:
        yield error(
            "zone-private",
            path,
            f"the hosted zone of {hosted.domain} is private: SES and receivers do not see it",
            "Write the id of the public zone",
        )


def _of_records(identity: Identity, answer: Mapping[str, Any] | None, hosted: Hosted, site: Site) -> Iterator[Finding]:
    """Records that are there already: CloudFormation can neither import nor replace them."""
    signing = Signing.of(answer) if answer else Signing()
    for each in ses.compare(expected(identity, site.region, signing), hosted.records):
        is_dmarc = each.record.name.startswith("_dmarc.")
        if each.state in ("missing", "unknown") or (is_dmarc and not identity.entry.dmarc.create):
            continue
        if each.record.name == identity.name:
            continue  # the domain's own MX is never made here
        yield error(
            "dmarc-exists" if is_dmarc else "record-exists",
            (*identity.path, "dmarc", "create") if is_dmarc else (*identity.path, "dns"),
            f"the zone has {each.record.type} {each.record.name} already ({', '.join(each.found)})",
            "An existing policy is never touched: remove create"
            if is_dmarc
            else "Write dns: print and leave it as it is, or delete the record first",
        )


def _of_own_key(identity: Identity, clients: Clients) -> Iterator[Finding]:
    own = identity.entry.dkim.own_key
    if own and not exists(clients, "secretsmanager", "describe_secret", SecretId=own.private_key):
        yield error(
            "dkim-key-missing",
            (*identity.path, "dkim", "own_key", "private_key"),
            f"there is no secret {own.private_key} with the private key",
            f"Declare it under secrets and put its value: baseops secrets put {own.private_key}",
        )


def _of_roles(found: list[Identity], site: Site, clients: Clients) -> Iterator[Finding]:
    for identity in found:
        if not identity.entry.managed or identity.entry.attach != "inline":
            continue
        roles: list[tuple[Path, Role]] = [
            ((*identity.path, "senders", each.reference), each) for each in senders(identity, site)
        ]
        for stream in streams(identity, site.prefix, found):
            roles += [((*stream.path, "events", "readers"), each) for each in readers(stream, site)]
        for path, role in roles:
            if not exists(clients, "iam", "get_role", RoleName=role.name):
                yield error(
                    "role-missing",
                    path,
                    f"there is no role {role.name} in the account",
                    "Make the role first, or write attach: print",
                )


def _of_inbound(section: Section, site: Site, clients: Clients) -> Iterator[Finding]:
    rules = inbound_rules(section)
    if not rules:
        return
    for identity, key, rule in rules:
        if rule.to.bucket and not exists(clients, "s3", "head_bucket", Bucket=rule.to.bucket):
            yield error(
                "bucket-missing",
                (*identity.path, "inbound", key, "to", "bucket"),
                f"there is no bucket {rule.to.bucket}",
                "Remove bucket to get one of our own",
            )
    claimed = section.account.receipt_rule_set
    name = rule_set_name(section, site.prefix)
    if claimed == "own":
        with translated("cannot read the active receipt rule set"):
            active = (
                clients.client("ses", site.region).describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
            )
        if active and active != name:
            yield warning(
                "rule-set-replaced",
                ("account", "email", "receipt_rule_set"),
                f"{active} is the active receipt rule set now, and its rules stop working when {name} takes its place",
                f"Write receipt_rule_set: {active} to add the rules to it instead",
            )
    elif not exists(clients, "ses", "describe_receipt_rule_set", RuleSetName=name):
        yield error(
            "rule-set-missing",
            ("account", "email", "receipt_rule_set"),
            f"there is no receipt rule set {name} in {site.region}",
            "Write receipt_rule_set: own",
        )
