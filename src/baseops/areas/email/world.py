"""What a declaration of email expects to find: roles, pools, zones with records, leave to send to everybody.

Ordinary API calls only. What comes after apply is done by `follow`: printed DNS records, and the link that SES mails.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from baseops.areas.email.identities import Identity, identities, inbound_rules, rule_set_name
from baseops.areas.email.operate.dns import list_records
from baseops.areas.email.world_instances import narrow_groups, start_instances
from baseops.areas.email.world_keys import new_private_key, public_half
from baseops.areas.email.world_zones import keep_blocklists, make_zones, public_zone, publish
from baseops.aws.errors import translated
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site
from baseops.errors import NotFoundError
from baseops.semantics.roles import role_of

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's clients and answers.
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def build(section: Section, account: SandboxAccount, site: Site) -> None:
    """Make it by ordinary API calls; what another area's world has made already stays."""
    found = identities(section)
    if not found:
        return
    _get_leave_to_send(account)
    for identity in found:
        _roles(identity, account, site)
        if identity.entry.managed:
            _own_key(identity, account)
            _pools_and_streams(identity, account)
        elif not _exists(account.client("sesv2").get_email_identity, EmailIdentity=identity.name):
            account.client("sesv2").create_email_identity(EmailIdentity=identity.name)
        start_instances(identity, account)
    make_zones(found, account)
    keep_blocklists(found, account)
    _inbound(section, account, site)


def as_made(section: Section, account: SandboxAccount) -> Section:
    """With the public halves of the DKIM keys that are in the account's secrets: only owners have those declared."""
    secrets = account.client("secretsmanager")
    entries = {}
    for identity in identities(section, managed_only=True):
        own = identity.entry.dkim.own_key
        if own is not None:
            private = secrets.get_secret_value(SecretId=own.private_key)["SecretString"]
            key = own.model_copy(update={"public_key": public_half(private)})
            dkim = identity.entry.dkim.model_copy(update={"own_key": key})
            entries[identity.key] = identity.entry.model_copy(update={"dkim": dkim})
    return section.with_entries({**section.entries, **entries}) if entries else section


def follow(section: Section, account: SandboxAccount, site: Site) -> None:
    """Add the DNS records that are printed, each to the zone of whose it is; a domain without one here gets one.

    Owners of addresses open the last mail of SES and follow its link.
    """
    by_domain = {each.name: each for each in identities(section)}
    for listed in list_records(section, site, account):
        records = [each for each in listed.records if each not in listed.made]
        identity = by_domain.get(listed.identity)
        if listed.is_complete and identity is not None:
            for owner in dict.fromkeys(each.zone for each in records):
                zone = identity.zone if owner == identity.name else None
                own = [each for each in records if each.zone == owner]
                publish(own, zone or public_zone(owner, account), account)
    for identity in by_domain.values():
        if identity.is_address:
            for text in account.inbox(identity.name)[-1:]:
                for link in (word for word in text.split() if word.startswith("https://email-verification.")):
                    account.visit(link)


def live(section: Section, account: SandboxAccount, site: Site) -> None:  # noqa: ARG001  # the protocol's signature
    """Instances that were started since are behind the same groups as those before."""
    for identity in identities(section):
        narrow_groups(identity, account)


def _get_leave_to_send(account: SandboxAccount) -> None:
    account.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=True
    )


def _roles(identity: Identity, account: SandboxAccount, site: Site) -> None:
    iam = account.client("iam")
    sets = identity.entry.configuration_sets.values()
    named = [*identity.entry.senders, *(reader for settings in sets for reader in settings.events.readers)]
    for role in (role_of(reference, site.accounts) for reference in named):
        if role.account is None and not _exists(iam.get_role, RoleName=role.name):
            iam.create_role(RoleName=role.name, Path=role.path, AssumeRolePolicyDocument=json.dumps(_TRUST))


def _own_key(identity: Identity, account: SandboxAccount) -> None:
    """A secret with a private key, which is none of the owner's: see `as_made`."""
    own = identity.entry.dkim.own_key
    secrets = account.client("secretsmanager")
    if own is not None and not _exists(secrets.describe_secret, SecretId=own.private_key):
        secrets.create_secret(Name=own.private_key, SecretString=new_private_key(own.public_key))


def _pools_and_streams(identity: Identity, account: SandboxAccount) -> None:
    sesv2, firehose = account.client("sesv2"), account.client("firehose")
    for settings in identity.entry.configuration_sets.values():
        pool = settings.dedicated_pool
        if pool and not _exists(sesv2.get_dedicated_ip_pool, PoolName=pool):
            sesv2.create_dedicated_ip_pool(PoolName=pool, ScalingMode="MANAGED")
        for place in settings.events.to:
            name = "" if isinstance(place, str) else place.firehose.rpartition("/")[2]
            if name and not _exists(firehose.describe_delivery_stream, DeliveryStreamName=name):
                _stream(name, account)


def _stream(name: str, account: SandboxAccount) -> None:
    bucket = f"{name.lower()}-{account.account_id}"
    _bucket(bucket, account)
    role = f"arn:aws:iam::{account.account_id}:role/firehose"
    account.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}"},
    )


def _inbound(section: Section, account: SandboxAccount, site: Site) -> None:
    rules = inbound_rules(section)
    for _, _, rule in rules:
        if rule.to.bucket:
            _bucket(rule.to.bucket, account)
    name = rule_set_name(section, site.prefix)
    ses = account.client("ses")
    is_theirs = rules and section.account.receipt_rule_set not in (None, "own")
    if is_theirs and not _exists(ses.describe_receipt_rule_set, RuleSetName=name):
        ses.create_receipt_rule_set(RuleSetName=name)
        ses.set_active_receipt_rule_set(RuleSetName=name)


def _bucket(name: str, account: SandboxAccount) -> None:
    s3 = account.client("s3")
    if not _exists(s3.head_bucket, Bucket=name):
        place = {} if account.region == "us-east-1" else {"LocationConstraint": account.region}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))


def _exists(read: Any, **names: str) -> bool:
    try:
        with translated("cannot look for what the world needs"):
            read(**names)
    except NotFoundError:
        return False
    return True
