"""Security groups and network ACLs evaluated, by examples and against a look at single addresses."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.egress import PUBLIC, Addresses, answered_through_acl, out_by_groups, through_acl

LAST = {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}


def entry(number: int, action: str, block: str, first: int = 0, last: int = 65535, *, egress: bool = True) -> dict:
    family = "Ipv6CidrBlock" if ":" in block else "CidrBlock"
    ports = {"From": first, "To": last}
    return {
        "RuleNumber": number,
        "Protocol": "6",
        "RuleAction": action,
        family: block,
        "PortRange": ports,
        "Egress": egress,
    }


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("203.0.113.9", True),
        ("10.255.255.255", False),
        ("11.0.0.0", True),
        ("172.32.0.0", True),
        ("172.31.255.255", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("2001:db8::1", True),
        ("64:ff9b::808:808", True),
        ("fd00::1", False),
        ("fe80::1", False),
    ],
)
def test_the_internet_is_what_is_not_private(address, is_public):
    assert (address in PUBLIC) is is_public


def test_every_rule_of_a_group_adds_to_what_gets_out():
    rules = [
        {"IpProtocol": "tcp", "FromPort": 20, "ToPort": 30, "IpRanges": [{"CidrIp": "192.0.2.0/25"}]},
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.128/25"}], "PrefixListIds": [{"PrefixListId": "pl-1"}]},
        {"IpProtocol": "udp", "FromPort": 25, "ToPort": 25, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 26, "ToPort": 26, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25, "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
    ]
    found = out_by_groups(rules, 25, {"pl-1": ["198.51.100.0/24"]})
    assert found == Addresses.of(["192.0.2.0/24", "198.51.100.0/24"])


def test_the_first_rule_of_an_acl_that_is_about_an_address_counts():
    entries = [
        entry(300, "allow", "192.0.2.64/26"),
        entry(100, "allow", "192.0.2.0/26", 25, 25),
        entry(200, "deny", "192.0.2.0/24", 20, 30),
        entry(400, "allow", "::/0"),
        {**LAST, "Egress": True},
    ]
    assert through_acl(entries, 25, egress=True) == Addresses.of(["192.0.2.0/26", "::/0"])
    assert through_acl(entries, 587, egress=True) == Addresses.of(["192.0.2.64/26", "::/0"])
    assert not through_acl(entries, 25, egress=False)


def test_answers_need_the_ports_that_they_come_back_to():
    inwards = [
        entry(100, "allow", "192.0.2.0/24", 1024, 65535, egress=False),
        entry(110, "allow", "198.51.100.0/24", 443, 443, egress=False),
    ]
    assert answered_through_acl(inwards) == Addresses.of(["192.0.2.0/24"])


@st.composite
def blocks(draw) -> str:
    """Blocks within 256 addresses, so that all of them can be looked at."""
    length = draw(st.integers(24, 32))
    start = draw(st.integers(0, 255)) & ~((1 << (32 - length)) - 1)
    return f"192.0.2.{start}/{length}"


ACTIONS = st.sampled_from(["allow", "deny"])


@given(
    st.lists(st.tuples(st.integers(1, 20), ACTIONS, blocks()), max_size=8, unique_by=lambda each: each[0]),
    st.lists(blocks(), max_size=4),
)
def test_sets_agree_with_a_look_at_every_address(listed, grouped):
    entries = [entry(*each) for each in listed]
    rules = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": each} for each in grouped]}]
    found = out_by_groups(rules, 25, {}) & through_acl(entries, 25, egress=True)
    for number in range(256):
        address = f"192.0.2.{number}"
        first = next((each for each in sorted(listed) if ip_address(address) in ip_network(each[2])), None)
        by_group = any(ip_address(address) in ip_network(each) for each in grouped)
        assert (address in found) is (by_group and first is not None and first[1] == "allow")
