"""References to IAM roles, in every way in which a declaration may write them."""

import pytest

from baseops.semantics.roles import Role, at_home, role_of

HOME, OTHER = "111111111111", "222222222222"


@pytest.mark.parametrize(
    ("reference", "name", "path", "account"),
    [
        ("role/web", "web", "/", None),
        ("role/jobs/night/newsletter", "newsletter", "/jobs/night/", None),
        (f"arn:aws:iam::{HOME}:role/web", "web", "/", None),
        (f"arn:aws-us-gov:iam::{OTHER}:role/team/partner", "partner", "/team/", OTHER),
    ],
)
def test_a_reference_is_taken_apart(reference, name, path, account):
    found = role_of(reference, [HOME])
    assert found == Role(reference, name, path, account)
    assert at_home(found, [HOME]) is (account is None)
    assert at_home(role_of(reference), [HOME]) is (account is None)


def test_the_arn_is_for_a_template_or_for_an_account():
    role = role_of("role/jobs/web")
    assert role.arn == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/jobs/web"
    assert role.arn_in("aws-us-gov", HOME) == f"arn:aws-us-gov:iam::{HOME}:role/jobs/web"
    assert role_of(f"arn:aws:iam::{OTHER}:role/web").arn_in("aws", HOME) == f"arn:aws:iam::{OTHER}:role/web"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("role/web", False),
        ("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a1b", True),
        ("role/aws-service-role/dlm.amazonaws.com/AWSServiceRoleForDLM", True),
        ("role/team/aws-reserved", False),
    ],
)
def test_what_only_aws_changes_is_known_by_name_or_path(reference, expected):
    assert role_of(reference).is_unchangeable is expected
