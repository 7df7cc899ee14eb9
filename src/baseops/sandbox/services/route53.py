"""What moto gets wrong of Amazon Route 53: batches of changes are atomic; and zones with an id that is asked for.

A world has to make the zone that a declaration names, and AWS gives ids at random. Here a CallerReference of
`id/Z0123456789` asks for that id; any other one gets moto's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.route53.models import FakeZone, RecordSet

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
    for record in zone.rrsets:
        record.records = [_written(each) for each in record.records or ()]
    asked = caller_reference.startswith(ASKS_FOR_ID)
    # Ids of zones begin with Z, which moto's do not.
    _rename(backend, zone, caller_reference.removeprefix(ASKS_FOR_ID) if asked else f"Z{zone.resource_id[1:]}")
    return _created(zone)


def _written(value: Any) -> str:
    """A value of a new zone's SOA or NS record as Route 53 writes it; moto keeps the SOA's as a member."""
    text = str(value["Value"] if isinstance(value, Mapping) else value)
    return text if " " in text or text.endswith(".") else f"{text}."


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
        "ChangeInfo": _CHANGE,
        "DelegationSet": {"NameServers": list(zone.delegation_set.name_servers) if zone.delegation_set else []},
        "Location": f"https://route53.amazonaws.com/2013-04-01{zone.id}",
    }


def change_resource_record_sets(backend: Any, *, hosted_zone_id: str, change_batch: dict[str, Any]) -> dict[str, Any]:
    """Make all changes of a batch, or none where one cannot be made.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
    """
    zone = backend.get_hosted_zone(hosted_zone_id)
    batch = _Batch(zone)
    for change in change_batch["Changes"]:
        batch.take(change["Action"], change["ResourceRecordSet"])
    batch.check_aliases()
    if batch.refusals:
        raise ServiceError(f"[{', '.join(batch.refusals)}]", code="InvalidChangeBatch", status=400)
    zone.rrsets[:] = batch.records.values()
    return {"ChangeInfo": _CHANGE}


class _Batch:
    """The zone as it would be, and why it cannot be."""

    def __init__(self, zone: FakeZone) -> None:
        self.zone = zone
        self.records = {_key(each.name, each.type, each.set_identifier): each for each in zone.rrsets}
        self.refusals: list[str] = []

    def take(self, action: str, given: Mapping[str, Any]) -> None:
        name = _absolute(given["Name"])
        key = _key(name, given["Type"], given.get("SetIdentifier"))
        what = f"resource record set [name='{name}', type='{given['Type']}']"
        if not name.endswith(f".{self.zone.name}") and name != self.zone.name:
            self.refusals.append(f"RRSet with DNS name {name} is not permitted in zone {self.zone.name}")
        elif action == "CREATE" and key in self.records:
            self.refusals.append(f"Tried to create {what} but it already exists")
        elif action == "DELETE" and key not in self.records:
            self.refusals.append(f"Tried to delete {what} but it was not found")
        elif action == "DELETE" and not _same(self.records[key], given):
            self.refusals.append(f"Tried to delete {what} but the values provided do not match the current values")
        elif action == "DELETE":
            del self.records[key]
        else:
            self.refusals += _unquoted(given)
            made = {**given, "Name": name, "ResourceRecords": _values(given)}
            self.records[key] = RecordSet(made)  # type: ignore[abstract]  # moto makes it so itself

    def check_aliases(self) -> None:
        """A name with a CNAME has no other record."""
        names = [key[0] for key in self.records]
        for name, kind, _ in self.records:
            others = {key[1] for key in self.records if key[0] == name} if names.count(name) > 1 else {kind}
            if kind == "CNAME" and others != {"CNAME"}:
                self.refusals.append(
                    f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records "
                    f"with the same DNS name in zone {self.zone.name}"
                )


def _key(name: str, kind: str | None, set_identifier: str | None) -> tuple[str, str, str]:
    return _absolute(name), kind or "", set_identifier or ""


def _absolute(name: str) -> str:
    return f"{name.rstrip('.').lower()}."


def _values(given: Mapping[str, Any]) -> list[str]:
    return [each["Value"] for each in given.get("ResourceRecords") or ()]


def _same(record: RecordSet, given: Mapping[str, Any]) -> bool:
    has_same_time = str(record.ttl or "") == str(given.get("TTL") or "")
    return has_same_time and sorted(record.records or ()) == sorted(_values(given))


def _unquoted(given: Mapping[str, Any]) -> Iterable[str]:
    if given["Type"] in ("TXT", "SPF"):
        for value in _values(given):
            if not (value.startswith('"') and value.endswith('"')):
                yield (
                    f"Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in "
                    f"quotation marks) encountered with '{value}''"
                )


_CHANGE = {"Id": "/change/C1", "Status": "INSYNC", "SubmittedAt": "2026-01-01T00:00:00Z"}

extend("route53", "CreateHostedZone", create_hosted_zone)
extend("route53", "ChangeResourceRecordSets", change_resource_record_sets)
