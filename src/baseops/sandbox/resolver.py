"""Public DNS as the sandbox has it: what the public hosted zones of the account hold, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from baseops.contract.clients import Clients

# Any: botocore's answers.


class ZoneResolver:
    """Fulfils `contract.resolver.Resolver` from Route 53; wildcards and delegations are not followed."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def resolve(self, name: str, record_type: str) -> tuple[str, ...]:
        """The values of the record set in the longest public zone that the name lies in."""
        wanted = _bare(name)
        zone = max((each for each in self._public() if _lies_in(wanted, each[0])), default=None, key=_length)
        if zone is None:
            return ()
        pages = (
            self._clients.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone[1])
        )
        sets = (each for page in pages for each in page["ResourceRecordSets"])
        return tuple(
            str(record["Value"])
            for each in sets
            if _bare(each["Name"]) == wanted and each["Type"] == record_type
            for record in each.get("ResourceRecords", ())
        )

    def _public(self) -> Iterator[tuple[str, str]]:
        for page in self._clients.client("route53").get_paginator("list_hosted_zones").paginate():
            for zone in page["HostedZones"]:
                if not zone["Config"].get("PrivateZone"):
                    yield _bare(zone["Name"]), str(zone["Id"])


def _length(zone: Any) -> int:
    return len(zone[0])


def _lies_in(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _bare(name: str) -> str:
    return name.rstrip(".").lower()
