"""Secrets, addresses and log lines that are in the account are in nothing that prove writes or prints, in any form."""

import base64
import html
import json
import urllib.parse
from pathlib import Path

import pytest

ACME = str(Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml")
SECRET = "Tr0ub4dor&3-correct/horse+battery"
KEY = "sk_live_51H8qLeakedKeyOfAPartner"
ADDRESS = "jane.doe-seeded@customer.example"
LINE = '198.51.100.77 - jane [27/Nov/2026:01:02:03 +0000] "GET /seeded/account?card=4111111111111111 HTTP/1.1" 503'


def seed(account):
    """Put them where drills read: values, descriptions, tags, log groups, names of what people made."""
    secrets, ssm, logs = (account.client(each) for each in ("secretsmanager", "ssm", "logs"))
    value = json.dumps({"username": "app", "password": SECRET, "host": "db.acme.internal"})
    secrets.put_secret_value(SecretId="app/db-password", SecretString=value)
    ssm.put_parameter(Name="/app/api-key", Value=KEY, Type="SecureString", Overwrite=True)
    stream = {"logGroupName": "/acme/web/nginx", "logStreamName": "seeded"}
    logs.create_log_stream(**stream)
    for message in (LINE, json.dumps({"status": 503, "user": ADDRESS, "token": SECRET})):
        moment = int(account.clock.now().timestamp() * 1000)
        logs.put_log_events(**stream, logEvents=[{"timestamp": moment, "message": message}])
    account.client("sesv2").put_suppressed_destination(EmailAddress=ADDRESS, Reason="BOUNCE")
    account.client("ec2").create_volume(
        AvailabilityZone="eu-west-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "Backup ", "Value": ADDRESS}]}],
    )
    account.client("iam").create_user(UserName=ADDRESS)
    account.client("iam").put_user_policy(
        UserName=ADDRESS,
        PolicyName="reads",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": ["secretsmanager:*", "ssm:*", "kms:*"], "Resource": "*"}],
            }
        ),
    )


def forms(value):
    """As it is, and as it would stand in JSON, a URL, HTML or base64 (at any of three offsets)."""
    yield value
    yield json.dumps(value)[1:-1]
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    yield html.escape(value)
    for offset in range(3):
        # The letters that do not depend on what stands before and after.
        encoded = base64.b64encode(b"x" * offset + value.encode()).decode()
        yield encoded[4 * bool(offset) : len(encoded) - 4]
        yield encoded[4 * bool(offset) : len(encoded) - 4].replace("+", "-").replace("/", "_")


SEEDED = {"secret": SECRET, "key": KEY, "address": ADDRESS, "line": LINE, "path in a line": "/seeded/account"}


def leaks(texts):
    return [
        (where, name)
        for where, text in texts.items()
        for name, value in SEEDED.items()
        for form in forms(value)
        if form in text
    ]


def test_every_form_is_recognised():
    for name, value in SEEDED.items():
        for text in (value, f"x{value}y", base64.b64encode(f"ab{value}".encode()).decode(), json.dumps({"a": value})):
            assert ("here", name) in leaks({"here": text}), (name, text)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("secrets", "logs", "email"), id="observe"),
        pytest.param(("--class", "exercise", "-y"), id="exercise", marks=pytest.mark.slow),
    ],
)
def test_what_is_seeded_in_the_account_leaks_nowhere(served_acme, tmp_path, options):
    evidence, page = tmp_path / "evidence", tmp_path / "page.html"
    with served_acme(seed) as sandbox:
        command = ("prove", "-f", ACME, "--evidence", str(evidence), "--page", str(page), *options)
        running = sandbox.command(*command, "-o", "jsonl", state=tmp_path / "state")
        out, err = running.communicate()
        assert running.returncode in (0, 3, 5), err

    files = [path for top in (evidence, tmp_path / "state") for path in top.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".jsonl"]) > 3
    texts = {str(path.relative_to(tmp_path)): path.read_text(errors="replace") for path in [*files, page]}
    assert leaks({**texts, "stdout": out, "stderr": err}) == []
