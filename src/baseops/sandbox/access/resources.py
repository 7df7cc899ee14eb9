"""The ARNs that a call is authorised on, read from its parsed request. Decides nothing.

An operation that names no resource is authorised on `*`, as AWS does for what lists or describes everything.
"""

from __future__ import annotations

from collections.abc import Iterator

from baseops.sandbox.access.demand import Place
from baseops.sandbox.access.ec2_resources import ec2_resources
from baseops.sandbox.access.named_resources import MEMBERS, Members
from baseops.sandbox.access.special_resources import SPECIAL

# Services whose actions that we call know no resources.
_WITHOUT_RESOURCES = {"autoscaling", "pricing", "service-quotas", "organizations", "elbv2", "tag", "accessanalyzer"}


def resources_of(service: str, operation: str, members: Members, place: Place) -> tuple[str, ...]:
    """Every resource; `*` where the request names none."""
    special = SPECIAL.get((service, operation)) or (ec2_resources if service == "ec2" else None)
    found = special(place, operation, members) if special else _by_members(service, members, place)
    return tuple(dict.fromkeys(found)) or ("*",)


def is_known(service: str) -> bool:
    """Whether there is a table for the service; of others only members that are ARNs are understood."""
    return service in MEMBERS or service == "ec2" or service in _WITHOUT_RESOURCES


def _by_members(service: str, members: Members, place: Place) -> Iterator[str]:
    table = MEMBERS.get(service, {})
    named = [(maker, members[member]) for member, maker in table.items() if members.get(member)]
    if not named and service not in MEMBERS:
        yield from (str(value) for name, value in members.items() if _is_arn_member(name, value))
    for maker, value in named[:1]:
        for one in value if isinstance(value, list) else [value]:
            yield maker(place, str(one), members)


def _is_arn_member(name: str, value: object) -> bool:
    return name.lower().endswith("arn") and isinstance(value, str) and value.startswith("arn:")
