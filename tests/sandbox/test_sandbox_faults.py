"""Faults strike the calls that they name, so often, in this order; the same for the same seed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from baseops.errors import SandboxError
from baseops.sandbox.account import open_account
from baseops.sandbox.call import Call
from baseops.sandbox.faults import Fault, Faults, fault_from
from baseops.sandbox.requests import make_request


def call(service: str = "logs", operation: str = "CreateLogGroup", region: str = "eu-west-1") -> Call:
    request = make_request("POST", f"https://logs.{region}.amazonaws.com/", [], b"{}")
    return Call(service, operation, "111111111111", region, "", request)


@pytest.fixture
def bare():
    """An account whose clients do not retry."""
    with open_account(retries=False) as account:
        yield account


def groups(account) -> list[str]:
    return [each["logGroupName"] for each in account.client("logs").describe_log_groups()["logGroups"]]


def test_an_error_is_answered_and_the_call_has_no_effect(bare):
    bare.faults.add(Fault("logs", "CreateLogGroup", error="LimitExceededException", message="too many", times=1))
    with pytest.raises(bare.client("logs").exceptions.LimitExceededException, match="too many"):
        bare.client("logs").create_log_group(logGroupName="/a")
    assert groups(bare) == []
    bare.client("logs").create_log_group(logGroupName="/a")
    assert groups(bare) == ["/a"]


@pytest.mark.parametrize(("error", "status"), [("ThrottlingException", 400), ("RequestLimitExceeded", 503)])
def test_an_error_has_the_status_that_aws_gives_it(bare, error, status):
    bare.faults.add(Fault(error=error))
    with pytest.raises(ClientError) as caught:
        bare.client("ec2").describe_volumes()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_standard_retries_get_over_two_throttles_in_virtual_time(account):
    account.faults.add(Fault("logs", "CreateLogGroup", error="ThrottlingException", times=2))
    before = account.clock.now()
    answer = account.client("logs").create_log_group(logGroupName="/a")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert timedelta(0) < account.clock.now() - before < timedelta(seconds=10)


def test_a_third_throttle_is_too_many(account):
    account.faults.add(Fault("logs", error="ThrottlingException"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        account.client("logs").create_log_group(logGroupName="/a")


def test_a_delay_takes_virtual_time(account):
    account.faults.add(Fault("logs", "DescribeLogGroups", delay=30))
    before = account.clock.now()
    groups(account)
    assert account.clock.now() - before == timedelta(seconds=30)


def test_a_dropped_request_has_no_effect_and_a_dropped_response_has(bare):
    for drop, expected in (("request", []), ("response", ["/response"])):
        bare.faults.add(Fault("logs", "CreateLogGroup", drop=drop, times=1))
        with pytest.raises(ConnectionClosedError):
            bare.client("logs").create_log_group(logGroupName=f"/{drop}")
        assert groups(bare) == expected


def test_a_retry_after_a_dropped_response_finds_what_the_first_made(account):
    account.faults.add(Fault("logs", "CreateLogGroup", drop="response", times=1))
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        account.client("logs").create_log_group(logGroupName="/a")


@pytest.mark.parametrize(
    ("fault", "strikes"),
    [
        (Fault(error="X"), True),
        (Fault("logs", "Create*", error="X"), True),
        (Fault("ec2", error="X"), False),
        (Fault("logs", "Delete*", error="X"), False),
        (Fault(region="us-*", error="X"), False),
    ],
)
def test_a_fault_strikes_what_it_names(fault, strikes):
    faults = Faults()
    faults.add(fault)
    assert (faults.strike(call()) is fault) is strikes


def test_where_compares_members_of_the_request(bare):
    bare.faults.add(Fault("logs", "CreateLogGroup", error="OperationAbortedException", where={"logGroupName": "/b"}))
    bare.client("logs").create_log_group(logGroupName="/a")
    with pytest.raises(ClientError, match="OperationAbortedException"):
        bare.client("logs").create_log_group(logGroupName="/b")


def test_after_lets_some_pass_and_times_ends_it():
    faults = Faults()
    faults.add(Fault(error="X", after=2, times=3))
    assert [bool(faults.strike(call())) for _ in range(7)] == [False, False, True, True, True, False, False]
    assert faults.active() == []
    assert len(faults.struck) == 3


@given(st.integers(0, 2**32), st.floats(0.1, 0.9))
def test_probability_is_repeatable(seed, probability):
    def story() -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault(error="X", probability=probability))
        return [bool(faults.strike(call())) for _ in range(50)]

    assert story() == story()


def test_the_first_rule_that_strikes_decides():
    faults = Faults()
    first, second = Fault(error="First", times=1), Fault(error="Second")
    faults.add(first)
    faults.add(second)
    assert [faults.strike(call()), faults.strike(call())] == [first, second]
    faults.clear()
    assert faults.strike(call()) is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "a fault does nothing"),
        ({"error": "X", "max_fires": 1}, "a fault has no max_fires: it knows service, operation"),
        ({"error": "X", "probability": 2}, "probability 2 of a fault"),
        ({"error": "X", "times": 0}, "counts below its least"),
        ({"drop": "both"}, "a fault drops both"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(document, message):
    with pytest.raises(SandboxError, match=message):
        fault_from(document)


def test_a_dropped_answer_that_comes_late_is_a_timeout(bare):
    bare.faults.add(Fault("logs", "DescribeLogGroups", drop="response", delay=60, times=1))
    before = bare.clock.now()
    with pytest.raises(ReadTimeoutError):
        groups(bare)
    assert bare.clock.now() - before == timedelta(seconds=60)


def test_a_fault_may_strike_one_principal_alone(bare):
    bare.faults.add(Fault(error="ThrottlingException", principal="*:assumed-role/*"))
    assert groups(bare) == []
    assert bare.faults.struck == []


def test_a_retry_of_ec2_makes_nothing_twice(account):
    ec2 = account.client("ec2")
    account.faults.add(Fault("ec2", "CreateVolume", drop="response", times=2))
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)
    other = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)

    volumes = [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]]
    assert sorted(volumes) == sorted([made["VolumeId"], other["VolumeId"]])


def test_a_client_token_belongs_to_one_request(account):
    ec2 = account.client("ec2")
    ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, ClientToken="one")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        ec2.create_volume(AvailabilityZone="eu-west-1a", Size=2, ClientToken="one")
