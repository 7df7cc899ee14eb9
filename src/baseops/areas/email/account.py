"""What only the account knows: whether it may send at all, what exists already, and what waits outside after apply.

Describe calls only; DNS is read from the account's own hosted zones and from what SES itself has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

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
from baseops.areas.email.records import Signing, dkim_records, expected
from baseops.areas.email.roles import Role
from baseops.areas.email.senders import senders
from baseops.aws.errors import translated
from baseops.cloudformation.builder import DECLARATION_TAG
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.errors import NotFoundError
from baseops.semantics.mail import dmarc, ses
from baseops.semantics.mail.addresses import is_within

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's clients and answers.
Path = tuple[str | int, ...]
_ACCOUNT: Path = ("account", "email")


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """What `check --account` says before anything is applied."""
    found = identities(section)
    return [
        *_of_account(found, clients),
        *(finding for identity in found for finding in _of_identity(identity, found, site, clients)),
        *_of_roles(found, site, clients),
        *_of_inbound(section, site, clients),
    ]


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """Nothing: email pins nothing that moves by itself."""
    return lock


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:  # noqa: ARG001  # the protocol's signature
    """What waits outside after apply: DNS records, confirmations by mail, leave to send to everybody."""
    waiting = [
        finding
        for identity in identities(section)
        if (answer := _identity(clients, identity)) is not None
        for finding in _waiting(identity, answer, clients)
    ]
    return [*waiting, *_sandboxed(clients)] if section.entries else []


# --- before apply ----------------------------------------------------------------------------------------------------


def _of_account(found: list[Identity], clients: Clients) -> Iterator[Finding]:
    if not found:
        return
    account = _account(clients)
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
        yield _warning(
            "quota",
            ("email",),
            f"{sent:.0f} of {most:.0f} messages of the daily quota are used, which leaves less than {headroom:.0%}",
            "Ask for a higher sending quota in Service Quotas",
        )
    yield from _sandboxed(clients)


def _of_identity(identity: Identity, others: list[Identity], site: Site, clients: Clients) -> Iterator[Finding]:
    answer = _identity(clients, identity)
    if not identity.entry.managed:
        if answer is None:
            yield _error(
                "identity-missing",
                identity.path,
                f"{identity.key} is declared with managed: false, and SES in {site.region} has no such identity",
                "Remove managed: false to have it made, or name the region where it is",
            )
        return
    is_ours = answer is not None and _is_ours(answer, site)
    if answer is not None and not is_ours:
        yield from _of_existing(identity, answer, others, site)
    yield from _of_zone(identity, answer, site, clients, is_ours=is_ours)
    yield from _of_own_key(identity, clients)
    for stream in streams(identity, site.prefix, others):
        if stream.settings.dedicated_pool and not _exists(
            clients, "sesv2", "get_dedicated_ip_pool", PoolName=stream.settings.dedicated_pool
        ):
            yield _error(
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
    identity: Identity, answer: Mapping[str, Any] | None, site: Site, clients: Clients, *, is_ours: bool
) -> Iterator[Finding]:
    if identity.zone is None or identity.is_address:
        return
    path = (*identity.path, "dns", "zone")
    try:
        hosted = read_zone(clients, identity.zone)
    except NotFoundError:
        yield _error(
            "zone-missing",
            path,
            f"this account has no hosted zone {identity.zone}",
            "Write dns: print and give the printed records to the account that has the zone",
        )
        return
    yield from _of_hosted(identity, hosted, path)
    if not is_ours:
        yield from _of_records(identity, answer, hosted, site)


def _of_hosted(identity: Identity, hosted: Hosted, path: Path) -> Iterator[Finding]:
    if not is_within(identity.name, hosted.domain):
        yield _error(
            "zone-of-another",
            path,
            f"the hosted zone is that of {hosted.domain}, and {identity.key} does not lie within it",
            f"Write the id of the zone of {identity.name}",
        )
    if hosted.is_private:
        yield _error(
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
        yield _error(
            "dmarc-exists" if is_dmarc else "record-exists",
            (*identity.path, "dmarc", "create") if is_dmarc else (*identity.path, "dns"),
            f"the zone has {each.record.type} {each.record.name} already ({', '.join(each.found)})",
            "An existing policy is never touched: remove create"
            if is_dmarc
            else "Write dns: print and leave it as it is, or delete the record first",
        )


def _of_own_key(identity: Identity, clients: Clients) -> Iterator[Finding]:
    own = identity.entry.dkim.own_key
    if own and not _exists(clients, "secretsmanager", "describe_secret", SecretId=own.private_key):
        yield _error(
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
            if not _exists(clients, "iam", "get_role", RoleName=role.name):
                yield _error(
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
        if rule.to.bucket and not _exists(clients, "s3", "head_bucket", Bucket=rule.to.bucket):
            yield _error(
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
            yield _warning(
                "rule-set-replaced",
                (*_ACCOUNT, "receipt_rule_set"),
                f"{active} is the active receipt rule set now, and its rules stop working when {name} takes its place",
                f"Write receipt_rule_set: {active} to add the rules to it instead",
            )
    elif not _exists(clients, "ses", "describe_receipt_rule_set", RuleSetName=name):
        yield _error(
            "rule-set-missing",
            (*_ACCOUNT, "receipt_rule_set"),
            f"there is no receipt rule set {name} in {site.region}",
            "Write receipt_rule_set: own",
        )


# --- after apply -----------------------------------------------------------------------------------------------------


def _waiting(identity: Identity, answer: Mapping[str, Any], clients: Clients) -> Iterator[Finding]:
    if identity.is_address:
        if answer.get("VerificationStatus", _verified(answer)) != "SUCCESS":
            yield _warning(
                "address-unverified",
                identity.path,
                f"{identity.key} has not followed the link that SES sent it, which is good for 24 hours",
                f"Open that mail, or have it sent again: aws ses verify-email-identity --email-address {identity.name}",
            )
        return
    yield from _waiting_dkim(identity, answer)
    yield from _waiting_mail_from(identity, answer)
    yield from _waiting_dmarc(identity, clients)


def _waiting_dmarc(identity: Identity, clients: Clients) -> Iterator[Finding]:
    """SES never looks at DMARC; a zone of this account tells, any other one nobody has asked."""
    name = f"_dmarc.{identity.name}"
    path = (*identity.path, "dmarc")
    if identity.zone is None:
        yield Finding(
            Severity.NOTE,
            "email.dmarc-unknown",
            path,
            f"whether {name} exists is not known to SES; an existing record is left as it is",
            f"Look with: dig +short TXT {name}; if there is none, add the one that baseops email dns prints",
        )
        return
    found = dmarc.find(identity.name, read_zone(clients, identity.zone).records)
    if found is None:
        yield _warning(
            "dmarc-missing",
            path,
            f"the hosted zone has no {name}, and large receivers refuse bulk mail without one",
            f"Write create: true under dmarc, or add the record that baseops email dns {identity.key} prints",
        )
    elif found[1].problems:
        yield _warning(
            "dmarc-broken",
            path,
            f"receivers ignore parts of the record at _dmarc.{found[0]}: {'; '.join(found[1].problems)}",
            "Correct the record; baseops leaves an existing one as it is",
        )


def _verified(answer: Mapping[str, Any]) -> str:
    return "SUCCESS" if answer.get("VerifiedForSendingStatus") else "PENDING"


def _waiting_dkim(identity: Identity, answer: Mapping[str, Any]) -> Iterator[Finding]:
    status = answer.get("DkimAttributes", {}).get("Status", "NOT_STARTED")
    if status == "SUCCESS":
        return
    names = [record.name for record in dkim_records(identity, Signing.of(answer))]
    if status == "FAILED":
        yield _error(
            "dkim-failed",
            identity.path,
            f"SES looked for the DKIM records of {identity.key} for {ses.MAX_DKIM_WAIT_HOURS} hours and gave up",
            f"Add the records that baseops email dns {identity.key} prints, then have SES look again: aws sesv2 "
            f"put-email-identity-dkim-attributes --email-identity {identity.name} --signing-enabled",
        )
        return
    where = "are in the hosted zone; SES looks for them" if identity.zone else "have to be added to DNS"
    yield _warning(
        "dkim-pending",
        identity.path,
        f"{identity.key} sends nothing before SES has found {len(names)} DKIM record{'s' * (len(names) != 1)}, which "
        f"{where} (up to {ses.MAX_DKIM_WAIT_HOURS} hours)",
        "Wait, and look again: baseops status" if identity.zone else f"Print them: baseops email dns {identity.key}",
    )


def _waiting_mail_from(identity: Identity, answer: Mapping[str, Any]) -> Iterator[Finding]:
    found = answer.get("MailFromAttributes", {})
    if not identity.mail_from or found.get("MailFromDomainStatus", "PENDING") == "SUCCESS":
        return
    meanwhile = "SES refuses to send" if found.get("BehaviorOnMxFailure") == "REJECT_MESSAGE" else "SPF is not aligned"
    yield _warning(
        "mail-from-pending",
        (*identity.path, "mail_from"),
        f"SES has not found the MX record of {identity.mail_from}; until it has, {meanwhile}",
        "Wait, and look again: baseops status" if identity.zone else f"Print it: baseops email dns {identity.key}",
    )


def _sandboxed(clients: Clients) -> Iterator[Finding]:
    if not _account(clients).get("ProductionAccessEnabled", False):
        yield _warning(
            "no-production-access",
            ("email",),
            "the account is in SES's sandbox: it sends only to verified addresses, 200 messages a day",
            "Ask for production access: aws sesv2 put-account-details --production-access-enabled --mail-type "
            "TRANSACTIONAL --website-url https://… --contact-language EN",
        )


# --- reading ---------------------------------------------------------------------------------------------------------


def _account(clients: Clients) -> Mapping[str, Any]:
    with translated("cannot read the account's state in SES"):
        answer: Mapping[str, Any] = clients.client("sesv2").get_account()
    return answer


def _identity(clients: Clients, identity: Identity) -> Mapping[str, Any] | None:
    try:
        with translated(f"cannot read the identity {identity.name}"):
            answer: Mapping[str, Any] = clients.client("sesv2").get_email_identity(EmailIdentity=identity.name)
    except NotFoundError:
        return None
    return answer


def _exists(clients: Clients, service: str, operation: str, **names: str) -> bool:
    try:
        with translated(f"cannot look for {', '.join(names.values())}"):
            getattr(clients.client(service), operation)(**names)
    except NotFoundError:
        return False
    return True


def _is_ours(answer: Mapping[str, Any], site: Site) -> bool:
    return {"Key": DECLARATION_TAG, "Value": site.name} in answer.get("Tags", [])


def _error(code: str, path: Path, message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, f"email.{code}", path, message, remedy)


def _warning(code: str, path: Path, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, f"email.{code}", path, message, remedy)
