"""What is said of images without AWS: cadence, forecasts, retention, roles elsewhere; and the components that ship."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from baseops.areas.images.documents import read_document
from baseops.areas.images.library import MAX_INLINE, builtin
from baseops.areas.images.locking import release_version
from baseops.areas.images.rehearse import judge
from baseops.areas.images.spec import BUILTIN
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs


def said(declaration, refs=None):
    found = judge(declaration.sections["images"], refs or Refs(declaration.site))
    return {each.rule: each.message for each in found}


def test_the_base_is_named_with_its_release(declared, refs):
    declaration = declared()
    assert said(declaration, refs(declaration))["images.base"] == (
        "every build starts from ami-0123456789abcdef0 (al2023-ami-2023.6.20260105.0-kernel-6.1-x86_64, release "
        "2023.6.20260105) until the lock is moved"
    )


def test_a_base_that_is_not_locked_is_said(declared):
    declaration = declared()
    assert said(declaration, Refs(declaration.site, Lock()))["images.base-not-locked"] == "the base is not locked yet"


def test_a_build_without_updates_is_said(declared, refs, web):
    declaration = declared(web.replace("[update, harden]", "[harden]"))
    assert "images.no-update" in said(declaration, refs(declaration))


def test_a_weekly_build_in_two_regions(declared):
    assert said(declared())["images.cadence"] == "52 builds a year, 2 AMIs each"


def test_the_forecast_counts_what_retirement_leaves(declared):
    # 36 Sundays: 9 builds are younger than 60 days, 4 than 90; of the four bases before, two of five builds stay.
    assert said(declared())["images.forecast"] == (
        "after 250 days there are 9 available, 12 deprecated images, each with its AMIs"
    )


def test_images_that_stay_for_good_are_said(declared):
    assert said(declared())["images.retained"] == (
        "the base moves every 35 days, as `max_base_age` asks, which begins a new recipe version; of each version 2 "
        "images stay for good"
    )


def test_a_retention_that_never_deletes_is_a_warning(declared, web):
    assert said(declared(web.replace("retain_at_least: 2", "retain_at_least: 5")))["images.never-deleted"] == (
        "the base moves every 35 days, as `max_base_age` asks, which begins a new recipe version; its 5 builds are "
        "never more than the 5 that each version retains, so no AMI is ever deleted"
    )


def test_accounts_with_copies_need_roles(full):
    assert said(full)["images.roles-elsewhere"].startswith(
        "333333333333 each need the role EC2ImageBuilderDistributionCrossAccountRole and "
    )


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("al2023-ami-2023.6.20250107.0-kernel-6.1-x86_64", "2023.6.20250107"),
        ("al2023-ami-minimal-2023.8.20250707.0-kernel-6.12-arm64", "2023.8.20250707"),
        ("al2023-ami-ecs-hvm-2023.0.20250107-kernel-6.1-x86_64", ""),
        ("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20250115", ""),
    ],
)
def test_the_release_stands_in_the_name_of_an_amazon_linux_2023_ami(name, release):
    assert release_version(name) == release


@pytest.mark.parametrize("name", BUILTIN)
def test_our_components_are_documents_that_image_builder_takes(name):
    document = read_document(builtin(name))
    assert document.problems == ()
    assert document.phases == ("build", "validate")
    assert len(builtin(name)) <= MAX_INLINE


@pytest.mark.parametrize("name", BUILTIN)
def test_every_script_of_ours_is_bash_and_stops_at_errors(name):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash on this machine")
    for phase in yaml.safe_load(builtin(name))["phases"]:
        for step in phase["steps"]:
            for command in step["inputs"].get("commands", ()):
                script = re.sub(r"\{\{ \w+ \}\}", "value", command)
                checked = subprocess.run([bash, "-n"], input=script, text=True, capture_output=True, check=False)
                assert checked.stderr == "", step["name"]
                assert re.match(r"set -[eu]+o pipefail\n", script), step["name"]


def test_every_step_that_hardens_is_validated_under_its_name():
    phases = {phase["name"]: phase["steps"] for phase in yaml.safe_load(builtin("harden"))["phases"]}
    assert [each["name"] for each in phases["build"]] == [each["name"] for each in phases["validate"]]
