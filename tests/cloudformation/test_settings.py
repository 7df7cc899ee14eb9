"""Settings are claimed, written, given back, and never taken from another declaration."""

import json

import pytest

from baseops.areas.email.settings import AccountSuppression, released
from baseops.cloudformation.settings import RECORDS, Settings
from baseops.contract.site import Site
from baseops.errors import UsageError
from baseops.sandbox.account import open_account

REGION = "eu-west-1"
BOTH = AccountSuppression(REGION, ["BOUNCE", "COMPLAINT"])


@pytest.fixture
def account():
    with open_account("111111111111", REGION) as opened:
        opened.client("sesv2").put_account_suppression_attributes(SuppressedReasons=["BOUNCE"])
        yield opened


def settings_of(account, name="acme"):
    return Settings(account, account.clock, Site(name, ("111111111111",), REGION), released)


def reasons(account):
    return sorted(account.client("sesv2").get_account()["SuppressionAttributes"]["SuppressedReasons"])


def test_a_setting_is_written_once_and_what_it_was_is_remembered(account):
    assert [plan.action for plan in settings_of(account).apply([BOTH])] == ["write"]
    assert reasons(account) == ["BOUNCE", "COMPLAINT"]
    assert [plan.action for plan in settings_of(account).apply([BOTH])] == ["none"]
    record = json.loads(account.client("ssm").get_parameter(Name=RECORDS + BOTH.id)["Parameter"]["Value"])
    assert (record["declaration"], record["former"]) == ("acme", ["BOUNCE"])


def test_a_claim_that_is_dropped_gives_the_former_value_back(account):
    settings_of(account).apply([BOTH])
    assert [(plan.setting.id, plan.action) for plan in settings_of(account).plan([])] == [(BOTH.id, "restore")]
    settings_of(account).apply([])
    assert reasons(account) == ["BOUNCE"]
    assert settings_of(account).plan([]) == []


def test_another_declarations_claim_is_refused_and_nothing_is_written(account):
    settings_of(account).apply([BOTH])
    other = AccountSuppression(REGION, [])
    with pytest.raises(UsageError, match="the declaration acme has claimed it"):
        settings_of(account, "other").apply([other])
    assert reasons(account) == ["BOUNCE", "COMPLAINT"]


def test_what_was_as_declared_before_is_not_claimed(account):
    settings_of(account).apply([AccountSuppression(REGION, ["BOUNCE"])])
    assert settings_of(account).owner(BOTH) is None


def test_destroying_gives_everything_back(account):
    settings_of(account).apply([BOTH])
    assert [setting.id for setting in settings_of(account).restore_all()] == [BOTH.id]
    assert reasons(account) == ["BOUNCE"]


def test_somebody_elses_change_since_is_drift(account):
    settings_of(account).apply([BOTH])
    account.client("sesv2").put_account_suppression_attributes(SuppressedReasons=[])
    (plan,) = settings_of(account).plan([BOTH])
    assert (plan.action, plan.current) == ("write", [])
