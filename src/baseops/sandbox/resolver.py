"""Public DNS as the sandbox has it: what the public hosted zones of the account hold, answered as Route 53 does.

Wildcards count, CNAMEs are followed within the zones, delegations are told. Of several records of one name and type
(weights, places) the first is given; what is an alias of an AWS resource has no value here.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html#domain-name-format-asterisk
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from baseops.sandbox.moto_services import moto_backend

# Any: moto's zones are untyped.
MAX_ALIASES = 8
ANY = "ANY"
_WILDCARDS = ("*.", "\\052.")


class Status(StrEnum):
    """What a name server says of a name."""

    FOUND = "found"
    NO_DATA = "no data"
    NO_NAME = "no such name"
    ELSEWHERE = "not of any zone here"
    DELEGATED = "delegated"


@dataclass(frozen=True)
class RecordSet:
    """A record set, its name absolute, without the final dot, its values as zone files write them."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What there is. `authority` is the zone's SOA where there is nothing, or the name servers of a delegation."""

    status: Status
    records: tuple[RecordSet, ...] = ()
    authority: tuple[RecordSet, ...] = ()


class PublicZones:
    """The public hosted zones of an account at this moment."""

    def __init__(self, account_id: str) -> None:
        """Read them."""
        zones = moto_backend("route53", account_id, "us-east-1").zones.values()
        self._zones = {_bare(each.name): _sets(each) for each in zones if not each.private_zone}

    def answer(self, name: str, record_type: str) -> Answer:
        """For a name and type, with all that a CNAME leads to in these zones."""
        found = self._one(_bare(name), record_type)
        records = list(found.records)
        while record_type not in ("CNAME", ANY) and records and records[-1].type == "CNAME":
            if len(records) > MAX_ALIASES:
                break
            further = self._one(_bare(records[-1].values[0]), record_type)
            if not further.records:
                break
            records += further.records
        return Answer(found.status, tuple(records), found.authority)

    def _one(self, name: str, record_type: str) -> Answer:
        zone = max((each for each in self._zones if _lies_in(name, each)), key=len, default=None)
        if zone is None:
            return Answer(Status.ELSEWHERE)
        sets = self._zones[zone]
        servers = _delegation(name, zone, sets)
        if servers:
            return Answer(Status.DELEGATED, authority=(servers,))
        here = [each for each in sets if each.name == name] or list(_by_wildcard(name, zone, sets))
        wanted = [each for each in here if each.type in (record_type, "CNAME") or record_type == ANY]
        given = tuple(each for each in wanted if each.values)
        if given:
            return Answer(Status.FOUND, given)
        soa = tuple(each for each in sets if each.name == zone and each.type == "SOA")
        exists = bool(here) or any(each.name.endswith(f".{name}") for each in sets)
        return Answer(Status.NO_DATA if exists else Status.NO_NAME, authority=soa)


class ZoneResolver:
    """Fulfils `contract.resolver.Resolver` from the zones of an account."""

    def __init__(self, account_id: str) -> None:
        """Nothing is read yet."""
        self._account_id = account_id

    def resolve(self, name: str, record_type: str) -> tuple[str, ...]:
        """The values of the record set itself; what an alias stands for belongs to another name."""
        found = PublicZones(self._account_id).answer(name, record_type)
        return tuple(
            value
            for each in found.records
            if each.name == _bare(name) and each.type == record_type
            for value in each.values
        )


def _sets(zone: Any) -> list[RecordSet]:
    found: dict[tuple[str, str], RecordSet] = {}
    for each in zone.rrsets:
        made = RecordSet(_bare(each.name), each.type, int(each.ttl or 60), tuple(each.records or ()))
        found.setdefault((made.name, made.type), made)
    return list(found.values())


def _delegation(name: str, zone: str, sets: Iterable[RecordSet]) -> RecordSet | None:
    """The name servers that a name below the zone's own was handed to."""
    cuts = [each for each in sets if each.type == "NS" and each.name != zone and _lies_in(name, each.name)]
    return min(cuts, key=lambda each: len(each.name), default=None)


def _by_wildcard(name: str, zone: str, sets: list[RecordSet]) -> Iterator[RecordSet]:
    """What a wildcard gives: only where no name between it and the one asked for exists (RFC 4592, 2.2.1)."""
    names = {each.name for each in sets}
    parent = name
    while parent != zone:
        parent = parent.partition(".")[2]
        found = [each for each in sets if each.name in {f"{star}{parent}" for star in _WILDCARDS}]
        if found:
            yield from (RecordSet(name, each.type, each.ttl, each.values) for each in found)
            return
        if any(each == parent or each.endswith(f".{parent}") for each in names):
            return


def _lies_in(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _bare(name: str) -> str:
    return name.rstrip(".").lower()
