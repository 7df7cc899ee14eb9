"""From which addresses mail leaves, as the drill of blocklists finds them out: pools, the default one, own servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from baseops.areas.email import world
from baseops.contract.lock import Lock
from baseops.workflow.rehearsed_proof import proven

DOMAIN = "email/acme.example"
SHARED = "its mail leaves from addresses that SES shares among accounts and looks after itself"


@pytest.fixture
def says(declared, account) -> Callable[[str], dict[str, tuple[str, str]]]:
    def run(text: str) -> dict[str, tuple[str, str]]:
        declaration = declared(text)
        world.build(declaration.sections["email"], account, declaration.site)
        with proven(declaration, Lock(), account, names=["email/blocklists"]) as done:
            return {each.values["target"]: (each.values["verdict"], each.values["reason"]) for each in done.records}

    return run


def test_shared_addresses_are_not_for_the_sender_to_ask_about(says):
    text = "email:\n  acme.example: {managed: false, promise: {blocklists: {addresses: [zen.spamhaus.org]}}}\n"
    assert says(text) == {f"{DOMAIN}/addresses": ("inconclusive", f"there is no address to ask for: {SHARED}")}


def test_servers_of_the_owner_are_asked_for_in_both_families(says, account):
    text = (
        "email:\n  acme.example:\n    managed: false\n"
        '    promise: {blocklists: {addresses: [zen.spamhaus.org], servers: [192.0.2.25, "2001:db8::25"]}}\n'
    )
    assert says(text) == {f"{DOMAIN}/zen.spamhaus.org": ("proven", "its test entries answer, and it lists none of 2")}
    nibbles = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    route53 = account.client("route53")
    (zone,) = [each["Id"] for each in route53.list_hosted_zones()["HostedZones"] if "zen" in each["Name"]]
    record = {
        "Name": f"{nibbles}.zen.spamhaus.org",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "127.0.0.3"}],
    }
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    assert says(text)[f"{DOMAIN}/zen.spamhaus.org"] == (
        "refuted",
        "it lists 2001:db8::25 (127.0.0.3): ask its operator to remove them",
    )


def test_dedicated_addresses_without_a_pool_are_those_of_the_default_pool(says, account):
    sesv2 = account.client("sesv2")
    sesv2.create_dedicated_ip_pool(PoolName="ses-default-dedicated-pool", ScalingMode="MANAGED")
    text = "email:\n  acme.example: {managed: false, promise: {blocklists: {addresses: [zen.spamhaus.org]}}}\n"
    assert says(text) == {f"{DOMAIN}/zen.spamhaus.org": ("proven", "its test entries answer, and it lists none of 2")}


def test_a_pool_without_addresses_proves_nothing(says, account):
    sesv2 = account.client("sesv2")
    sesv2.create_dedicated_ip_pool(PoolName="own", ScalingMode="STANDARD")
    sesv2.create_configuration_set(ConfigurationSetName="mail", DeliveryOptions={"SendingPoolName": "own"})
    sesv2.create_email_identity(EmailIdentity="acme.example", ConfigurationSetName="mail")
    text = "email:\n  acme.example: {managed: false, promise: {blocklists: {addresses: [zen.spamhaus.org]}}}\n"
    assert says(text) == {f"{DOMAIN}/addresses": ("inconclusive", "SES has given no addresses yet to own")}
