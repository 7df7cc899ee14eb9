"""What the drills of email say of the applied example: as it is, after each break, and where they cannot know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baseops.areas.email.sabotage import sabotages
from baseops.workflow.load import load

ACME = load(Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml")
BREAKS = sabotages(ACME.sections["email"], ACME.site)
DOMAIN = "email/acme.example"
SET = f"{DOMAIN}/baseops-acme-acme-example"


def by_target(records: list[dict[str, Any]], verdict: str) -> dict[str, str]:
    return {each["target"]: each["reason"] for each in records if each["verdict"] == verdict}


def test_dns_has_what_ses_expects(acme_says):
    assert by_target(acme_says("email/dns"), "proven") == {
        f"{DOMAIN}/dkim": "the 3 CNAMEs lead to SES's keys",
        f"{DOMAIN}/mail-from": "bounces of bounce.acme.example go to SES",
        f"{DOMAIN}/spf": "SES may send for bounce.acme.example, with 1 look-ups",
        f"{DOMAIN}/dmarc": "the policy at _dmarc.acme.example is none",
    }


def test_events_get_through_policies_and_keys(acme_says):
    records = acme_says("email/events")
    assert {each["verdict"] for each in records} == {"proven"}
    methods = {each["target"]: each["method"] for each in records}
    assert (methods[f"{SET}/destinations"], methods[f"{SET}/queue"]) == ("observed", "evaluated")


def test_an_address_whose_owner_followed_the_link_is_verified(acme_says):
    assert not by_target(acme_says("email/settings"), "inconclusive")


def made_anew(account: Any) -> None:
    """Somebody deletes the address and creates it again: its owner has to follow a new link."""
    sesv2 = account.client("sesv2")
    sesv2.delete_email_identity(EmailIdentity="billing@partner.example")
    sesv2.create_email_identity(EmailIdentity="billing@partner.example")


def test_an_address_that_nobody_confirmed_is_pending_and_stays_unnamed(acme_says):
    (found,) = by_target(acme_says("email/settings", break_=made_anew), "inconclusive").items()
    assert found[0].startswith("email/address-")
    assert found[1] == "SES waits for its DNS records, or for its link to be followed: baseops status"


def test_a_break_is_noticed(acme_says):
    (gone,) = [each for each in BREAKS if each.name == "email/dkim-record-gone"]
    (target,) = by_target(acme_says(gone.drill, break_=gone.break_), "refuted")
    assert target == f"{DOMAIN}/dkim"


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.name)
def test_each_break_is_noticed(acme_says, broken):
    assert by_target(acme_says(broken.drill, break_=broken.break_, passes=broken.passes), "refuted")


def put_mail_on_the_way(account: Any) -> None:
    """Every second as many as the account may send, for a minute."""
    for number in range(60 * 14):
        account.client("sesv2").send_email(
            FromEmailAddress="no-reply@acme.example",
            Destination={"ToAddresses": [f"jo{number}@elsewhere.example"]},
            Content={"Simple": {"Subject": {"Data": "news"}, "Body": {"Text": {"Data": "news"}}}},
        )
        if number % 14 == 13:
            account.clock.sleep(1)


def test_simulated_mails_come_home_to_a_queue_of_the_drills_own(acme_says):
    records = acme_says("email/roundtrip")
    assert by_target(records, "proven") == {
        f"{DOMAIN}/success": "Delivery",
        f"{DOMAIN}/bounce": "Bounce Permanent/General",
        f"{DOMAIN}/ooto": "Bounce Transient/General",
        f"{DOMAIN}/complaint": "Complaint",
        f"{DOMAIN}/suppressionlist": "Bounce Permanent/Suppressed",
    }
    assert [each["measures"]["round_trip_seconds"] for each in records] == [4, 6, 6, 20, 6]
    assert {each["method"] for each in records} == {"exercised"}


def test_mail_to_a_suppressed_address_is_kept_back_and_nothing_stays_behind(applied_acme, acme_says):
    _, _, account = applied_acme
    records = acme_says("email/suppression")
    assert len(by_target(records, "proven")) == 2
    assert {span["state"] for each in records for span in each["spans"]} == {"kept back"}
    left = account.fork(lambda: _say_and_list(applied_acme))
    assert left == ([], [], [])


def _say_and_list(applied: Any) -> tuple[list[Any], list[Any], list[Any]]:
    from baseops.workflow.rehearsed_proof import proven

    declaration, lock, account = applied
    with proven(declaration, lock, account, names=["email/roundtrip", "email/suppression"]):
        sesv2, sns = account.client("sesv2"), account.client("sns")
        return (
            sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"],
            [each for each in sesv2.list_configuration_sets()["ConfigurationSets"] if "-drill-" in each],
            [each for each in sns.list_topics()["Topics"] if "-drill-" in each["TopicArn"]],
        )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("production-access-lost", "the account is in SES's sandbox: it sends to verified addresses only"),
        ("under-review", "the account's enforcement status is PROBATION"),
        ("sending-paused", "sending is paused for the account"),
    ],
)
def test_an_account_that_may_not_send_as_it_should_says_why(acme_says, name, reason):
    (broken,) = [each for each in BREAKS if each.name == f"email/{name}"]
    refuted = by_target(acme_says(broken.drill, break_=broken.break_, passes=broken.passes), "refuted")
    assert refuted["email"] == reason


def test_drills_send_nothing_while_the_account_is_under_review(acme_says):
    (broken,) = [each for each in BREAKS if each.name == "email/under-review"]
    records = acme_says("email/roundtrip", break_=broken.break_, passes=broken.passes)
    (found,) = by_target(records, "inconclusive").values()
    assert found == "drills send nothing: the account's status is PROBATION"


@pytest.mark.slow
def test_drills_send_nothing_while_the_account_is_busy(acme_says):
    (found,) = by_target(acme_says("email/roundtrip", break_=put_mail_on_the_way), "inconclusive").values()
    assert re.fullmatch(r"drills send nothing: 1[234]\.\d of 14 mails a second are being sent", found)


def test_drills_send_nothing_while_sending_is_paused(acme_says):
    (paused,) = [each for each in BREAKS if each.name == "email/sending-paused"]
    (found,) = by_target(acme_says("email/roundtrip", break_=paused.break_), "inconclusive").values()
    assert found == "drills send nothing: sending is paused for the account"


def test_who_may_send_is_evaluated_over_the_whole_account(acme_says):
    records = acme_says("email/senders")
    assert by_target(records, "proven") == {
        f"{DOMAIN}/senders": "every declared role may send under its addresses, by its policies",
        f"{DOMAIN}/others": "nobody else may send",
        f"{DOMAIN}/policies": "none of its 0 policies lets anybody else send",
    }
    assert {each["method"] for each in records} == {"evaluated"}


def test_a_policy_of_the_identity_that_nobody_declared_is_named(acme_says):
    (opened,) = [each for each in BREAKS if each.name == "email/opened"]
    assert by_target(acme_says(opened.drill, break_=opened.break_), "refuted") == {
        f"{DOMAIN}/policies": "policies of the identity that are not declared let others send: newsletter"
    }


def test_a_role_that_may_send_as_anybody_is_named(acme_says):
    (wrong,) = [each for each in BREAKS if each.name == "email/wrong-sender"]
    assert by_target(acme_says(wrong.drill, break_=wrong.break_), "refuted") == {
        f"{DOMAIN}/others": "newcomer-in-a-hurry may send under addresses that are not declared for them"
    }


def with_policy(*statements: dict[str, Any], role: str = "") -> Callable[[Any], None]:
    """A break: an assistant, or a role that is there, gets one more policy."""

    def give(account: Any) -> None:
        iam, document = account.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        if role:
            iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=document)
        else:
            iam.create_user(UserName="assistant")
            iam.put_user_policy(UserName="assistant", PolicyName="mail", PolicyDocument=document)

    return give


SEND = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
SES = "arn:aws:ses:eu-west-1:111111111111"
OFFICE = {"aws:SourceIp": "192.0.2.0/24"}


@pytest.mark.parametrize("pattern", ["ceo@acme.example", "ceo@*", "c?o@news.acme.example"])
def test_leave_for_an_address_that_nobody_declared_is_found_in_the_policy_that_names_it(acme_says, pattern):
    break_ = with_policy({**SEND, "Condition": {"StringLike": {"SES:fromAddress": pattern}}})
    assert by_target(acme_says("email/senders", break_=break_), "refuted") == {
        f"{DOMAIN}/others": "assistant may send under addresses that are not declared for them"
    }


def test_a_configuration_set_of_ones_own_is_as_good_as_the_declared_one(acme_says):
    break_ = with_policy({**SEND, "Resource": [f"{SES}:identity/acme.example", f"{SES}:configuration-set/own-*"]})
    assert by_target(acme_says("email/senders", break_=break_), "refuted")
    without = with_policy({**SEND, "Resource": f"{SES}:identity/acme.example"})
    assert not by_target(acme_says("email/senders", break_=without), "refuted")


def test_what_depends_on_where_somebody_asks_from_is_neither_proven_nor_refuted(acme_says):
    in_the_office = with_policy({**SEND, "Condition": {"IpAddress": OFFICE}})
    assert by_target(acme_says("email/senders", break_=in_the_office), "inconclusive") == {
        f"{DOMAIN}/others": "by conditions not known here, assistant may be able to send under others' addresses"
    }
    elsewhere = with_policy(
        {**SEND, "Effect": "Deny", "Action": "ses:Send*", "Condition": {"NotIpAddress": OFFICE}}, role="web"
    )
    assert by_target(acme_says("email/senders", break_=elsewhere), "inconclusive") == {
        f"{DOMAIN}/senders": "it depends on where or how they ask whether these may send: web"
    }
