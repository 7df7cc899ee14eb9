"""A name server on 127.0.0.1, by UDP and TCP: answers from the account's public hosted zones and knows no others.

Messages are dnspython's. It is authoritative and follows nothing for anybody: a name of no zone here is refused, as
Route 53's servers do (https://www.rfc-editor.org/rfc/rfc1034#section-4.3.2).
"""

from __future__ import annotations

import logging
import socketserver
import struct
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from baseops.errors import SandboxError
from baseops.sandbox.resolver import PublicZones, RecordSet, Status

if TYPE_CHECKING:
    from baseops.sandbox.account import Account

LOOPBACK = "127.0.0.1"
WITHOUT_EDNS = 512
"""How long an answer by UDP may be unless the question says more (RFC 1035, 4.2.1)."""
LONGEST = 4096
PATIENCE = 10.0
_TRIES = 20
_RCODES = {Status.NO_NAME: dns.rcode.NXDOMAIN, Status.ELSEWHERE: dns.rcode.REFUSED}
log = logging.getLogger(__name__)


def answer(account: Account, wire: bytes, limit: int | None = None) -> bytes | None:
    """The answer to a question, both as on the wire; None for what is no question. `limit` is UDP's."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return _malformed(wire)
    if query.flags & dns.flags.QR:
        return None
    response = dns.message.make_response(query, recursion_available=False)
    response.flags |= dns.flags.AA
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        response.set_rcode(dns.rcode.NOTIMP)
    else:
        try:
            _fill(account, response)
        except (dns.exception.DNSException, ValueError):
            # A value that Route 53 would have refused.
            response.set_rcode(dns.rcode.SERVFAIL)
    longest = None if limit is None else max(limit, min(query.payload, LONGEST))
    return _within(response, longest)


def _fill(account: Account, response: dns.message.Message) -> None:
    question = response.question[0]
    if question.rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.REFUSED)
        return
    with account.lock:
        zones = PublicZones(account.account_id)
    found = zones.answer(question.name.to_text(), dns.rdatatype.to_text(question.rdtype))
    response.set_rcode(_RCODES.get(found.status, dns.rcode.NOERROR))
    if found.status in (Status.ELSEWHERE, Status.DELEGATED):
        response.flags &= ~dns.flags.AA
    response.answer += [_rrset(each) for each in found.records]
    response.authority += [_rrset(each) for each in found.authority]


def _rrset(found: RecordSet) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(f"{found.name}.", found.ttl, "IN", found.type, list(found.values))


def _within(response: dns.message.Message, longest: int | None) -> bytes:
    """On the wire; without its records and marked as cut where it is too long, so that the question comes by TCP."""
    wire = response.to_wire(max_size=65535)
    if longest is None or len(wire) <= longest:
        return wire
    response.flags |= dns.flags.TC
    response.answer, response.authority = [], []
    return response.to_wire()


def _malformed(wire: bytes) -> bytes | None:
    """FORMERR with the question's own id, where there is one."""
    return wire[:2] + struct.pack("!HHHHH", 0x8000 | dns.rcode.FORMERR, 0, 0, 0, 0) if len(wire) >= 12 else None


class _Udp(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        wire, socket = self.request
        given = answer(self.server.account, wire, WITHOUT_EDNS)
        if given is not None:
            socket.sendto(given, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    timeout = PATIENCE
    server: _TcpServer

    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            given = answer(self.server.account, self.rfile.read(struct.unpack("!H", head)[0]))
            if given is None:
                return
            self.wfile.write(struct.pack("!H", len(given)) + given)


class _Errors(socketserver.BaseServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """One question broke; the others go on."""
        log.debug("a question from %s ended early: %s", client_address, sys.exc_info()[1])


class _UdpServer(_Errors, socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = LONGEST

    def __init__(self, account: Account, port: int) -> None:
        super().__init__((LOOPBACK, port), _Udp)
        self.account = account


class _TcpServer(_Errors, socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, account: Account, port: int) -> None:
        super().__init__((LOOPBACK, port), _Tcp)
        self.account = account


class NameServer:
    """The account's name server: started with `with`, stopped when that ends."""

    def __init__(self, account: Account, port: int = 0) -> None:
        """Take the port for both protocols; any free one for 0."""
        self._servers = _listening(account, port)
        self._threads = [
            threading.Thread(target=each.serve_forever, args=(0.05,), name="sandbox-dns", daemon=True)
            for each in self._servers
        ]

    @property
    def address(self) -> str:
        """For `--dns` and `BASEOPS_DNS`: `127.0.0.1:5300`."""
        return f"{LOOPBACK}:{self._servers[0].server_address[1]}"

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for each in self._servers:
            each.shutdown()
            each.server_close()
        for thread in self._threads:
            thread.join()


def _listening(account: Account, port: int) -> tuple[_TcpServer, _UdpServer]:
    """Both on one port: one that is free for TCP may be taken for UDP."""
    problem: OSError | None = None
    for _ in range(1 if port else _TRIES):
        try:
            tcp = _TcpServer(account, port)
        except OSError as error:
            problem = error
            continue
        try:
            return tcp, _UdpServer(account, int(tcp.server_address[1]))
        except OSError as error:
            tcp.server_close()
            problem = error
    raise SandboxError(
        f"the sandbox's name server cannot listen on {LOOPBACK}:{port}",
        str(problem),
        "Choose another --dns-port, or 0 for any",
    ) from problem
