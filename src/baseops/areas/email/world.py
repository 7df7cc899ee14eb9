"""What a declaration of email expects to find: roles, hosted zones with records, leave to send to everybody.

Ordinary API calls only. What comes after apply is done by `follow`: printed DNS records, and the link that SES mails.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from baseops.areas.email.identities import Identity, identities, inbound_rules, rule_set_name
from baseops.areas.email.operate.dns import list_records
from baseops.areas.email.roles import role_of
from baseops.areas.email.world_keys import private_key_for
from baseops.aws.errors import translated
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site
from baseops.errors import NotFoundError
from baseops.semantics.mail.dns import Record, quote

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
        else:
            account.client("sesv2").create_email_identity(EmailIdentity=identity.name)
    _zones(found, account)
    _inbound(section, account, site)


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
                _publish(own, zone or _public_zone(owner, account), account)
    for identity in by_domain.values():
        if identity.is_address:
            for text in account.inbox(identity.name)[-1:]:
                for link in (word for word in text.split() if word.startswith("https://email-verification.")):
                    account.visit(link)


def live(section: Section, account: SandboxAccount, site: Site) -> None:  # the protocol's signature
    """Nothing yet."""


def _public_zone(domain: str, account: SandboxAccount) -> str:
    route53 = account.client("route53")
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            name = zone["Name"].rstrip(".")
            if not zone["Config"]["PrivateZone"] and (domain == name or domain.endswith(f".{name}")):
                return str(zone["Id"]).rpartition("/")[2]
    made = route53.create_hosted_zone(Name=domain, CallerReference=f"dns-of-{domain}")
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def _publish(records: Sequence[Record], zone: str, account: SandboxAccount) -> None:
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": each.name,
                "Type": each.type,
                "TTL": each.ttl,
                "ResourceRecords": [{"Value": quote(one, each.type)} for one in each.values],
            },
        }
        for each in records
    ]
    account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _get_leave_to_send(account: SandboxAccount) -> None:
    account.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=True
    )


def _roles(identity: Identity, account: SandboxAccount, site: Site) -> None:
    iam = account.client("iam")
    sets = identity.entry.configuration_sets.values()
    named = [*identity.entry.senders, *(reader for settings in sets for reader in settings.events.readers)]
    for role in (role_of(reference, site) for reference in named):
        if role.account is None and not _exists(iam.get_role, RoleName=role.name):
            iam.create_role(RoleName=role.name, Path=role.path, AssumeRolePolicyDocument=json.dumps(_TRUST))


def _own_key(identity: Identity, account: SandboxAccount) -> None:
    """A secret with the private key of the declared public key, as far as it can be known."""
    own = identity.entry.dkim.own_key
    secrets = account.client("secretsmanager")
    if own is not None and not _exists(secrets.describe_secret, SecretId=own.private_key):
        secrets.create_secret(Name=own.private_key, SecretString=private_key_for(own.public_key))


def _pools_and_streams(identity: Identity, account: SandboxAccount) -> None:
    sesv2, firehose = account.client("sesv2"), account.client("firehose")
    for settings in identity.entry.configuration_sets.values():
        pool = settings.dedicated_pool
        if pool and not _exists(sesv2.get_dedicated_ip_pool, PoolName=pool):
            sesv2.create_dedicated_ip_pool(PoolName=pool)
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


def _zones(found: Sequence[Identity], account: SandboxAccount) -> None:
    """One zone for each id, for the shortest of its domains, with what a company has in it anyway.

    AWS gives out ids itself; the sandbox gives the one that a CallerReference of `id/…` asks for.
    """
    apexes: dict[str, str] = {}
    for identity in found:
        if identity.zone and identity.entry.managed:
            former = apexes.get(identity.zone, identity.name)
            apexes[identity.zone] = min(former, identity.name, key=len)
    route53 = account.client("route53")
    for zone, apex in apexes.items():
        if not _exists(route53.get_hosted_zone, Id=zone):
            route53.create_hosted_zone(Name=apex, CallerReference=f"id/{zone}")
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": _usual_records(apex)})


def _usual_records(apex: str) -> list[dict[str, Any]]:
    records = [
        (apex, "A", "192.0.2.10"),
        (f"www.{apex}", "CNAME", f"{apex}."),
        (apex, "MX", f"10 mx.{apex}."),
        (apex, "TXT", '"site-verification=0a1b2c3d"'),
    ]
    return [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": value}]},
        }
        for name, kind, value in records
    ]


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
