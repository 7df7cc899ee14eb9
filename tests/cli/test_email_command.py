"""`baseops email dns` against a served account: what is printed where, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from baseops.cli.email import command

DECLARATION = """\
email:
  acme.example: {mail_from: bounce.acme.example, dmarc: {rua: x@reports.example}}
  other.example: {dns: {zone: Z0123456789}}
"""


@pytest.fixture
def run(served_account, declare) -> Callable[..., Result]:
    path = declare(DECLARATION)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(command, ["dns", "-f", str(path), *arguments])

    return invoke


def test_a_zone_file_goes_to_stdout_and_talk_to_stderr(served_account, run):
    sesv2 = served_account.client("sesv2")
    tokens = sesv2.create_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]
    done = run("acme.example")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1] == (
        f"{tokens[0]}._domainkey.acme.example. 300 IN CNAME {tokens[0]}.dkim.amazonses.com."
    )
    assert "next: baseops status" in done.stderr
    assert "next:" not in done.stdout


def test_records_that_ses_has_not_given_yet_are_inconclusive(run):
    done = run("acme.example")
    assert done.exit_code == 5
    assert "bounce.acme.example. 300 IN MX 10 feedback-smtp.eu-west-1.amazonses.com." in done.stdout
    assert "SES has given no DKIM tokens yet for acme.example" in done.stderr


def test_what_the_stack_makes_itself_is_left_out_unless_asked_for(served_account, run):
    served_account.client("sesv2").create_email_identity(EmailIdentity="other.example")
    short, whole = run("other.example").stdout, run("other.example", "--all").stdout
    assert (short.count("CNAME"), whole.count("CNAME")) == (0, 3)


def test_a_change_batch_is_for_the_identitys_own_zone(served_account, run):
    served_account.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    done = run("acme.example", "--change-batch")
    batch = json.loads(done.stdout)
    assert {each["Action"] for each in batch["Changes"]} == {"CREATE"}
    assert len(batch["Changes"]) == 6
    assert "because reports.example has to add it" in done.stderr


def test_json_says_what_each_record_is_for(served_account, run):
    served_account.client("sesv2").create_email_identity(EmailIdentity="other.example")
    answer = json.loads(run("other.example", "-o", "json").stdout)
    assert answer["schema"] == "baseops/email-dns/1"
    (identity,) = answer["identities"]
    assert (identity["identity"], identity["is_complete"]) == ("other.example", True)
    assert [each["made_by_stack"] for each in identity["records"]] == [True, True, True, False]
    assert identity["records"][3]["purpose"] == "DMARC policy of other.example"
