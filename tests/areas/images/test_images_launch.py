"""Launching the published image in the applied example: what is started, how shut in it is, and what silence means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from baseops.areas.images.drill_network import Way, way_to_systems_manager
from baseops.areas.images.run_command import Outcome, run
from baseops.contract.drill import DRILL_TAG
from baseops.contract.site import Network as SiteNetwork
from baseops.contract.site import Site
from baseops.errors import InconclusiveError

LAUNCH = "images/launch"


def verdict(records):
    (record,) = records
    return record["verdict"], record["reason"]


def test_an_instance_answers_and_its_commands_pass(acme_says):
    (record,) = acme_says(LAUNCH)

    assert record["verdict"] == "proven"
    assert record["method"] == "exercised"
    assert record["measures"]["ssm_seconds"] == 60
    assert "created_seconds" in record["measures"]
    assert record["reason"].endswith("answers, and 1 command ended with 0")


@pytest.fixture
def launched(applied_acme):
    """The instance and the group that the drill started, as EC2 describes them while they live and afterwards."""
    from baseops.workflow.rehearsed_proof import proven

    declaration, lock, account = applied_acme

    def in_a_copy():
        started = []
        account.record(
            lambda call, answer: started.append((call, answer)) if call.operation == "RunInstances" else None
        )
        with proven(declaration, lock, account, names=(LAUNCH,)):
            ((call, answer),) = started
        ec2 = account.client("ec2")
        identity = answer.members["Instances"][0]["InstanceId"]
        (instance,) = ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"]
        groups = ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": [DRILL_TAG]}])["SecurityGroups"]
        return dict(call.parameters), instance["State"]["Name"], groups

    return account.fork(in_a_copy)


def test_what_is_started_is_shut_in_ends_itself_and_is_removed(launched):
    request, state, groups = launched

    assert request["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert request["MetadataOptions"]["HttpTokens"] == "required"
    assert request["IamInstanceProfile"] == {"Name": "baseops-acme-drill-instance"}
    assert request["SubnetId"] == "subnet-0b2c3d4e"
    assert all(each["Ebs"]["DeleteOnTermination"] for each in request["BlockDeviceMappings"])
    tags = {tag["Key"] for each in request["TagSpecifications"] for tag in each["Tags"]}
    assert tags == {"baseops:drill", "baseops:drill-creator"}
    assert (state, groups) == ("terminated", [])


@pytest.mark.slow
def test_silence_is_the_networks_when_the_control_is_silent_too(acme_says):
    def stop_the_agents(account):
        iam = account.client("iam")
        iam.delete_role_policy(RoleName="baseops-acme-drill-instance", PolicyName="work")

    said, reason = verdict(acme_says(LAUNCH, break_=stop_the_agents))

    assert said == "inconclusive"
    assert "nor did one of ami-" in reason


def test_without_a_way_to_systems_manager_nothing_is_started(acme_says):
    def remove_endpoints(account):
        ec2 = account.client("ec2")
        found = [each["VpcEndpointId"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
        ec2.delete_vpc_endpoints(VpcEndpointIds=found)

    said, reason = verdict(acme_says(LAUNCH, break_=remove_endpoints))

    assert said == "inconclusive"
    assert "no instance was started in subnet-0b2c3d4e" in reason
    assert "no endpoint for ssm and ssmmessages" in reason


def test_without_the_profile_it_is_said_who_makes_it(acme_says):
    def remove_profile(account):
        iam, name = account.client("iam"), "baseops-acme-drill-instance"
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
        iam.delete_instance_profile(InstanceProfileName=name)

    said, reason = verdict(acme_says(LAUNCH, break_=remove_profile))

    assert said == "inconclusive"
    assert "run baseops apply" in reason


class Answers:
    """SSM's answers to commands, in this order."""

    def __init__(self, *codes):
        self.codes = list(codes)

    def client(self, _service):
        return self

    def send_command(self, **_):
        return {"Command": {"CommandId": "c"}}

    def get_command_invocation(self, **_):
        code = self.codes.pop(0)
        if code is None:
            return {"Status": "Failed", "StatusDetails": "Undeliverable", "ResponseCode": -1}
        word = "Failed" if code else "Success"
        return {"Status": word, "StatusDetails": word, "ResponseCode": code}


def asked(*codes):
    clock = FakeClock()
    ctx = SimpleNamespace(clients=Answers(*codes), clock=clock, run_id="r")
    outcome = run(ctx, "i-1", "systemctl is-active nginx")
    return outcome, clock.slept


class FakeClock:
    def __init__(self):
        self.slept = 0.0

    def now(self):
        return datetime(2026, 1, 18, 2, tzinfo=UTC) + timedelta(seconds=self.slept)

    def sleep(self, seconds):
        self.slept += seconds


def test_a_service_that_is_still_starting_is_asked_again():
    assert asked(3, 0) == (Outcome(0, "Success"), 20.0)
    assert asked(3, 3, 3) == (Outcome(3, "Failed"), 40.0)


def test_a_command_that_was_not_delivered_says_nothing():
    assert asked(None) == (Outcome(None, "Undeliverable"), 0.0)


ROUTES = {
    "a NAT gateway leads out": ([{"NatGatewayId": "nat-1"}], False, "nat-1"),
    "an internet gateway needs a public address": ([{"GatewayId": "igw-1"}], False, ""),
    "with a public address it leads out": ([{"GatewayId": "igw-1"}], True, "igw-1"),
    "a route that leads nowhere any more": ([{"NatGatewayId": "nat-1", "State": "blackhole"}], False, ""),
    "local routes alone": ([], False, ""),
}


class Network:
    """EC2's descriptions of a subnet without endpoints."""

    def __init__(self, routes, public):
        local = {"DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "local", "State": "active"}
        self.routes = [local, *({"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **each} for each in routes)]
        self.public = public

    def client(self, _service):
        return self

    def describe_subnets(self, **_):
        return {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "MapPublicIpOnLaunch": self.public}]}

    def get_paginator(self, _operation):
        return SimpleNamespace(paginate=lambda **_: [{"VpcEndpoints": []}])

    def describe_route_tables(self, *, Filters):  # noqa: N803  # boto3's own name
        is_main = any(each["Name"] == "association.main" for each in Filters)
        return {"RouteTables": [{"Routes": self.routes}] if is_main else []}


@pytest.mark.parametrize(("routes", "public", "by"), ROUTES.values(), ids=ROUTES)
def test_a_way_out_is_a_route_that_an_instance_can_use(routes, public, by):
    site = Site("acme", ("111111111111",), "eu-west-1", network=SiteNetwork(drill_subnet="subnet-1"))
    ctx = SimpleNamespace(clients=Network(routes, public), site=site)

    if by:
        assert way_to_systems_manager(ctx) == Way("vpc-1", "subnet-1", ("0.0.0.0/0",), f"a route by {by}")
    else:
        with pytest.raises(InconclusiveError, match="no endpoint for ssm and ssmmessages, no route leads out"):
            way_to_systems_manager(ctx)


def test_without_a_drill_subnet_nothing_is_started():
    with pytest.raises(InconclusiveError, match="the declaration names no drill subnet"):
        way_to_systems_manager(SimpleNamespace(site=Site("acme", ("111111111111",), "eu-west-1")))
