"""Blocklists in DNS: the name to ask for, and what the answer means. Resolves nothing.

https://www.rfc-editor.org/rfc/rfc5782
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Literal

Kind = Literal["IPv4 addresses", "IPv6 addresses", "domains"]

TRIALS: Mapping[Kind, tuple[str, str]] = {
    "IPv4 addresses": ("127.0.0.2", "127.0.0.1"),
    "IPv6 addresses": ("::ffff:7f00:2", "::ffff:7f00:1"),
    "domains": ("test", "invalid"),
}
"""What every list has to list for whoever tries it, and what it must not (RFC 5782, 2.3, 2.4 and 5)."""

_LISTINGS = ip_network("127.0.0.0/8")
_ERRORS = ip_network("127.255.255.0/24")
"""By these Spamhaus refuses a name server: https://www.spamhaus.org/news/article/788/."""
_REFUSAL = ip_address("127.0.0.1")
"""By this others do; as a listing it may not be used (RFC 5782, 2.1)."""


@dataclass(frozen=True)
class Answer:
    """What a list says: the codes under which it lists, and the values by which it says that it does not answer."""

    listed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def kind_of(subject: str) -> Kind:
    """What a subject is: an address or a domain."""
    try:
        found = ip_address(subject)
    except ValueError:
        return "domains"
    return "IPv4 addresses" if isinstance(found, IPv4Address) else "IPv6 addresses"


def question(subject: str, blocklist: str) -> str:
    """The name whose A records say whether the list has the subject: addresses stand in it the wrong way round."""
    if kind_of(subject) == "domains":
        return f"{subject.lower()}.{blocklist}"
    return f"{ip_address(subject).reverse_pointer.rsplit('.', 2)[0]}.{blocklist}"


def read(values: Iterable[str]) -> Answer:
    """Sort A records; an address of elsewhere is a zone that somebody else has taken over, or a resolver that lies."""
    listed: list[str] = []
    refused: list[str] = []
    for value in values:
        found = ip_address(value)
        is_listing = found in _LISTINGS and found not in _ERRORS and found != _REFUSAL
        (listed if is_listing else refused).append(value)
    return Answer(tuple(listed), tuple(refused))
