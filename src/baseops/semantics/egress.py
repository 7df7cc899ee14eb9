"""To which addresses security groups and network ACLs let a TCP port out: sets of addresses, exactly. Asks nobody.

https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

# Any: rules as EC2 describes them.

Span = tuple[int, int]
_V6 = 1 << 32
"""Where the addresses of IPv6 begin, above those of IPv4."""
_ANY_PROTOCOL = "-1"
_TCP = ("tcp", "6")
_PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "0.0.0.0/8",
    "::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
)
EPHEMERAL = (32768, 60999)
"""Between these an answer comes back to Linux: a network ACL keeps no state, and has to let it in."""


@dataclass(frozen=True)
class Addresses:
    """A set of addresses of both families: spans that neither touch nor overlap, in order."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, blocks: Iterable[str]) -> Addresses:
        """Of CIDR blocks and single addresses."""
        return cls(tuple(_joined(_span(each) for each in blocks)))

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.spans)

    def __contains__(self, address: str) -> bool:
        """Whether an address is in the set."""
        number = _number(address)
        return any(first <= number <= last for first, last in self.spans)

    def __or__(self, other: Addresses) -> Addresses:
        """Those in either."""
        return Addresses(tuple(_joined((*self.spans, *other.spans))))

    def __sub__(self, other: Addresses) -> Addresses:
        """Those that are not in the other."""
        left = list(self.spans)
        for away in other.spans:
            left = [piece for span in left for piece in _without(span, away)]
        return Addresses(tuple(left))

    def __and__(self, other: Addresses) -> Addresses:
        """Those in both."""
        return self - (self - other)


def out_by_groups(
    rules: Iterable[Mapping[str, Any]], port: int, prefix_lists: Mapping[str, Sequence[str]]
) -> Addresses:
    """Where the outbound rules of all groups of an interface let the port go; a rule that names a group stays inside.

    `rules` are `IpPermissionsEgress`; `prefix_lists` has the blocks of the prefix lists that they name.
    """
    blocks: list[str] = []
    for rule in rules:
        if not _is_about(str(rule["IpProtocol"]), rule.get("FromPort"), rule.get("ToPort"), port):
            continue
        blocks += [each["CidrIp"] for each in rule.get("IpRanges", ())]
        blocks += [each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())]
        for each in rule.get("PrefixListIds", ()):
            blocks += prefix_lists.get(each["PrefixListId"], ())
    return Addresses.of(blocks)


def through_acl(entries: Iterable[Mapping[str, Any]], port: int, *, egress: bool) -> Addresses:
    """Where a network ACL lets the port go, or whence it lets it in: the first rule that is about an address counts.

    `entries` are the `Entries` of the ACL.
    """
    allowed, decided = Addresses(), Addresses()
    for each in sorted(entries, key=lambda entry: int(entry["RuleNumber"])):
        ports = each.get("PortRange", {})
        if each["Egress"] is not egress or not _is_about(
            str(each["Protocol"]), ports.get("From"), ports.get("To"), port
        ):
            continue
        here = Addresses.of([each.get("CidrBlock") or each["Ipv6CidrBlock"]]) - decided
        decided |= here
        if each["RuleAction"] == "allow":
            allowed |= here
    return allowed


def answered_through_acl(entries: Sequence[Mapping[str, Any]]) -> Addresses:
    """From where answers to an instance's own connections come in."""
    low, high = (through_acl(entries, port, egress=False) for port in EPHEMERAL)
    return low & high


def _is_about(protocol: str, first: int | None, last: int | None, port: int) -> bool:
    if protocol == _ANY_PROTOCOL:
        return True
    if protocol not in _TCP:
        return False
    return first is None or first == -1 or first <= port <= (first if last is None else last)


def _number(address: str) -> int:
    found = ip_address(address)
    return int(found) if found.version == 4 else _V6 + int(found)


def _span(block: str) -> Span:
    found = ip_network(block, strict=False)
    return _number(str(found[0])), _number(str(found[-1]))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    held: Span | None = None
    for first, last in sorted(spans):
        if held is None:
            held = (first, last)
        # The last address of IPv4 and the first of IPv6 are no neighbours.
        elif first <= held[1] or (first == held[1] + 1 and first != _V6):
            held = (held[0], max(held[1], last))
        else:
            yield held
            held = (first, last)
    if held is not None:
        yield held


def _without(span: Span, away: Span) -> Iterator[Span]:
    first, last = span
    if away[1] < first or away[0] > last:
        yield span
        return
    if first < away[0]:
        yield first, away[0] - 1
    if last > away[1]:
        yield away[1] + 1, last


PUBLIC = Addresses.of(["0.0.0.0/0", "::/0"]) - Addresses.of(_PRIVATE)
"""The addresses of the internet; those of documentation count as such."""
