"""A change set that fails validation says which resource is wrong, not that something was."""

import json

import pytest

from baseops.cloudformation.changesets import Body, ChangeSets
from baseops.cloudformation.stacks import read_state
from baseops.contract.site import Site
from baseops.contract.template import Template
from baseops.errors import StackError
from baseops.sandbox.account import open_account
from baseops.sandbox.faults import Fault

SITE = Site("acme", ("111111111111",), "eu-west-1")
BODY = {
    "Resources": {
        "Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": {"LogGroupName": "/x", "FilterPattern": "E"}},
    }
}


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def refused(account) -> str:
    template = Template("logs", "acme-logs", "eu-west-1", BODY)
    sets = ChangeSets(account, account.clock, SITE)
    state = read_state(account, template.name, template.region)
    with pytest.raises(StackError) as error:
        sets.create(template, Body(json.dumps(BODY)), {}, state)
    return error.value.why


def test_the_resource_and_its_fault_are_named(account):
    assert refused(account) == "Filter: Required property [MetricTransformations] not found"


def test_without_the_permission_to_read_events_the_reason_is_cloudformations(account):
    account.faults.add(Fault("cloudformation", "DescribeEvents", error="AccessDenied"))
    assert refused(account).startswith("The following hook(s)/validation failed: [AWS::EarlyValidation::Property")
