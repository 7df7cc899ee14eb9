"""Every area's drills follow the frame; on the applied example none is refuted, and each notices a break."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from baseops.contract.refs import Refs
from baseops.registry import AREAS
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml"


@pytest.fixture(scope="module")
def declaration():
    return load(ACME)


@pytest.fixture
def verdicts(acme_says):
    """What the drills say in a copy of the account, after a break and some time."""

    def after(break_=lambda _: None, passes=timedelta(0), names=()):
        records = acme_says(*names, break_=break_, passes=passes)
        return [(each["drill"], each["target"], each["verdict"], each["reason"]) for each in records]

    return after


@pytest.mark.parametrize("area", AREAS, ids=lambda each: each.name)
def test_drills_say_what_they_promise(area, declaration):
    drills = area.prove.drills(declaration.sections[area.name], Refs(declaration.site))

    assert drills
    assert len({each.name for each in drills}) == len(drills)
    for each in drills:
        assert re.fullmatch(rf"{area.name}/[a-z0-9]+(-[a-z0-9]+)*", each.name)
        assert each.area == area.name
        assert each.promise
        assert not each.promise.endswith(".")
        assert each.targets
        assert each.drill_class == "observe" or each.touches


@pytest.mark.slow
def test_nothing_is_refuted_where_nobody_has_broken_anything(verdicts):
    found = verdicts()

    assert [each for each in found if each[2] == "refuted"] == []
    assert {each[0].partition("/")[0] for each in found if each[2] == "proven"} == {area.name for area in AREAS}


@pytest.mark.slow
def test_no_address_of_the_declaration_is_in_evidence(acme_says):
    assert "@" not in json.dumps(acme_says())


def disable_the_policy(account):
    dlm = account.client("dlm")
    for each in dlm.get_lifecycle_policies()["Policies"]:
        dlm.update_lifecycle_policy(PolicyId=each["PolicyId"], State="DISABLED")


def misspell_the_pattern(account):
    logs = account.client("logs")
    (live,) = logs.describe_metric_filters(logGroupName="/acme/web/nginx")["metricFilters"]
    logs.put_metric_filter(
        logGroupName="/acme/web/nginx",
        filterName=live["filterName"],
        filterPattern="{ $.statsu >= 500 }",
        metricTransformations=live["metricTransformations"],
    )


def switch_actions_off(account):
    account.client("cloudwatch").disable_alarm_actions(AlarmNames=["baseops-acme-logs-web-too-many-errors"])


def add_a_wildcard_role(account):
    iam = account.client("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName="curious", AssumeRolePolicyDocument=json.dumps(trust))
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="curious", PolicyName="all", PolicyDocument=json.dumps(document))


def take_the_permission_away(account):
    iam = account.client("iam")
    for name in iam.list_role_policies(RoleName="web")["PolicyNames"]:
        iam.delete_role_policy(RoleName="web", PolicyName=name)


def disable_a_destination(account):
    ses = account.client("sesv2")
    name = "baseops-acme-acme-example"
    for each in ses.get_configuration_set_event_destinations(ConfigurationSetName=name)["EventDestinations"]:
        ses.delete_configuration_set_event_destination(ConfigurationSetName=name, EventDestinationName=each["Name"])


def share_with_a_stranger(account):
    ec2 = account.client("ec2")
    for each in ec2.describe_images(Owners=["self"])["Images"]:
        ec2.modify_image_attribute(ImageId=each["ImageId"], LaunchPermission={"Add": [{"UserId": "999999999999"}]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_", "passes", "drill", "target"),
    [
        (disable_the_policy, timedelta(days=3), "backups/coverage", "backups.daily/vol-"),
        (misspell_the_pattern, timedelta(0), "logs/live-filters", "logs.web/Http5xx"),
        (switch_actions_off, timedelta(0), "logs/live-alarms", "logs.web/baseops-acme-logs-web-too-many-errors"),
        (add_a_wildcard_role, timedelta(0), "secrets/readers", "secrets.db/others"),
        (take_the_permission_away, timedelta(0), "secrets/readers", "secrets.db/readers"),
        (
            disable_a_destination,
            timedelta(0),
            "email/events",
            "email/acme.example/baseops-acme-acme-example/destinations",
        ),
        (share_with_a_stranger, timedelta(0), "images/published", "images.web/eu-west-1"),
    ],
)
def test_a_break_is_refuted(verdicts, break_, passes, drill, target):
    found = verdicts(break_, passes, (drill,))

    assert any(each[1].startswith(target) for each in found if each[2] == "refuted"), found
