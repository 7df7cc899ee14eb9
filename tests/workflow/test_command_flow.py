"""The verbs as a person types them against a served account: what they print, what JSON holds, how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseops.aws.session import Session


@pytest.fixture
def client(monkeypatch):
    """Somebody else's SDK, pointed at the same account."""

    def make(sandbox, service):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, sandbox.environment[name])
        return Session(region="eu-west-1", endpoint_url=sandbox.url).client(service)

    return make


def groups(logs):
    return [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]


def result(done, schema):
    """What a command printed with `-o json`, read back."""
    content = json.loads(done.stdout)
    assert content.pop("schema") == schema
    return content


@pytest.fixture
def changed(declaration):
    def change(before, after):
        path = Path(declaration)
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    return change


def test_from_plan_to_destroy_with_the_data(served, client, declaration, changed):
    with served("--speed", "300") as sandbox:

        def run(*arguments):
            return sandbox.run(arguments[0], "-f", declaration, *arguments[1:], check=False)

        planned = run("plan", "--exit-code")
        assert planned.returncode == 3
        assert f"next: baseops apply -f {declaration}" in planned.stderr
        stacks = result(run("plan", "-o", "json"), "baseops/plan/1")["stacks"]
        assert {(each["stack"], each["source"]) for each in stacks} >= {("logs", "compiled"), ("artifacts", "aws")}
        assert {each["action"] for stack in stacks for each in stack["changes"]} == {"add"}

        unasked = run("apply")
        assert unasked.returncode == 2
        assert "do: Add --yes to go on without asking." in unasked.stderr
        assert groups(client(sandbox, "logs")) == []

        applied = result(run("apply", "--yes", "-o", "json"), "baseops/apply/1")
        assert {each["outcome"] for each in applied["stacks"]} == {"created"}
        assert "logs.silent" in {each["rule"] for each in applied["pending"]}
        assert run("plan", "--exit-code").returncode == 0
        assert run("status").returncode == 0

        changed("retention_days: 90", "retention_days: 30")
        assert "RetentionInDays: 90 -> 30" in run("plan").stdout
        (logs,) = [
            each
            for each in result(run("plan", "-o", "json"), "baseops/plan/1")["stacks"]
            if each["stack"] == "logs" and each["changes"]
        ]
        (change,) = logs["changes"]
        assert (change["action"], change["properties"][0]["before"], change["properties"][0]["after"]) == (
            "modify",
            "90",
            "30",
        )
        changed("retention_days: 30", "retention_days: 90")

        client(sandbox, "logs").put_retention_policy(logGroupName="/acme/web/nginx", retentionInDays=1)
        drifted = run("status")
        assert drifted.returncode == 3
        assert "RetentionInDays: 90 -> 1" in drifted.stdout
        found = result(run("status", "-o", "json"), "baseops/status/1")
        assert found["has_drifted"]
        assert [one["logical_id"] for each in found["drift"] for one in each["drifted"]] == ["WebLogGroup"]

        kept = result(run("destroy", "--dry-run", "-o", "json"), "baseops/destroy/1")["kept"]
        assert {"AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::KMS::Key"} <= {each["type"] for each in kept}
        assert run("destroy").returncode == 2
        assert run("destroy", "--yes", "--delete-data").returncode == 2
        assert run("destroy", "--yes", "--delete-data", "--confirm-name", "other").returncode == 2
        assert groups(client(sandbox, "logs")) == ["/acme/web/nginx"]

        gone = run("destroy", "--yes", "--delete-data", "--confirm-name", "acme")
        assert gone.returncode == 0, gone.stderr
        assert groups(client(sandbox, "logs")) == []
        assert client(sandbox, "s3").list_buckets()["Buckets"] == []
        kms = client(sandbox, "kms")
        states = {kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]["KeyState"] for each in kms.list_keys()["Keys"]}
        assert states == {"PendingDeletion"}

        again = run("destroy", "--yes")
        assert again.returncode == 0
        assert "nothing of acme is there" in again.stderr
        assert run("apply", "--yes").returncode == 0


def test_destroy_takes_stacks_in_any_state_and_keeps_evidence(served, client, declaration):
    with served("--speed", "300") as sandbox:
        sandbox.run("apply", "-f", declaration, "--yes")
        formation = client(sandbox, "cloudformation")
        body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
        formation.create_change_set(
            StackName="baseops-acme-email",
            ChangeSetName="left",
            ChangeSetType="CREATE",
            TemplateBody=body,
            Tags=[{"Key": "baseops:declaration", "Value": "acme"}],
        )
        formation.delete_stack(StackName="baseops-acme-logs")
        done = sandbox.run("destroy", "-f", declaration, "--yes")
        left = {
            each["StackName"]
            for each in formation.describe_stacks()["Stacks"]
            if each["StackStatus"] != "DELETE_COMPLETE"
        }
        assert left == set(), done.stderr
        assert [each["Name"] for each in client(sandbox, "s3").list_buckets()["Buckets"]] != []
