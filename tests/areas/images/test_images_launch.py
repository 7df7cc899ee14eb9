"""Launching the published image in the applied example: what is started, how shut in it is, and what silence means."""

from __future__ import annotations

import pytest

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
