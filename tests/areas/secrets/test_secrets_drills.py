"""The drills of secrets on the example: proven where nobody has broken anything, refuted after each break."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseops.areas.secrets import sabotage
from baseops.areas.secrets.on_instances import is_the_read
from baseops.areas.secrets.trail import keeps_reads
from baseops.sandbox import ext4_images, guests
from baseops.semantics.trail import Read
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml"
DECLARED = load(ACME)
why_not = guests.why_not() or ext4_images.why_not()
runs_guests = pytest.mark.skipif(bool(why_not), reason=why_not or "")
BREAKS = {each.name: each for each in sabotage.sabotages(DECLARED.sections["secrets"], DECLARED.site)}


@pytest.fixture
def said(acme_says):
    """Target, verdict and reason of each record."""

    def after(*names: str, break_=lambda _: None, passes=timedelta(0)) -> list[tuple[str, str, str]]:
        records = acme_says(*names, break_=break_, passes=passes)
        return [(each["target"], each["verdict"], each["reason"]) for each in records]

    return after


def test_readers_and_administrators_are_named_and_nobody_else_reads(said):
    db, api = said("secrets/readers")

    assert db[:2] == ("secrets.db", "proven")
    assert db[2].startswith("read by web; administrators admin; its rotation baseops-acme-secrets-DbRotationRole-")
    assert api == ("secrets.api", "proven", "read by web; administrators admin")


def test_values_are_kept_and_rotated_as_declared(said):
    kept = said("secrets/kept", "secrets/rotation-state")

    assert [each[:2] for each in kept] == [
        ("secrets.db", "proven"),
        ("secrets.api", "proven"),
        ("secrets.db", "proven"),
    ]
    assert kept[2][2] == "not rotated yet, next by 2026-02-04 03:00 UTC"


def test_without_a_database_user_the_canary_shows_that_its_function_works_and_nothing_of_the_database(said):
    assert said("secrets/rotation") == [
        ("secrets.db/function", "proven", "a new version was made and rolled back"),
        (
            "secrets.db/database",
            "inconclusive",
            "setSecret and testSecret were not exercised: no user is declared for the canary; write its `username`",
        ),
    ]


@runs_guests
def test_an_instance_with_the_readers_role_reads_a_version_and_one_with_another_role_is_refused(acme_says):
    records = {each["target"]: each for each in acme_says("secrets/read")}

    assert {target: each["verdict"] for target, each in records.items()} == dict.fromkeys(
        [f"secrets.{name}/{who}" for name in ("db", "api") for who in ("reader", "stranger", "trail")], "proven"
    )
    assert re.fullmatch(r"i-\w+ with the role web read version 1", records["secrets.api/reader"]["reason"])
    assert re.fullmatch(r"i-\w+ with the role batch was refused", records["secrets.db/stranger"]["reason"])
    assert records["secrets.db/reader"]["method"] == "exercised"
    assert "rehearsed value" not in json.dumps(list(records.values()))


def test_the_drills_own_reads_are_found_in_cloudtrail_and_the_trail_keeps_them(acme_says):
    found = {each["target"]: each for each in acme_says("secrets/trail")}

    assert {target: each["verdict"] for target, each in found.items()} == dict.fromkeys(
        ("secrets.db", "secrets.api", "secrets/trail"), "proven"
    )
    assert 300 <= found["secrets.db"]["measures"]["lag_seconds"] <= 1200
    assert found["secrets/trail"]["reason"] == "company logs all regions, validated"


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_refuted(said, name):
    broken = BREAKS[name]
    if why_not and broken.drill == "secrets/read":
        pytest.skip(why_not)

    found = said(broken.drill, break_=broken.break_, passes=broken.passes)

    assert any(verdict == "refuted" for _, verdict, _ in found), found


@pytest.mark.slow
def test_a_rotation_that_fails_at_set_secret_is_told_by_its_event_and_by_what_it_left(said):
    broken = BREAKS["secrets/rotation-fails-at-set-secret"]

    ((_, _, reason),) = said(broken.drill, break_=broken.break_, passes=broken.passes)

    assert "a rotation has stuck: a version is pending since 2026-01-18 02:00 UTC" in reason
    assert "RotationFailed at 2026-01-18T02:02:" in reason


@pytest.mark.slow
def test_a_value_older_than_promised_and_a_rotation_that_does_not_come_are_refuted(said):
    off = BREAKS["secrets/rotation-off"]

    ((_, verdict, reason), _) = said("secrets/kept", break_=off.break_, passes=timedelta(days=35))

    assert verdict == "refuted"
    assert reason.endswith("old, and promised to be at most 45d old")


@pytest.mark.slow
def test_an_administrator_whose_name_is_an_address_is_not_named(acme_says):
    def add(account):
        iam = account.client("iam")
        iam.create_user(UserName="jane@acme.example")
        iam.attach_user_policy(UserName="jane@acme.example", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")

    def known(account):
        account.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
        account.client("iam").attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        add(account)

    records = acme_says("secrets/readers", break_=known)

    assert "arn:aws:iam::111111111111:user/address-" in records[0]["reason"]
    assert "jane" not in json.dumps(records)


@pytest.mark.slow
def test_a_trail_that_only_one_region_has_is_none(said):
    def narrow(account):
        account.client("cloudtrail").update_trail(Name="company", IsMultiRegionTrail=False)

    trail = said("secrets/trail", break_=narrow)[-1]

    assert trail == (
        "secrets/trail",
        "refuted",
        "there is no trail of all regions: what happens is known for 90 days only",
    )


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, False),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [MANAGEMENT]}]}, True),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}]}]},
            False,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {
                        "FieldSelectors": [
                            MANAGEMENT,
                            {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
                        ]
                    }
                ]
            },
            True,
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {
                        "FieldSelectors": [
                            MANAGEMENT,
                            {"Field": "eventSource", "NotEquals": ["secretsmanager.amazonaws.com"]},
                        ]
                    }
                ]
            },
            False,
        ),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, False),
    ],
    ids=str,
)
def test_which_selectors_keep_reads_of_secrets(selectors, expected):
    assert keeps_reads(selectors) is expected


@pytest.mark.parametrize(
    ("asked", "session", "error", "is_it"),
    [
        ("app/db", "i-0a1", "", True),
        ("app/other", "i-0a1", "", False),
        ("app/db", "i-0b2", "", False),
        ("app/db", "i-0a1", "AccessDenied", False),
    ],
)
def test_only_the_commands_own_read_of_this_value_counts_as_found_in_the_trail(asked, session, error, is_it):
    at = datetime(2026, 1, 11, 2, tzinfo=UTC)
    arn = f"arn:aws:sts::111111111111:assumed-role/web/{session}"
    read = Read("e-1", "GetSecretValue", at, asked, "web", arn, "10.0.0.1", "eu-west-1", error=error)

    assert is_the_read(read, "app/db", "i-0a1") is is_it


def test_a_function_that_is_not_the_stacks_is_refuted_and_never_read(acme_says):
    def replaced(account):
        functions, secrets = account.client("lambda"), account.client("secretsmanager")
        found = functions.get_function_configuration(
            FunctionName=secrets.describe_secret(SecretId="app/db-password")["RotationLambdaARN"]
        )
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("theirs.py", "def handler(event, context): pass")
        theirs = functions.create_function(
            FunctionName="theirs",
            Runtime=found["Runtime"],
            Role=found["Role"],
            Handler="theirs.handler",
            Code={"ZipFile": archive.getvalue()},
        )["FunctionArn"]
        functions.add_permission(
            FunctionName="theirs",
            StatementId="a",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )
        secrets.rotate_secret(SecretId="app/db-password", RotationLambdaARN=theirs, RotateImmediately=False)

    records = acme_says("secrets/rotation-state", break_=replaced, enforced=True)

    (found,) = [each for each in records if each["target"] == "secrets.db"]
    assert found["verdict"] == "refuted"
    assert "function:theirs, which is no function of the stack" in found["reason"]
