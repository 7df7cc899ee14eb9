"""`baseops prove` ends with the code of what weighs most; one run at a time; refuses what it must, in both stores."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from baseops.aws.session import Session

TOP = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
"""
LOGS = "logs:\n  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}\n"
SECRETS = "secrets:\n  db: {secret: app/db, generate: {length: 40}, readers: [role/web]}\n"
FILTERS = ("--drill", "logs/live-filters")


class Served:
    """A served account, the command against it, and faults."""

    def __init__(self, announced):
        self.url = announced["endpoint"]
        self.environment = {**announced["environment"], "AWS_EC2_METADATA_DISABLED": "true"}
        keys = {"aws_access_key_id": "AKIA111111111111OPER", "aws_secret_access_key": "sandbox"}
        self.session = Session(region="eu-west-1", endpoint_url=self.url, credentials=keys)

    def fault(self, **rule):
        body = json.dumps(rule).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_baseops/faults", body)).close()

    def clear(self):
        request = urllib.request.Request(f"{self.url}/_baseops/faults", method="DELETE")
        urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def served(announced):
    sandbox = Served(announced)
    for name, options in (("plain", {}), ("locked", {"ObjectLockEnabledForBucket": True})):
        place = {"LocationConstraint": "eu-west-1"}
        sandbox.session.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place, **options)
    return sandbox


@pytest.fixture
def run(served, baseops, declare):
    declare(LOGS + SECRETS)

    def call(*arguments, **environment):
        done = baseops(*arguments, environment={**served.environment, **environment})
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    yield call
    served.clear()


def test_refuted_weighs_more_than_inconclusive(run):
    code, out, _ = run("prove", *FILTERS, "--drill", "secrets/readers", "-o", "json")

    assert (code, json.loads(out)["verdicts"]) == (3, {"inconclusive": 1, "proven": 0, "refuted": 1})


def test_inconclusive_alone_is_5(run):
    assert run("prove", "--drill", "secrets/readers", "-o", "json")[0] == 5


def test_a_permission_that_a_drill_lacks_is_inconclusive_and_named(run, served):
    served.fault(service="logs", operation="DescribeMetricFilters", error="AccessDeniedException")
    code, out, _ = run("prove", *FILTERS, "-o", "json")

    (record,) = json.loads(out)["records"]
    assert (code, record["verdict"]) == (5, "inconclusive")
    assert "Allow DescribeMetricFilters to the caller" in record["reason"]


def test_no_credentials_are_4(run):
    code, _, err = run("prove", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert code == 4
    assert "aws sso login" in err


def test_a_run_that_may_not_look_at_stacks_is_4(run, served):
    served.fault(service="cloudformation", operation="DescribeStacks", error="AccessDenied")

    assert run("prove")[0] == 4


def test_evidence_that_may_not_be_kept_breaks_the_run_off_with_4_whatever_was_refuted(run, served):
    served.fault(service="s3", operation="PutObject", error="AccessDenied", after=1)
    code, _, err = run("prove", "logs", "--evidence", "s3://plain/denied")

    assert code == 4
    assert "cannot write" in err


def test_a_store_that_fails_is_1(run, served):
    served.fault(service="s3", operation="PutObject", error="InternalError")

    assert run("prove", "logs", "--evidence", "s3://plain/failing")[0] == 1


def test_a_bucket_that_is_not_there_is_1(run):
    code, _, err = run("prove", "logs", "--evidence", "s3://nobody-has-it")

    assert code == 1
    assert "NoSuchBucket" in err


def test_an_endpoint_that_is_not_there_is_1(run):
    assert run("prove", AWS_ENDPOINT_URL="http://127.0.0.1:9")[0] == 1


def test_usage_is_2(run, tmp_path):
    assert run("prove", "--class", "exercise", "--drill", "logs/nothing")[0] == 2
    (tmp_path / "baseops.yaml").write_text(TOP.replace('"111111111111"', '"222222222222"') + LOGS)
    code, _, err = run("prove")
    assert code == 2
    assert "is not listed" in err


def test_a_freeze_is_5(run, tmp_path):
    (tmp_path / "baseops.yaml").write_text(f"{TOP}drills: {{freeze: [2020-01-01/2099-01-01]}}\n{LOGS}")
    code, _, err = run("prove")

    assert code == 5
    assert "freezes 2020-01-01/2099-01-01" in err


def test_a_stack_that_changes_is_5(run, served, tmp_path):
    (tmp_path / "baseops.yaml").write_text(TOP.replace("acme", "other") + LOGS)
    served.session.client("cloudformation").create_stack(
        StackName="baseops-other-logs",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": "baseops:declaration", "Value": "other"}],
    )
    code, _, err = run("prove")

    assert code == 5
    assert "CREATE_IN_PROGRESS" in err


STORES = [
    pytest.param("", id="folder"),
    pytest.param("s3://locked", id="bucket with Object Lock"),
    pytest.param("s3://plain/acme", id="bucket", marks=pytest.mark.slow),
]


def lease(**changes):
    expires = (datetime.now(UTC) + timedelta(minutes=2)).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: TID251
    values = {"holder": "a run", "expires": expires, "host": "elsewhere", "process": 1, "nonce": "a", **changes}
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture(params=STORES)
def evidence(request, served, tmp_path):
    """A store's option, and how its lock is written by somebody else."""
    url = request.param and f"{request.param}/{tmp_path.name}"

    def lock(content):
        key = "lock/account=111111111111.json"
        if url:
            bucket, _, prefix = url.removeprefix("s3://").partition("/")
            served.session.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=content)
        else:
            path = tmp_path / "baseops-evidence" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return (("--evidence", url) if url else ()), lock


def test_evidence_is_kept_verified_and_queried_in_every_store(run, evidence):
    option, _ = evidence
    for _ in range(2):
        assert run("prove", *FILTERS, "--every", "7d", *option)[0] == 3

    code, out, _ = run("evidence", "verify", "-o", "json", *option)
    found = json.loads(out)
    assert (code, found["sound"], found["runs"], found["records"]) == (0, True, 2, 2)
    code, out, _ = run("evidence", "list", "-o", "json", *option)
    first, second = json.loads(out)["runs"]
    due = datetime.fromisoformat(second["next_by"]) - datetime.fromisoformat(second["ended"])
    assert (first["complete"], due) == (True, timedelta(days=7))
    sql = "SELECT verdict, count(*) AS runs FROM evidence WHERE \"date\" >= DATE '2020-01-01' GROUP BY verdict"
    code, out, _ = run("evidence", "query", sql, "-o", "json", *option)
    assert json.loads(out)["rows"] == [{"verdict": "refuted", "runs": 2}]


def test_one_run_at_a_time(run, evidence):
    option, lock = evidence
    lock(lease())
    code, _, err = run("prove", "logs", *option)

    assert code == 5
    assert "a run holds it until" in err


def test_a_lock_that_is_over_is_taken(run, evidence):
    option, lock = evidence
    lock(lease(expires="2026-01-01T00:00:00.000Z"))

    assert run("prove", "logs", *option)[0] == 3


def test_a_lock_that_cannot_be_read_is_said(run, evidence):
    option, lock = evidence
    lock(b"nonsense")
    code, _, err = run("prove", "logs", *option)

    assert code == 5
    assert "cannot be read" in err


def test_nothing_to_verify_is_never_sound(run, evidence):
    option, _ = evidence
    code, _, err = run("evidence", "verify", *option)

    assert code == 5
    assert "there is no run" in err
