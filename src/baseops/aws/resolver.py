"""Asks DNS by dnspython: the machine's name servers, or those that are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from baseops.errors import InconclusiveError, UsageError

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

    return Do53Nameserver(*server_of(text))


def server_of(text: str) -> tuple[str, int]:
    """Address and port of `192.0.2.1`, `127.0.0.1:5300` or `[::1]:5300`; raises `UsageError` for anything else."""
    found = re.fullmatch(
        r"\[(?P<v6>[0-9a-fA-F:.]+)\](?::(?P<p6>\d+))?|(?P<v4>[0-9.]+)(?::(?P<p4>\d+))?|(?P<bare>\S+)", text
    )
    address = (found["v6"] or found["v4"] or found["bare"]) if found else ""
    port = int((found["p6"] or found["p4"] or "53") if found else "0")
    try:
        ip_address(address)
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise UsageError(f"{text!r} is no name server", "it needs an IP address", "Write 192.0.2.1 or 127.0.0.1:5300.")
    return address, port
