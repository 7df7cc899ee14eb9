"""Drills of an image that somebody else builds: nothing of ours is applied, the parameter says which AMI is meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baseops.areas.images import world
from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.sandbox.account import open_account
from baseops.workflow.load import SPECS
from baseops.workflow.rehearsed_proof import proven

THEIRS = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
images:
  theirs:
    managed: false
    publish: /vendor/web
    promise: {max_age: 30d}
    used_by: {tags: {Role: web}, versions_behind: 1}
    exempt: [{tags: {Appliance: firewall}, reason: the vendor's own image, expires: "2026-02-01"}]
"""
DECLARATION = load(THEIRS, SPECS)


@pytest.fixture(scope="module")
def account():
    with open_account(start=datetime(2026, 1, 5, 9, tzinfo=UTC)) as opened:
        section = DECLARATION.sections["images"]
        world.build(section, opened, DECLARATION.site)
        opened.clock.sleep(3600)
        world.live(section, opened, DECLARATION.site)
        yield opened


@pytest.fixture
def says(account):
    def after(drill, break_=lambda _: None):
        def in_a_copy():
            break_(account)
            with proven(DECLARATION, Lock(), account, names=(drill,)) as run:
                return [(each["target"], each["verdict"], each["reason"]) for each in run.records]

        return account.fork(in_a_copy)

    return after


def publish(account, times):
    for number in range(times):
        image = account.client("ec2").register_image(Name=f"vendor {number}", RootDeviceName="/dev/xvda")["ImageId"]
        account.client("ssm").put_parameter(Name="/vendor/web", Value=image, Type="String", Overwrite=True)


def test_what_the_parameter_names_is_there_and_young(says):
    ((target, verdict, reason),) = says("images/published")

    assert (target, verdict) == ("images.theirs/eu-west-1", "proven")
    assert reason.endswith("is there and young enough")


def test_an_old_image_of_others_is_refuted(says):
    ((_, verdict, reason),) = says("images/published", lambda account: account.clock.sleep(31 * 86400))

    assert verdict == "refuted"
    assert "31 days" in reason


def test_a_parameter_that_names_nothing_is_refuted(says):
    def deregister(account):
        image = account.client("ssm").get_parameter(Name="/vendor/web")["Parameter"]["Value"]
        account.client("ec2").deregister_image(ImageId=image)

    ((_, verdict, reason),) = says("images/published", deregister)

    assert verdict == "refuted"
    assert "does not exist in eu-west-1" in reason


def test_the_exempt_are_named_with_reason_and_end(says):
    ((_, verdict, reason),) = says("images/used-by")

    assert verdict == "proven"
    assert "until 2026-02-01: the vendor's own image" in reason


def test_versions_of_others_are_what_the_parameter_named(says):
    found = says("images/used-by", lambda account: publish(account, 2))

    assert [each[1] for each in found] == ["refuted"]
    assert "2 versions behind; 1 are allowed" in found[0][2]


def test_an_exemption_that_has_ended_excuses_nobody(says):
    found = says("images/used-by", lambda account: account.clock.sleep(timedelta(days=30).total_seconds()))

    assert [each[1] for each in found] == ["refuted"]
    assert "its exemption ended on 2026-02-01 (the vendor's own image)" in found[0][2]


def test_an_image_without_files_that_can_be_read_proves_nothing_of_them(says):
    ((target, verdict, reason),) = says("images/contents")

    assert (target, verdict) == ("images.theirs", "inconclusive")
    assert "could not be read whole" in reason
