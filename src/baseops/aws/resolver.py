"""Asks DNS by dnspython: the machine's name servers, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baseops.errors import InconclusiveError

if TYPE_CHECKING:
    from dns.nameserver import Nameserver
    from dns.resolver import Resolver as StubResolver

LIFETIME = 10.0
"""Seconds in which a question is answered, or is not."""


class DnsResolver:
    """Fulfils `contract.resolver.Resolver`. `servers` are addresses, with a port as in `127.0.0.1:5300`."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._servers = tuple(servers)
        self._stub: StubResolver | None = None

    def resolve(self, name: str, record_type: str) -> tuple[str, ...]:
        """The values as zone files write them; asks over UDP, and over TCP where the answer is cut."""
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            stub = self._stub or self._made()
            answer = stub.resolve(f"{name.rstrip('.')}.", record_type, search=False, lifetime=LIFETIME)
        except (NXDOMAIN, NoAnswer):
            return ()
        except DNSException as error:
            raise InconclusiveError(
                f"DNS does not say which {record_type} records {name} has",
                str(error),
                f"Look with: dig {record_type} {name}",
            ) from error
        # An answer that came by a CNAME belongs to another name.
        return tuple(each.to_text() for each in answer if answer.canonical_name == answer.qname)

    def _made(self) -> StubResolver:
        from dns.resolver import Resolver

        stub = Resolver(configure=not self._servers)
        if self._servers:
            stub.nameservers = [_server(each) for each in self._servers]
        self._stub = stub
        return stub


def _server(text: str) -> Nameserver:
    from dns.nameserver import Do53Nameserver

    address, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "53")
    return Do53Nameserver(address, int(port))
