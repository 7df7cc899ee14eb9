"""SES in the sandbox: verification by DNS on the clock, and the refusals of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.errors import SandboxError
from baseops.sandbox.service import ServiceError
from baseops.sandbox.services.sesv2.backend import SesV2Backend

ZONE = "Z0123456789ABCDEFGHIJ"
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def sesv2(account) -> Any:
    return account.client("sesv2")


@pytest.fixture
def zone(account) -> Any:
    """Adds and removes records in the zone of acme.example."""
    route53 = account.client("route53")
    route53.create_hosted_zone(Name="acme.example", CallerReference=f"id/{ZONE}")

    def change(action: str, name: str, kind: str, *values: str) -> None:
        record = {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": value} for value in values]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)

    return change


def status(sesv2: Any) -> str:
    return str(sesv2.get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Status"])


def add_dkim(zone: Any, sesv2: Any, action: str = "CREATE") -> None:
    for token in sesv2.get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]:
        zone(action, f"{token}._domainkey.acme.example", "CNAME", f"{token}.dkim.amazonses.com")


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_domain_is_verified_minutes_after_its_records_are_there(account, sesv2, zone):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    add_dkim(zone, sesv2)
    account.clock.advance(by=60)
    assert status(sesv2) == "PENDING"
    account.clock.advance(by=10 * 60)
    found = sesv2.get_email_identity(EmailIdentity="acme.example")
    assert (found["VerifiedForSendingStatus"], found["VerificationStatus"], status(sesv2)) == (
        True,
        "SUCCESS",
        "SUCCESS",
    )


def test_two_of_three_records_are_not_enough(account, sesv2, zone):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    add_dkim(zone, sesv2)
    token = sesv2.get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"][0]
    zone("DELETE", f"{token}._domainkey.acme.example", "CNAME", f"{token}.dkim.amazonses.com")
    account.clock.advance(by=DAY)
    assert status(sesv2) == "PENDING"


def test_ses_gives_up_after_72_hours_and_looks_again_when_told(account, sesv2, zone):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    account.clock.advance(by=73 * HOUR)
    assert status(sesv2) == "FAILED"
    add_dkim(zone, sesv2)
    account.clock.advance(by=DAY)
    assert status(sesv2) == "FAILED"
    sesv2.put_email_identity_dkim_attributes(EmailIdentity="acme.example", SigningEnabled=True)
    account.clock.advance(by=HOUR)
    assert status(sesv2) == "SUCCESS"


def test_records_that_are_taken_away_end_in_failure_after_five_days(account, sesv2, zone):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    add_dkim(zone, sesv2)
    account.clock.advance(by=HOUR)
    add_dkim(zone, sesv2, "DELETE")
    account.clock.advance(by=2 * DAY)
    assert status(sesv2) == "TEMPORARY_FAILURE"
    account.clock.advance(by=5 * DAY)
    assert status(sesv2) == "FAILED"


def test_a_private_zone_verifies_nothing(account, sesv2):
    route53 = account.client("route53")
    vpc = account.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    route53.create_hosted_zone(
        Name="acme.example",
        CallerReference=f"id/{ZONE}",
        VPC={"VPCId": vpc, "VPCRegion": "eu-west-1"},
        HostedZoneConfig={"PrivateZone": True},
    )
    sesv2.create_email_identity(EmailIdentity="acme.example")
    for token in sesv2.get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]:
        record = {
            "Name": f"{token}._domainkey.acme.example",
            "Type": "CNAME",
            "TTL": 300,
            "ResourceRecords": [{"Value": f"{token}.dkim.amazonses.com"}],
        }
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    account.clock.advance(by=DAY)
    assert status(sesv2) == "PENDING"


BILLING = "billing@acme.example"


def verification(sesv2: Any) -> str:
    return str(sesv2.get_email_identity(EmailIdentity=BILLING)["VerificationStatus"])


def link_of(account: Any, number: int = -1) -> str:
    (link,) = [word for word in account.inbox(BILLING)[number].split() if word.startswith("https://")]
    return str(link)


def test_an_address_stays_pending_until_somebody_follows_the_link(account, sesv2):
    sesv2.create_email_identity(EmailIdentity="billing@ACME.example")
    account.clock.advance(by=DAY - 1)
    found = sesv2.get_email_identity(EmailIdentity=BILLING)
    assert (found["IdentityType"], found["VerificationStatus"]) == ("EMAIL_ADDRESS", "PENDING")
    assert account.visit(link_of(account)) == "You have successfully verified an email address."
    account.clock.advance(by=30 * DAY)
    assert verification(sesv2) == "SUCCESS"


def test_a_link_counts_for_24_hours_and_a_new_one_is_mailed_when_somebody_asks(account, sesv2):
    sesv2.create_email_identity(EmailIdentity=BILLING)
    account.clock.advance(by=DAY)
    assert verification(sesv2) == "FAILED"
    assert account.visit(link_of(account)) == "Sorry, this link has expired or is no longer valid."
    assert verification(sesv2) == "FAILED"
    account.client("ses").verify_email_identity(EmailAddress=BILLING)
    assert verification(sesv2) == "PENDING"
    account.visit(link_of(account, 0))
    assert verification(sesv2) == "PENDING"
    account.visit(link_of(account, 1))
    assert verification(sesv2) == "SUCCESS"


def test_a_link_does_not_verify_an_identity_that_was_made_after_it(account, sesv2):
    sesv2.create_email_identity(EmailIdentity=BILLING)
    sesv2.delete_email_identity(EmailIdentity=BILLING)
    sesv2.create_email_identity(EmailIdentity=BILLING)
    account.visit(link_of(account, 0))
    assert verification(sesv2) == "PENDING"


def test_a_link_that_nobody_wrote_leads_nowhere(account):
    with pytest.raises(SandboxError, match="leads nowhere"):
        account.visit("https://email-verification.eu-west-1.amazonaws.com/?Context=guessed")


def test_what_exists_is_refused_in_the_words_of_ses(sesv2):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    sesv2.create_configuration_set(ConfigurationSetName="mail")
    assert refusal(sesv2.create_email_identity, EmailIdentity="ACME.example") == (
        "AlreadyExistsException",
        "Email identity acme.example already exist.",
    )
    assert refusal(sesv2.create_configuration_set, ConfigurationSetName="mail") == (
        "AlreadyExistsException",
        "Configuration set <mail> already exists.",
    )


def test_what_does_not_exist_is_refused(sesv2):
    assert refusal(sesv2.get_email_identity, EmailIdentity="acme.example")[0] == "NotFoundException"
    assert refusal(sesv2.get_suppressed_destination, EmailAddress="a@acme.example")[0] == "NotFoundException"
    assert (
        refusal(sesv2.create_email_identity, EmailIdentity="acme.example", ConfigurationSetName="mail")[0]
        == "NotFoundException"
    )


def test_a_mail_from_outside_the_domain_is_refused(sesv2):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    assert refusal(
        sesv2.put_email_identity_mail_from_attributes, EmailIdentity="acme.example", MailFromDomain="b.other.example"
    ) == (
        "BadRequestException",
        "Provided MAIL-FROM domain <b.other.example> is not subdomain of the domain of the identity <acme.example>.",
    )


def test_an_event_destination_needs_a_topic_that_exists(account, sesv2):
    sesv2.create_configuration_set(ConfigurationSetName="mail")
    topic = account.client("sns").create_topic(Name="events")["TopicArn"]
    destination = {"Enabled": True, "MatchingEventTypes": ["BOUNCE"], "SnsDestination": {"TopicArn": topic}}
    make = sesv2.create_configuration_set_event_destination
    make(ConfigurationSetName="mail", EventDestinationName="topic", EventDestination=destination)
    assert sesv2.get_configuration_set_event_destinations(ConfigurationSetName="mail")["EventDestinations"] == [
        {"Name": "topic", **destination}
    ]
    missing = {**destination, "SnsDestination": {"TopicArn": f"{topic}-gone"}}
    arguments = {"ConfigurationSetName": "mail", "EventDestinationName": "other", "EventDestination": missing}
    assert refusal(make, **arguments) == ("BadRequestException", f"SNS topic <{topic}-gone> not found.")


def test_the_eleventh_destination_is_one_too_many(sesv2):
    sesv2.create_configuration_set(ConfigurationSetName="mail")
    bus = "arn:aws:events:eu-west-1:111111111111:event-bus/default"
    destination = {"MatchingEventTypes": ["BOUNCE"], "EventBridgeDestination": {"EventBusArn": bus}}
    make = sesv2.create_configuration_set_event_destination
    for number in range(10):
        make(ConfigurationSetName="mail", EventDestinationName=f"d{number}", EventDestination=destination)
    arguments = {"ConfigurationSetName": "mail", "EventDestinationName": "d10", "EventDestination": destination}
    assert refusal(make, **arguments)[0] == "LimitExceededException"


def test_the_suppression_list_knows_no_case_and_is_closed_to_the_sandbox_of_ses(sesv2):
    assert refusal(sesv2.put_suppressed_destination, EmailAddress="a@b.example", Reason="BOUNCE") == (
        "BadRequestException",
        "Your account is in the sandbox. This operation is not permitted.",
    )
    sesv2.put_account_details(MailType="MARKETING", WebsiteURL="https://acme.example", ProductionAccessEnabled=True)
    sesv2.put_suppressed_destination(EmailAddress="Jo@B.example", Reason="BOUNCE")
    assert sesv2.get_suppressed_destination(EmailAddress="jo@b.EXAMPLE")["SuppressedDestination"]["Reason"] == "BOUNCE"
    listed = sesv2.list_suppressed_destinations(Reasons=["COMPLAINT"])["SuppressedDestinationSummaries"]
    assert listed == []
    sesv2.delete_suppressed_destination(EmailAddress="jo@b.example")
    assert sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []


def test_a_batch_of_record_changes_is_made_whole_or_not_at_all(account, zone):
    route53 = account.client("route53")
    zone("CREATE", "a.acme.example", "TXT", '"one"')
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": name,
                "Type": "TXT",
                "TTL": 300,
                "ResourceRecords": [{"Value": '"two"'}],
            },
        }
        for name in ("b.acme.example", "a.acme.example")
    ]
    code, message = refusal(route53.change_resource_record_sets, HostedZoneId=ZONE, ChangeBatch={"Changes": changes})
    assert (code, message) == (
        "InvalidChangeBatch",
        "[Tried to create resource record set [name='a.acme.example.', type='TXT'] but it already exists]",
    )
    names = [each["Name"] for each in route53.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]]
    assert "b.acme.example." not in names


def test_a_record_is_deleted_by_its_exact_values_and_texts_need_quotes(zone):
    zone("CREATE", "a.acme.example", "TXT", '"one"')
    with pytest.raises(ClientError, match="the values provided do not match the current values"):
        zone("DELETE", "a.acme.example", "TXT", '"two"')
    with pytest.raises(ClientError, match="Value should be enclosed in quotation marks"):
        zone("CREATE", "b.acme.example", "TXT", "one")
    with pytest.raises(ClientError, match="conflicts with other records with the same DNS name"):
        zone("CREATE", "a.acme.example", "CNAME", "b.acme.example.")
    zone("DELETE", "a.acme.example", "TXT", '"one"')


# --- sending ------------------------------------------------------------------------------------------------


SIMPLE = {"Simple": {"Subject": {"Data": "hello"}, "Body": {"Text": {"Data": "hello"}}}}


@pytest.fixture
def verified(account, sesv2, zone) -> Any:
    """acme.example, verified, in an account that may send to everybody."""
    sesv2.put_account_details(MailType="MARKETING", WebsiteURL="https://acme.example", ProductionAccessEnabled=True)
    sesv2.create_email_identity(EmailIdentity="acme.example")
    add_dkim(zone, sesv2)
    account.clock.advance(by=HOUR)
    return sesv2


def mail(to: str = "success@simulator.amazonses.com", sender: str = "a@acme.example") -> dict[str, Any]:
    return {"FromEmailAddress": sender, "Destination": {"ToAddresses": [to]}, "Content": SIMPLE}


def test_any_address_below_a_verified_domain_may_send(verified):
    assert verified.send_email(**mail(sender="b@news.acme.example"))["MessageId"]
    assert refusal(verified.send_email, **mail(sender="b@other.example"))[0] == "MessageRejected"


def test_in_the_sandbox_of_ses_recipients_have_to_be_verified_too(account, sesv2, zone):
    sesv2.create_email_identity(EmailIdentity="acme.example")
    add_dkim(zone, sesv2)
    account.clock.advance(by=HOUR)
    assert sesv2.send_email(**mail())["MessageId"]
    assert refusal(sesv2.send_email, **mail("jo@elsewhere.example"))[0] == "MessageRejected"


def test_a_paused_account_or_set_sends_nothing(verified):
    verified.create_configuration_set(ConfigurationSetName="paused", SendingOptions={"SendingEnabled": False})
    assert refusal(verified.send_email, **mail(), ConfigurationSetName="paused")[0] == "SendingPausedException"
    verified.put_account_sending_attributes(SendingEnabled=False)
    assert refusal(verified.send_email, **mail())[0] == "SendingPausedException"


def test_a_default_configuration_set_that_is_gone_stops_the_identity(verified):
    verified.create_configuration_set(ConfigurationSetName="mail")
    verified.put_email_identity_configuration_set_attributes(EmailIdentity="acme.example", ConfigurationSetName="mail")
    verified.delete_configuration_set(ConfigurationSetName="mail")
    assert refusal(verified.send_email, **mail())[0] == "NotFoundException"


def test_a_mail_from_without_its_mx_refuses_only_where_it_was_told_to(account, verified):
    put = verified.put_email_identity_mail_from_attributes
    put(EmailIdentity="acme.example", MailFromDomain="bounce.acme.example")
    assert verified.send_email(**mail())["MessageId"]
    account.clock.advance(by=2)
    put(
        EmailIdentity="acme.example",
        MailFromDomain="bounce.acme.example",
        BehaviorOnMxFailure="REJECT_MESSAGE",
    )
    assert refusal(verified.send_email, **mail())[0] == "MailFromDomainNotVerifiedException"


def test_fifteen_in_a_second_are_one_too_many_and_the_simulator_costs_no_quota(account, verified):
    # Not by a client, which would wait and try again after a time of its own choice.
    backend = SesV2Backend.of("111111111111", "eu-west-1")
    for number in range(14):
        backend.send("a@acme.example", [f"success+{number}@simulator.amazonses.com"], "hello", "")
    with pytest.raises(ServiceError, match="Maximum sending rate exceeded"):
        backend.send("a@acme.example", ["success@simulator.amazonses.com"], "hello", "")
    account.clock.advance(by=2)
    verified.send_email(**mail("jo@elsewhere.example"))
    assert verified.get_account()["SendQuota"]["SentLast24Hours"] == 1.0


def test_ses_takes_no_topic_that_it_cannot_publish_to(account, sesv2):
    sesv2.create_configuration_set(ConfigurationSetName="mail")
    topic = account.client("sns").create_topic(Name="events", Attributes={"KmsMasterKeyId": "alias/aws/sns"})[
        "TopicArn"
    ]
    destination = {"MatchingEventTypes": ["BOUNCE"], "SnsDestination": {"TopicArn": topic}}
    assert refusal(
        sesv2.create_configuration_set_event_destination,
        ConfigurationSetName="mail",
        EventDestinationName="topic",
        EventDestination=destination,
    ) == ("BadRequestException", f"Could not publish message to SNS topic <{topic}>.")


def test_a_virus_is_rejected_and_a_raw_message_names_its_recipients(account, verified):
    head = b"From: a@acme.example\r\nTo: jo@elsewhere.example\r\nSubject: x\r\n\r\n"
    raw = head + rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    verified.create_configuration_set(ConfigurationSetName="mail")
    topic = account.client("sns").create_topic(Name="events")["TopicArn"]
    service = {"Service": "sns.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": service, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queue = account.client("sqs").create_queue(QueueName="events", Attributes={"Policy": policy})["QueueUrl"]
    arn = "arn:aws:sqs:eu-west-1:111111111111:events"
    account.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    verified.create_configuration_set_event_destination(
        ConfigurationSetName="mail",
        EventDestinationName="topic",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["SEND", "REJECT", "DELIVERY"],
            "SnsDestination": {"TopicArn": topic},
        },
    )
    (tried,) = account.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert tried["Body"] == "Successfully validated SNS topic for Amazon SES event publishing."
    account.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=tried["ReceiptHandle"])
    verified.send_email(Content={"Raw": {"Data": raw}}, ConfigurationSetName="mail")
    account.client("ses").send_email(
        Source="a@acme.example",
        Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
        Message={"Subject": {"Data": "old"}, "Body": {"Text": {"Data": "api"}}},
        ConfigurationSetName="mail",
    )
    account.clock.advance(by=60)
    found = account.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    events = [json.loads(each["Body"]) for each in found]
    assert [(each["eventType"], each["mail"]["destination"][0]) for each in events] == [
        ("Send", "jo@elsewhere.example"),
        ("Send", "success@simulator.amazonses.com"),
        ("Reject", "jo@elsewhere.example"),
        ("Delivery", "success@simulator.amazonses.com"),
    ]


def test_leave_to_send_to_everybody_can_be_taken_back(verified):
    verified.put_account_details(MailType="MARKETING", WebsiteURL="https://acme.example", ProductionAccessEnabled=False)
    found = verified.get_account()
    assert (found["ProductionAccessEnabled"], found["SendQuota"]["Max24HourSend"]) == (False, 200.0)


def test_real_bounces_suppress_their_addresses_and_put_the_account_under_review(account, verified, zone):
    zone("CREATE", "gone.acme.example", "MX", "0 .")
    for number in range(95):
        verified.send_email(**mail(f"jo{number}@elsewhere.example"))
        account.clock.advance(by=1)
    for number in range(4):
        verified.send_email(**mail(f"jo{number}@gone.acme.example"))
    verified.send_email(**mail("bounce@simulator.amazonses.com"))
    account.clock.advance(by=60)
    assert verified.get_account()["EnforcementStatus"] == "HEALTHY"
    verified.send_email(**mail("jo4@gone.acme.example"))
    account.clock.advance(by=60)
    assert verified.get_account()["EnforcementStatus"] == "PROBATION"
    listed = verified.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert [each["EmailAddress"] for each in listed] == [f"jo{number}@gone.acme.example" for number in range(5)]
    statistics = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SES",
        MetricName="Reputation.BounceRate",
        StartTime=account.clock.now().replace(hour=0),
        EndTime=account.clock.now(),
        Period=86400,
        Statistics=["Maximum"],
    )
    assert [each["Maximum"] for each in statistics["Datapoints"]] == [0.05]
