"""The sandbox's name server, asked by dnspython and by dig: what is there, what is not, and what is none of its own."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from baseops.aws.resolver import DnsResolver, server_of
from baseops.errors import InconclusiveError, SandboxError, UsageError
from baseops.sandbox.name_server import NameServer, answer

RECORDS = [
    ("acme.example", "MX", "10 mx.acme.example."),
    ("acme.example", "TXT", '"v=spf1 -all"'),
    ("www.acme.example", "CNAME", "web.acme.example."),
    ("web.acme.example", "A", "192.0.2.10"),
    ("loop.acme.example", "CNAME", "loop.acme.example."),
    ("away.acme.example", "CNAME", "elsewhere.example."),
    ("deep.down.acme.example", "A", "192.0.2.11"),
    ("*.wild.acme.example", "TXT", '"any"'),
    ("own.wild.acme.example", "A", "192.0.2.12"),
    ("handed.acme.example", "NS", "ns.elsewhere.example."),
    *(("long.acme.example", "TXT", f'"{number:0200}"') for number in range(30)),
]


@pytest.fixture
def zone(account) -> str:
    """A public zone of acme.example, and a private one that hides nothing and shows nothing."""
    route53 = account.client("route53")
    made = route53.create_hosted_zone(Name="acme.example", CallerReference="public")["HostedZone"]["Id"]
    sets: dict[tuple[str, str], list[str]] = {}
    for name, kind, value in RECORDS:
        sets.setdefault((name, kind), []).append(value)
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": name,
                "Type": kind,
                "TTL": 300,
                "ResourceRecords": [{"Value": value} for value in values],
            },
        }
        for (name, kind), values in sets.items()
    ]
    route53.change_resource_record_sets(HostedZoneId=made, ChangeBatch={"Changes": changes})
    return str(made)


@pytest.fixture
def server(account, zone) -> Iterator[NameServer]:
    with NameServer(account) as running:
        yield running


@pytest.fixture
def ask(server) -> Callable[..., dns.message.Message]:
    """One question, by UDP and by TCP where the answer is cut."""
    address, port = server_of(server.address)

    def one(name: str, kind: str) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        return dns.query.udp_with_fallback(query, address, timeout=5, port=port)[0]

    return one


def said(message: dns.message.Message) -> tuple[str, list[str], list[str]]:
    # Names in an answer are written as in the question.
    answers = [
        f"{each.name.to_text().lower()} {each.rdtype.name} {one.to_text().lower()}"
        for each in message.answer
        for one in each
    ]
    return dns.rcode.to_text(message.rcode()), answers, [each.rdtype.name for each in message.authority]


@pytest.mark.parametrize(
    ("name", "kind", "code", "answers", "authority"),
    [
        ("acme.example", "MX", "NOERROR", ["acme.example. MX 10 mx.acme.example."], []),
        ("ACME.example", "MX", "NOERROR", ["acme.example. MX 10 mx.acme.example."], []),
        ("acme.example", "AAAA", "NOERROR", [], ["SOA"]),
        ("nobody.acme.example", "A", "NXDOMAIN", [], ["SOA"]),
        ("down.acme.example", "A", "NOERROR", [], ["SOA"]),
        (
            "www.acme.example",
            "A",
            "NOERROR",
            ["www.acme.example. CNAME web.acme.example.", "web.acme.example. A 192.0.2.10"],
            [],
        ),
        ("www.acme.example", "CNAME", "NOERROR", ["www.acme.example. CNAME web.acme.example."], []),
        ("away.acme.example", "A", "NOERROR", ["away.acme.example. CNAME elsewhere.example."], []),
        ("x.wild.acme.example", "TXT", "NOERROR", ['x.wild.acme.example. TXT "any"'], []),
        ("x.y.wild.acme.example", "TXT", "NOERROR", ['x.y.wild.acme.example. TXT "any"'], []),
        ("own.wild.acme.example", "TXT", "NOERROR", [], ["SOA"]),
        ("x.own.wild.acme.example", "TXT", "NXDOMAIN", [], ["SOA"]),
        ("x.wild.acme.example", "A", "NOERROR", [], ["SOA"]),
        ("a.handed.acme.example", "A", "NOERROR", [], ["NS"]),
        ("elsewhere.example", "A", "REFUSED", [], []),
    ],
)
def test_what_there_is(ask, name, kind, code, answers, authority):
    assert said(ask(name, kind)) == (code, answers, authority)


def test_it_speaks_for_its_own_zones_alone(ask):
    assert ask("acme.example", "MX").flags & dns.flags.AA
    assert not ask("a.handed.acme.example", "A").flags & dns.flags.AA
    assert not ask("acme.example", "MX").flags & dns.flags.RA


def test_aliases_in_a_circle_end(ask):
    assert {each.split()[0] for each in said(ask("loop.acme.example", "A"))[1]} == {"loop.acme.example."}


def test_what_is_too_long_for_udp_comes_by_tcp(server, ask):
    address, port = server_of(server.address)
    query = dns.message.make_query("long.acme.example", "TXT")
    cut = dns.query.udp(query, address, timeout=5, port=port)
    assert cut.flags & dns.flags.TC
    assert cut.answer == []
    assert len(said(ask("long.acme.example", "TXT"))[1]) == 30


def test_two_questions_come_by_one_connection(server):
    address, port = server_of(server.address)
    with socket.create_connection((address, port), timeout=5) as connection:
        for name in ("acme.example", "web.acme.example"):
            wire = dns.message.make_query(name, "SOA").to_wire()
            connection.sendall(struct.pack("!H", len(wire)) + wire)
            (length,) = struct.unpack("!H", connection.recv(2))
            assert dns.message.from_wire(connection.recv(length)).question[0].name.to_text() == f"{name}."


def test_a_change_is_seen_at_once(account, zone, ask):
    record = {"Name": "new.acme.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.99"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    assert said(ask("new.acme.example", "A"))[1] == ["new.acme.example. A 192.0.2.99"]


def test_a_private_zone_is_nobodys_business(account, ask):
    vpc = account.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    account.client("route53").create_hosted_zone(
        Name="inside.example",
        CallerReference="private",
        VPC={"VPCId": vpc, "VPCRegion": "eu-west-1"},
        HostedZoneConfig={"PrivateZone": True},
    )
    assert said(ask("inside.example", "SOA"))[0] == "REFUSED"


@pytest.mark.parametrize("wire", [b"", b"\x00", b"\x01\x02", bytes(11)])
def test_what_is_no_question_gets_no_answer(account, wire):
    assert answer(account, wire) is None


@pytest.mark.parametrize("wire", [bytes.fromhex("abcd01000001000000000000ff"), b"ab" + bytes(10) + b"\xc0"])
def test_a_broken_question_is_answered_as_such(account, wire):
    given = answer(account, wire)
    assert given is not None
    assert given[:2] == wire[:2]
    assert dns.message.from_wire(given).rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


def test_an_answer_is_not_answered(account):
    reply = dns.message.make_response(dns.message.make_query("acme.example", "A"))
    assert answer(account, reply.to_wire()) is None


def test_an_update_is_not_played(account):
    message = dns.message.make_query("acme.example", "SOA")
    message.set_opcode(dns.opcode.NOTIFY)
    given = answer(account, message.to_wire())
    assert given is not None
    assert dns.message.from_wire(given).rcode() == dns.rcode.NOTIMP


def test_our_resolver_asks_it(server):
    resolver = DnsResolver([server.address])
    assert resolver.resolve("acme.example", "MX") == ("10 mx.acme.example.",)
    assert resolver.resolve("www.acme.example", "CNAME") == ("web.acme.example.",)
    assert resolver.resolve("www.acme.example", "A") == ()
    assert resolver.resolve("nobody.acme.example", "A") == ()
    assert len(resolver.resolve("long.acme.example", "TXT")) == 30
    with pytest.raises(InconclusiveError):
        resolver.resolve("elsewhere.example", "MX")


def test_the_accounts_resolver_says_the_same(account, server):
    real = DnsResolver([server.address])
    for name, kind in dict.fromkeys((name.replace("*", "any"), kind) for name, kind, _ in RECORDS):
        if kind != "NS":
            assert sorted(account.resolver.resolve(name, kind)) == sorted(real.resolve(name, kind)), (name, kind)


def test_nobody_answers_after_it_has_ended(account, zone):
    with NameServer(account) as running:
        address, port = server_of(running.address)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, port), timeout=1)


def test_a_port_that_is_taken_is_said(account, server):
    with pytest.raises(SandboxError, match="name server cannot listen on"):
        NameServer(account, int(server.address.rpartition(":")[2]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("127.0.0.1:5300", ("127.0.0.1", 5300)),
        ("::1", ("::1", 53)),
        ("[::1]:5300", ("::1", 5300)),
    ],
)
def test_name_servers_are_addresses_with_a_port(text, expected):
    assert server_of(text) == expected


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1:70000", "[::1", "1.2.3"])
def test_what_is_no_name_server_is_refused(text):
    with pytest.raises(UsageError):
        server_of(text)


@pytest.mark.skipif(not shutil.which("dig"), reason="dig (Debian: bind9-dnsutils) is not installed here")
@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (["acme.example", "MX"], ["10 mx.acme.example."]),
        (["www.acme.example", "A"], ["web.acme.example.", "192.0.2.10"]),
        (["+tcp", "acme.example", "TXT"], ['"v=spf1 -all"']),
        (["nobody.acme.example", "A"], []),
    ],
)
def test_dig_reads_it(server, asked, lines):
    address, port = server_of(server.address)
    command = ["dig", f"@{address}", "-p", str(port), "+short", "+time=5", "+tries=1", *asked]
    found: Any = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.splitlines() == lines
