"""Instances that drills start: how they are reached, and how they are asked."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from baseops.contract.drill import DRILL_TAG
from baseops.contract.site import Network as SiteNetwork
from baseops.contract.site import Site
from baseops.errors import InconclusiveError
from baseops.evidence.drill_commands import Outcome, run_patiently
from baseops.evidence.drill_network import Way, way_to_systems_manager

SITE = Site("acme", ("111111111111",), "eu-west-1", network=SiteNetwork(drill_subnet="subnet-1"))


@pytest.fixture
def started(applied_acme):
    """What a drill of the example asked for to start its instance, and what EC2 still has of it afterwards."""
    from baseops.workflow.rehearsed_proof import proven

    declaration, lock, account = applied_acme

    def by(drill):
        asked = {}
        account.record(lambda call, answer: asked.update({call.operation: (call.parameters, answer.members)}))
        with proven(declaration, lock, account, names=(drill,)):
            request, answer = asked["RunInstances"]
        ec2 = account.client("ec2")
        ((instance,),) = (
            each["Instances"]
            for each in ec2.describe_instances(InstanceIds=[answer["Instances"][0]["InstanceId"]])["Reservations"]
        )
        groups = ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": [DRILL_TAG]}])["SecurityGroups"]
        egress = asked["AuthorizeSecurityGroupEgress"][0]["IpPermissions"]
        revoked = asked["RevokeSecurityGroupEgress"][0]["IpPermissions"]
        return dict(request), (revoked[0]["IpProtocol"], egress), (instance["State"]["Name"], groups)

    return lambda drill: account.fork(lambda: by(drill))


@pytest.mark.parametrize("drill", ["images/launch", "backups/restore"])
def test_what_is_started_is_shut_in_ends_itself_and_is_removed(started, drill):
    request, network, left = started(drill)

    assert request["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert b64decode(request["UserData"]) == b"#!/bin/sh\nshutdown -h +55\n"
    assert request["MetadataOptions"]["HttpTokens"] == "required"
    assert request["IamInstanceProfile"] == {"Name": "baseops-acme-drill-instance"}
    assert request["SubnetId"] == "subnet-0b2c3d4e"
    assert [each["Ebs"]["DeleteOnTermination"] for each in request["BlockDeviceMappings"]] == [True]
    tags = {tag["Key"] for each in request["TagSpecifications"] for tag in each["Tags"]}
    assert tags == {"baseops:declaration", "baseops:drill", "baseops:drill-creator"}
    ranges = [{"CidrIp": "10.20.0.0/16"}]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}
    assert network == ("-1", [https])
    assert left == ("terminated", [])


def test_a_run_may_start_instances_for_several_drills(acme_says):
    records = acme_says("images/launch", "backups/restore")

    assert {(each["drill"], each["verdict"]) for each in records} == {
        ("images/launch", "proven"),
        ("backups/restore", "proven"),
    }


class Answers:
    """SSM's answers to commands, in this order."""

    def __init__(self, *codes):
        self.codes = list(codes)

    def client(self, _service, _region):
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
    ctx = SimpleNamespace(clients=Answers(*codes), clock=clock, run_id="r", site=SITE)
    outcome = run_patiently(ctx, "i-1", "systemctl is-active nginx")
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

    def client(self, _service, _region):
        return self

    def describe_subnets(self, **_):
        subnet = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a"}
        return {"Subnets": [{**subnet, "MapPublicIpOnLaunch": self.public}]}

    def get_paginator(self, _operation):
        return SimpleNamespace(paginate=lambda **_: [{"VpcEndpoints": []}])

    def describe_route_tables(self, *, Filters):  # noqa: N803  # boto3's own name
        is_main = any(each["Name"] == "association.main" for each in Filters)
        return {"RouteTables": [{"Routes": self.routes}] if is_main else []}


@pytest.mark.parametrize(("routes", "public", "by"), ROUTES.values(), ids=ROUTES)
def test_a_way_out_is_a_route_that_an_instance_can_use(routes, public, by):
    ctx = SimpleNamespace(clients=Network(routes, public), site=SITE)

    if by:
        assert way_to_systems_manager(ctx) == Way("vpc-1", "subnet-1", "eu-west-1a", ("0.0.0.0/0",), f"a route by {by}")
    else:
        with pytest.raises(InconclusiveError, match="no endpoint for ssm and ssmmessages, no route leads out"):
            way_to_systems_manager(ctx)


def test_without_a_drill_subnet_nothing_is_started():
    with pytest.raises(InconclusiveError, match="the declaration names no drill subnet"):
        way_to_systems_manager(SimpleNamespace(site=Site("acme", ("111111111111",), "eu-west-1")))
