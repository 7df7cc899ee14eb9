"""Public DNS in the world of email: hosted zones with what a company has in them, and the blocklists of others."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from baseops.areas.email.identities import Identity
from baseops.aws.errors import translated
from baseops.contract.sandbox_account import SandboxAccount
from baseops.errors import NotFoundError
from baseops.semantics.mail.dns import Record, quote

# Any: botocore's change batches.


def make_zones(found: Sequence[Identity], account: SandboxAccount) -> None:
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
        if not _is_there(zone, account):
            route53.create_hosted_zone(Name=apex, CallerReference=f"id/{zone}")
            _change(zone, _usual_records(apex), account)


def _usual_records(apex: str) -> list[dict[str, Any]]:
    return [
        _record(apex, "A", "192.0.2.10"),
        _record(f"www.{apex}", "CNAME", f"{apex}."),
        _record(apex, "MX", f"10 mx.{apex}."),
        _record(apex, "TXT", '"site-verification=0a1b2c3d"'),
    ]


def keep_blocklists(found: Sequence[Identity], account: SandboxAccount) -> None:
    """The declared lists as their operators keep them: with the entries by which anybody tries them, nobody listed.

    https://www.rfc-editor.org/rfc/rfc5782#section-5
    """
    for identity in found:
        declared = identity.entry.promise.blocklists
        trials = [ip_address(text).reverse_pointer.rsplit(".", 2)[0] for text in ("127.0.0.2", "::ffff:127.0.0.2")]
        entries = {zone: list(trials) for zone in declared.addresses}
        for zone in declared.domains:
            entries.setdefault(zone, []).append("test")
        for zone, names in entries.items():
            records = [_record(f"{name}.{zone}", "A", "127.0.0.2") for name in names]
            _change(public_zone(zone, account), records, account)


def add_address(name: str, addresses: Sequence[str], account: SandboxAccount) -> None:
    """A host's A records, in a public zone."""
    _change(public_zone(name, account), [_record(name, "A", *addresses)], account)


def public_zone(domain: str, account: SandboxAccount) -> str:
    """The id of the zone that the domain is in; a new one where there is none."""
    route53 = account.client("route53")
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            name = zone["Name"].rstrip(".")
            if not zone["Config"]["PrivateZone"] and (domain == name or domain.endswith(f".{name}")):
                return str(zone["Id"]).rpartition("/")[2]
    made = route53.create_hosted_zone(Name=domain, CallerReference=f"dns-of-{domain}")
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def publish(records: Sequence[Record], zone: str, account: SandboxAccount) -> None:
    """Add or replace records."""
    sets = [_record(each.name, each.type, *(quote(one, each.type) for one in each.values)) for each in records]
    _change(zone, sets, account)


def _record(name: str, kind: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": each} for each in values]}


def _change(zone: str, sets: Sequence[dict[str, Any]], account: SandboxAccount) -> None:
    changes = [{"Action": "UPSERT", "ResourceRecordSet": each} for each in sets]
    account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _is_there(zone: str, account: SandboxAccount) -> bool:
    try:
        with translated("cannot look for the hosted zone"):
            account.client("route53").get_hosted_zone(Id=zone)
    except NotFoundError:
        return False
    return True
