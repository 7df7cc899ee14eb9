"""Reads a Route 53 hosted zone; never writes one."""

from __future__ import annotations

from dataclasses import dataclass

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.semantics.mail.dns import Zone, zone_of


@dataclass(frozen=True)
class Hosted:
    """A hosted zone: the domain it is for, whether only a VPC sees it, and its records."""

    domain: str
    is_private: bool
    records: Zone


def read_zone(clients: Clients, zone_id: str) -> Hosted:
    """The zone with all its records; raises `NotFoundError` where the account has none of that id."""
    route53 = clients.client("route53")
    with translated(f"cannot read the hosted zone {zone_id}"):
        zone = route53.get_hosted_zone(Id=zone_id)["HostedZone"]
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        sets = [each for page in pages for each in page["ResourceRecordSets"]]
    found = zone_of(
        (each["Name"], each["Type"], [value["Value"] for value in each.get("ResourceRecords", ())]) for each in sets
    )
    return Hosted(zone["Name"].rstrip("."), bool(zone.get("Config", {}).get("PrivateZone")), found)
