"""What the drill of blocklists says: of lists that answer, that do not, and that lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

DOMAIN = "email/acme.example"
ZEN, DBL = f"{DOMAIN}/zen.spamhaus.org", f"{DOMAIN}/dbl.spamhaus.org"
DRILL = "email/blocklists"


def entry(name: str, value: str, action: str = "UPSERT") -> Callable[[Any], None]:
    """A break: an A record of a list is changed, added or deleted."""

    def change(account: Any) -> None:
        route53 = account.client("route53")
        zones = {each["Name"]: each["Id"] for each in route53.list_hosted_zones()["HostedZones"]}
        (zone,) = [zones[each] for each in zones if f"{name}.".endswith(f".{each}")]
        record = {"Name": name, "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    return change


def verdicts(records: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {each["target"]: (each["verdict"], each["reason"]) for each in records}


def test_lists_are_asked_for_the_addresses_of_the_pool_and_for_the_domains(acme_says):
    records = acme_says(DRILL)
    assert verdicts(records) == {
        ZEN: ("proven", "its test entries answer, and it lists none of 2"),
        DBL: ("proven", "its test entries answer, and it lists none of 2"),
    }
    assert [(each["measures"]["asked"], each["measures"]["listed"]) for each in records] == [(2, 0), (2, 0)]


@pytest.mark.parametrize(
    ("name", "value", "target", "reason"),
    [
        ("2.100.51.198.zen.spamhaus.org", "127.0.0.4", ZEN, "it lists 198.51.100.2 (127.0.0.4)"),
        ("acme.example.dbl.spamhaus.org", "127.0.1.2", DBL, "it lists acme.example (127.0.1.2)"),
        ("bounce.acme.example.dbl.spamhaus.org", "127.0.1.2", DBL, "it lists bounce.acme.example (127.0.1.2)"),
    ],
)
def test_what_is_listed_is_named_with_its_code(acme_says, name, value, target, reason):
    found = verdicts(acme_says(DRILL, break_=entry(name, value)))
    assert found[target] == ("refuted", f"{reason}: ask its operator to remove them")
    assert [verdict for verdict, _ in found.values()].count("proven") == 1


@pytest.mark.parametrize(
    ("name", "value", "action", "reason"),
    [
        (
            "2.0.0.127.zen.spamhaus.org",
            "127.0.0.2",
            "DELETE",
            "its test entry 127.0.0.2 is not there: nobody keeps it, or not for IPv4 addresses",
        ),
        (
            "2.0.0.127.zen.spamhaus.org",
            "127.255.255.254",
            "UPSERT",
            "it does not answer this name server (127.255.255.254): ask by another one, with --dns",
        ),
        (
            "1.0.0.127.zen.spamhaus.org",
            "127.0.0.2",
            "UPSERT",
            "it lists even 127.0.0.1, which no list may: it answers for everything",
        ),
        (
            "1.100.51.198.zen.spamhaus.org",
            "127.255.255.255",
            "UPSERT",
            "of 198.51.100.1 it says nothing: 127.255.255.255",
        ),
    ],
)
def test_a_list_that_cannot_be_relied_on_proves_nothing_and_refutes_nothing(acme_says, name, value, action, reason):
    assert verdicts(acme_says(DRILL, break_=entry(name, value, action)))[ZEN] == ("inconclusive", reason)
