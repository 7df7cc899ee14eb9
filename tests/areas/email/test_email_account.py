"""Settings, preflight, what is pending and the printed records, against a sandbox account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from baseops.areas.email import account as live
from baseops.areas.email import settings, world
from baseops.areas.email.operate.dns import list_records
from baseops.areas.email.settings import AccountSuppression, ActiveRuleSet, DeliverabilityManager
from baseops.contract.finding import Finding
from baseops.contract.refs import Refs
from baseops.errors import UsageError
from baseops.semantics.mail.dns import print_zone_file

ZONE = "Z0123456789ABCDEFGHIJ"
IN_ZONE = f"email:\n  acme.example: {{dns: {{zone: {ZONE}}}, mail_from: bounce.acme.example}}\n"


def rules(found: list[Finding]) -> list[str]:
    return [f"{each.severity} {each.rule}" for each in found]


@pytest.fixture
def preflight(declared, account) -> Callable[..., list[Finding]]:
    def said(text: str, *, with_world: bool = True) -> list[Finding]:
        declaration = declared(text)
        section = declaration.sections["email"]
        if with_world:
            world.build(section, account, declaration.site)
        return live.preflight(section, declaration.site, account)

    return said


@pytest.fixture
def pending(declared, account) -> Callable[[str], list[Finding]]:
    def said(text: str) -> list[Finding]:
        declaration = declared(text)
        return live.pending(declaration.sections["email"], Refs(declaration.site), account)

    return said


def test_the_world_of_every_key_leaves_nothing_to_object_to(full, account):
    section = full.sections["email"]
    world.build(section, account, full.site)
    errors = [each for each in live.preflight(section, full.site, account) if each.severity == "error"]
    assert errors == []


def test_a_fresh_account_is_in_the_sandbox_of_ses(preflight):
    assert rules(preflight("email:\n  acme.example: {}\n", with_world=False)) == ["warning email.no-production-access"]


def test_an_account_under_review_is_said_before_anything_is_applied(preflight, account):
    preflight("email:\n  acme.example: {}\n")
    account.client("sesv2").put_account_sending_attributes(SendingEnabled=False)
    assert rules(preflight("email:\n  acme.example: {}\n")) == ["error email.under-review"]


def test_roles_zones_and_keys_that_do_not_exist_are_named(preflight):
    text = f"email:\n  acme.example: {{dns: {{zone: {ZONE}}}, senders: {{role/web: [a@acme.example]}}}}\n"
    found = [each for each in preflight(text, with_world=False) if each.severity == "error"]
    assert [(each.rule, each.path[-1]) for each in found] == [
        ("email.zone-missing", "zone"),
        ("email.role-missing", "role/web"),
    ]


def test_a_zone_of_another_domain_is_refused(preflight, account):
    account.client("route53").create_hosted_zone(Name="other.example", CallerReference=f"id/{ZONE}")
    (finding,) = [each for each in preflight(IN_ZONE) if each.severity == "error"]
    assert finding.message == "the hosted zone is that of other.example, and acme.example does not lie within it"


def test_an_identity_that_exists_will_be_imported_and_its_configuration_set_replaced(preflight, account):
    sesv2 = account.client("sesv2")
    sesv2.create_configuration_set(ConfigurationSetName="theirs")
    sesv2.create_email_identity(EmailIdentity="acme.example", ConfigurationSetName="theirs")
    (finding,) = preflight("email:\n  acme.example: {}\n")
    assert (finding.severity, finding.message) == (
        "warning",
        (
            "acme.example exists in SES already and will be imported; its default configuration set becomes "
            "baseops-acme-acme-example instead of theirs"
        ),
    )


def test_an_identity_of_somebody_else_has_to_exist(preflight):
    assert rules(preflight("email:\n  acme.example: {managed: false}\n", with_world=False))[1:] == [
        "error email.identity-missing"
    ]
    assert rules(preflight("email:\n  acme.example: {managed: false}\n")) == []


def test_an_existing_dmarc_record_is_never_touched(preflight, account):
    text = f"email:\n  acme.example: {{dns: {{zone: {ZONE}}}, dmarc: {{create: true}}}}\n"
    assert preflight(text) == []
    _add_record(account, "_dmarc.acme.example", "TXT", '"v=DMARC1; p=reject"')
    (finding,) = preflight(text)
    assert (finding.rule, finding.path) == ("email.dmarc-exists", ("email", "acme.example", "dmarc", "create"))
    assert finding.message == "the zone has TXT _dmarc.acme.example already (v=DMARC1; p=reject)"
    assert preflight(IN_ZONE) == []


def test_a_record_in_the_way_of_mail_from_is_found_before_the_stack_fails_on_it(preflight, account):
    preflight(IN_ZONE)
    _add_record(account, "bounce.acme.example", "MX", "10 mx.elsewhere.example.")
    assert rules(preflight(IN_ZONE)) == ["error email.record-exists"]


def test_taking_over_inbound_mail_says_whose_rules_stop(preflight, account):
    ses = account.client("ses")
    ses.create_receipt_rule_set(RuleSetName="theirs")
    ses.set_active_receipt_rule_set(RuleSetName="theirs")
    text = "account: {email: {receipt_rule_set: own}}\nemail:\n  acme.example: {inbound: {all: {}}}\n"
    (finding,) = preflight(text)
    assert finding.message == (
        "theirs is the active receipt rule set now, and its rules stop working when baseops-acme takes its place"
    )


def test_dkim_is_pending_until_ses_has_found_the_records(declared, account, pending):
    declaration = declared(IN_ZONE)
    world.build(declaration.sections["email"], account, declaration.site)
    _make_identity(account, mail_from="bounce.acme.example")
    assert rules(pending(IN_ZONE)) == [
        "warning email.dkim-pending",
        "warning email.mail-from-pending",
        "warning email.dmarc-missing",
    ]
    for listed in list_records(declaration.sections["email"], declaration.site, account):
        for record in listed.made:
            value = f'"{record.values[0]}"' if record.type == "TXT" else f"{record.values[0]}."
            _add_record(account, record.name, record.type, value)
    account.clock.advance(by=3600)
    assert rules(pending(IN_ZONE)) == ["warning email.dmarc-missing"]
    _add_record(account, "_dmarc.acme.example", "TXT", '"v=DMARC1; p=block"')
    (finding,) = pending(IN_ZONE)
    assert finding.message == (
        "receivers ignore parts of the record at _dmarc.acme.example: p=block is none of none, quarantine, reject"
    )


def test_dkim_that_nobody_added_has_failed_after_72_hours(account, pending):
    account.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://acme.example", ProductionAccessEnabled=True
    )
    _make_identity(account)
    text = "email:\n  acme.example: {}\n"
    account.clock.advance(by=71 * 3600)
    assert rules(pending(text))[0] == "warning email.dkim-pending"
    account.clock.advance(by=2 * 3600)
    assert rules(pending(text))[0] == "error email.dkim-failed"


def test_an_address_waits_for_its_owner(account, pending):
    account.client("sesv2").create_email_identity(EmailIdentity="billing@acme.example")
    assert rules(pending("email:\n  billing@acme.example: {}\n")) == [
        "warning email.address-unverified",
        "warning email.no-production-access",
    ]


def test_nothing_is_pending_of_what_was_never_applied(declared, account, pending):
    declaration = declared("email:\n  acme.example: {}\n")
    world.build(declaration.sections["email"], account, declaration.site)
    assert pending("email:\n  acme.example: {}\n") == []


def test_the_printed_records_carry_the_tokens_of_ses(declared, account):
    _make_identity(account)
    tokens = account.client("sesv2").get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]
    declaration = declared("email:\n  acme.example: {}\n")
    (listed,) = list_records(declaration.sections["email"], declaration.site, account)
    lines = print_zone_file(listed.records).splitlines()
    assert lines[1] == f"{tokens[0]}._domainkey.acme.example. 300 IN CNAME {tokens[0]}.dkim.amazonses.com."
    assert lines[-1] == '_dmarc.acme.example. 300 IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@acme.example"'
    assert (listed.is_complete, listed.made) == (True, ())


def test_before_apply_the_printed_records_lack_dkim_and_say_so(declared, account):
    declaration = declared("email:\n  acme.example: {}\n")
    (listed,) = list_records(declaration.sections["email"], declaration.site, account)
    assert (listed.is_complete, [each.name for each in listed.records]) == (False, ["_dmarc.acme.example"])


def test_records_of_an_identity_that_is_not_declared_are_refused(declared, account):
    declaration = declared("email:\n  acme.example: {}\n")
    with pytest.raises(UsageError, match=r"no identity other\.example is declared: declared are: acme\.example"):
        list_records(declaration.sections["email"], declaration.site, account, ["other.example"])


def test_only_what_is_claimed_is_a_setting(declared):
    plain = declared("email:\n  acme.example: {}\n")
    assert settings.settings(plain.sections["email"], Refs(plain.site)) == []
    claimed = declared(
        "account: {email: {suppression: off, vdm: {}, receipt_rule_set: own}}\n"
        "email:\n  acme.example: {inbound: {all: {}}}\n"
    )
    found = settings.settings(claimed.sections["email"], Refs(claimed.site))
    assert found == [
        AccountSuppression("eu-west-1", []),
        DeliverabilityManager("eu-west-1", True, False),
        ActiveRuleSet("eu-west-1", "baseops-acme"),
    ]


def test_account_suppression_is_written_and_given_back(account):
    setting = AccountSuppression("eu-west-1", ["BOUNCE"])
    assert setting.read(account) == ["BOUNCE", "COMPLAINT"]
    setting.write(account)
    assert setting.read(account) == setting.desired == ["BOUNCE"]
    setting.restore(account, ["BOUNCE", "COMPLAINT"])
    assert setting.read(account) == ["BOUNCE", "COMPLAINT"]


def test_the_deliverability_manager_is_written_and_given_back(account):
    setting = DeliverabilityManager("eu-west-1", True, False)
    former = setting.read(account)
    assert former == {"vdm": "DISABLED", "dashboard": "DISABLED", "optimized_delivery": "DISABLED"}
    setting.write(account)
    assert setting.read(account) == {"vdm": "ENABLED", "dashboard": "ENABLED", "optimized_delivery": "DISABLED"}
    setting.restore(account, former)
    assert setting.read(account) == former


def test_the_active_rule_set_is_written_and_given_back(account):
    ses = account.client("ses")
    for name in ("theirs", "ours"):
        ses.create_receipt_rule_set(RuleSetName=name)
    setting = ActiveRuleSet("eu-west-1", "ours")
    assert setting.read(account) is None
    ses.set_active_receipt_rule_set(RuleSetName="theirs")
    former = setting.read(account)
    setting.write(account)
    assert (former, setting.read(account)) == ("theirs", "ours")
    setting.restore(account, former)
    assert setting.read(account) == "theirs"
    setting.restore(account, None)
    assert setting.read(account) is None


def test_another_account_sends_by_the_identitys_own_policy(declared, account):
    text = (
        "email:\n  acme.example:\n    attach: print\n    senders:\n"
        '      "arn:aws:iam::222222222222:role/partner": [a@acme.example]\n'
        '      "arn:aws:iam::222222222222:role/other": ["*@news.acme.example"]\n'
    )
    declaration = declared(text)
    (setting,) = settings.settings(declaration.sections["email"], Refs(declaration.site))
    assert setting.id == "email/identity-policy/acme-example/baseops-acme-222222222222"
    _make_identity(account)
    assert setting.read(account) is None
    setting.write(account)
    assert setting.read(account) == setting.desired
    (statement,) = setting.desired["Statement"]
    assert (statement["Principal"], statement["Condition"]) == (
        {"AWS": "arn:aws:iam::222222222222:root"},
        {"StringLike": {"ses:FromAddress": ["*@news.acme.example", "a@acme.example"]}},
    )
    setting.restore(account, None)
    assert setting.read(account) is None


def _make_identity(account: Any, mail_from: str = "") -> None:
    sesv2 = account.client("sesv2")
    sesv2.create_email_identity(EmailIdentity="acme.example")
    if mail_from:
        sesv2.put_email_identity_mail_from_attributes(EmailIdentity="acme.example", MailFromDomain=mail_from)


def _add_record(account: Any, name: str, kind: str, value: str) -> None:
    record = {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    account.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
