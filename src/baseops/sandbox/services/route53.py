"""Hosted zones whose id is known beforehand: a world has to make the zone that a declaration names.

AWS gives ids at random. Here a CallerReference of `id/Z0123456789` asks for that id; any other one gets moto's.
"""

from __future__ import annotations

from typing import Any

from moto.route53.models import FakeZone

from baseops.sandbox.service import ServiceError, extend

# Any throughout: moto's backends are untyped, and answers are members of AWS's shapes.
ASKS_FOR_ID = "id/"


def create_hosted_zone(
    backend: Any,
    *,
    name: str,
    caller_reference: str,
    vpc: dict[str, str] | None = None,
    hosted_zone_config: dict[str, Any] | None = None,
    delegation_set_id: str | None = None,
) -> dict[str, Any]:
    """Make a zone; the same CallerReference makes no second one."""
    if any(zone.caller_reference == caller_reference for zone in backend.zones.values()):
        raise ServiceError(
            f"A hosted zone has already been created with the specified caller reference: {caller_reference}",
            code="HostedZoneAlreadyExists",
            status=409,
        )
    config = hosted_zone_config or {}
    zone = backend.create_hosted_zone(
        name if name.endswith(".") else f"{name}.",
        private_zone=bool(config.get("PrivateZone")),
        caller_reference=caller_reference,
        vpcid=(vpc or {}).get("VPCId"),
        vpcregion=(vpc or {}).get("VPCRegion"),
        comment=config.get("Comment"),
        delegation_set_id=delegation_set_id,
    )
    if caller_reference.startswith(ASKS_FOR_ID):
        _rename(backend, zone, caller_reference.removeprefix(ASKS_FOR_ID))
    return _created(zone)


def _rename(backend: Any, zone: FakeZone, zone_id: str) -> None:
    del backend.zones[zone.resource_id]
    zone.resource_id = zone_id
    backend.zones[zone_id] = zone


def _created(zone: FakeZone) -> dict[str, Any]:
    return {
        "HostedZone": {
            "Id": zone.id,
            "Name": zone.name,
            "CallerReference": zone.caller_reference,
            "Config": {key: value for key, value in zone.config.items() if value is not None},
            "ResourceRecordSetCount": zone.resource_record_set_count,
        },
        "ChangeInfo": {"Id": "/change/C1", "Status": "INSYNC", "SubmittedAt": "2026-01-01T00:00:00Z"},
        "DelegationSet": {"NameServers": list(zone.delegation_set.name_servers) if zone.delegation_set else []},
        "Location": f"https://route53.amazonaws.com/2013-04-01{zone.id}",
    }


extend("route53", "CreateHostedZone", create_hosted_zone)
