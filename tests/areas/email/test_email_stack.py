from __future__ import annotations

import json

from baseops.areas.email import stack as email
from baseops.contract.needs import KeyNeed

LOGS_KEY = {"Ref": "LogsKeyArn"}


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def test_an_identity_signs_with_2048_bits_and_has_a_default_configuration_set(resources):
    (identity,) = resources("email:\n  ACME.example: {}\n", "AWS::SES::EmailIdentity")
    assert identity["EmailIdentity"] == "acme.example"
    assert identity["DkimAttributes"] == {"SigningEnabled": True}
    assert identity["DkimSigningAttributes"] == {"NextSigningKeyLength": "RSA_2048_BIT"}
    assert identity["ConfigurationSetAttributes"] == {
        "ConfigurationSetName": {"Ref": "AcmeExample5466ConfigurationSet"}
    }
    assert "FeedbackAttributes" not in identity


def test_a_mail_from_goes_on_without_its_mx_unless_told_to_refuse(resources):
    for written, behavior in (
        ("bounce.acme.example", "USE_DEFAULT_VALUE"),
        ("{domain: bounce.acme.example, on_mx_failure: reject}", "REJECT_MESSAGE"),
    ):
        (identity,) = resources(f"email:\n  acme.example:\n    mail_from: {written}\n", "AWS::SES::EmailIdentity")
        assert identity["MailFromAttributes"] == {
            "MailFromDomain": "bounce.acme.example",
            "BehaviorOnMxFailure": behavior,
        }


def test_an_identity_and_its_default_set_outlive_their_stack_because_mail_needs_both(declared, compiled):
    text = "email:\n  acme.example: {configuration_sets: {marketing: {}, news: {name: acme-news}}}\n"
    made = compiled(declared(text))
    policies = {
        name: each.get("DeletionPolicy") for name, each in made.items() if each["Type"].startswith("AWS::SES::")
    }
    assert {name: policy for name, policy in policies.items() if not name.endswith("Destination")} == {
        "AcmeExample5466Identity": "RetainExceptOnCreate",
        "AcmeExample5466ConfigurationSet": "RetainExceptOnCreate",
        "AcmeExample5466MarketingConfigurationSet": None,
        "AcmeExample5466NewsConfigurationSet": "RetainExceptOnCreate",
    }
    assert made["AcmeExample5466Identity"]["UpdateReplacePolicy"] == "Retain"


def test_an_own_dkim_key_is_a_reference_to_a_secret_and_never_in_the_template(full, compiled):
    made = compiled(full)
    (own,) = [
        each["Properties"]["DkimSigningAttributes"]
        for each in made.values()
        if each["Type"] == "AWS::SES::EmailIdentity" and each["Properties"]["EmailIdentity"] == "own-key.example"
    ]
    assert own == {
        "DomainSigningSelector": "s2026",
        "DomainSigningPrivateKey": "{{resolve:secretsmanager:app/dkim-key:SecretString}}",
    }


def test_suppression_is_inherited_turned_off_or_set(resources):
    def options(word: str) -> object:
        text = f"email:\n  acme.example: {{configuration_sets: {{default: {{suppression: {word}}}}}}}\n"
        return resources(text, "AWS::SES::ConfigurationSet")[0].get("SuppressionOptions")

    assert options("inherit") is None
    assert options("off") == {"SuppressedReasons": []}
    assert options("[COMPLAINT, BOUNCE]") == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}


def test_ses_may_publish_to_the_topic_for_these_configuration_sets_only(resources):
    text = "email:\n  acme.example: {configuration_sets: {marketing: {events: {share: default}}}}\n"
    (policy,) = resources(text, "AWS::SNS::TopicPolicy")
    publishes, refuses = policy["PolicyDocument"]["Statement"]
    prefix = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/baseops-acme-acme-example"
    assert publishes["Principal"] == {"Service": "ses.amazonaws.com"}
    assert publishes["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": [sub(prefix), sub(f"{prefix}-marketing")]},
    }
    assert (refuses["Effect"], refuses["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_topic_and_queues_use_the_logs_key(resources):
    text = "email:\n  acme.example: {}\n"
    assert [each["KmsMasterKeyId"] for each in resources(text, "AWS::SNS::Topic")] == [LOGS_KEY]
    queues = resources(text, "AWS::SQS::Queue")
    assert [each["KmsMasterKeyId"] for each in queues] == [LOGS_KEY, LOGS_KEY]
    assert [each.get("RedrivePolicy") for each in queues] == [
        None,
        {"deadLetterTargetArn": {"Fn::GetAtt": ["AcmeExample5466DeadLetterQueue", "Arn"]}, "maxReceiveCount": 5},
    ]


def test_the_foundation_is_asked_for_a_key_that_ses_and_the_topic_may_use(declared):
    declaration = declared("email:\n  acme.example: {}\n")
    needs = email.needs(declaration.sections["email"], declaration.site)
    assert needs.keys == (KeyNeed("logs", "eu-west-1", frozenset({"ses", "sns", "sqs"})),)
    assert needs.publishers == {"eu-west-1": frozenset({"cloudwatch"})}


def test_a_destination_waits_for_the_topics_policy_and_uses_cloudformations_words(declared, compiled):
    made = compiled(declared("email:\n  acme.example: {}\n"))
    destination = made["AcmeExample5466TopicDestination"]
    assert destination["DependsOn"] == ["AcmeExample5466EventTopicPolicy"]
    assert destination["Properties"]["EventDestination"] == {
        "Name": "topic",
        "Enabled": True,
        "MatchingEventTypes": ["reject", "bounce", "complaint", "renderingFailure", "deliveryDelay"],
        "SnsDestination": {"TopicARN": {"Ref": "AcmeExample5466EventTopic"}},
    }


def test_rate_alarms_stay_below_ses_and_keep_their_state_without_data(resources):
    alarms = {each["AlarmName"]: each for each in resources("email:\n  acme.example: {}\n", "AWS::CloudWatch::Alarm")}
    assert sorted(alarms) == [
        "baseops-acme-email-account-bounce-rate",
        "baseops-acme-email-account-complaint-rate",
        "baseops-acme-email-acme-example-bounce-rate",
        "baseops-acme-email-acme-example-complaint-rate",
        "baseops-acme-email-acme-example-dead-letters",
        "baseops-acme-email-acme-example-unread",
    ]
    bounce = alarms["baseops-acme-email-acme-example-bounce-rate"]
    assert (bounce["MetricName"], bounce["Threshold"], bounce["TreatMissingData"]) == (
        "Reputation.BounceRate",
        0.04,
        "ignore",
    )
    assert bounce["Dimensions"] == [{"Name": "ses:configuration-set", "Value": "baseops-acme-acme-example"}]
    assert alarms["baseops-acme-email-account-complaint-rate"]["Threshold"] == 0.0008
    assert alarms["baseops-acme-email-acme-example-unread"]["Threshold"] == 4 * 86400


def test_a_sender_may_use_its_addresses_through_the_identity_and_its_sets_and_nothing_else(resources):
    text = 'email:\n  acme.example: {senders: {role/app/web: [No-Reply@ACME.example, "*@news.acme.example"]}}\n'
    (policy,) = resources(text, "AWS::IAM::RolePolicy")
    assert policy["RoleName"] == "web"
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Sid": "SendAsDeclared",
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": [
                sub("arn:${AWS::Partition}:ses:eu-west-1:${AWS::AccountId}:identity/acme.example"),
                sub(
                    "arn:${AWS::Partition}:ses:eu-west-1:${AWS::AccountId}:configuration-set/baseops-acme-acme-example"
                ),
            ],
            "Condition": {"StringLike": {"ses:FromAddress": ["No-Reply@acme.example", "*@news.acme.example"]}},
        }
    ]


def test_a_sender_of_an_address_that_is_an_identity_may_use_that_identity_too(resources):
    text = "email:\n  acme.example: {senders: {role/web: [billing@acme.example]}}\n  billing@acme.example: {}\n"
    (policy,) = resources(text, "AWS::IAM::RolePolicy")
    arns = [each["Fn::Sub"].rpartition(":")[2] for each in policy["PolicyDocument"]["Statement"][0]["Resource"]]
    assert arns == [
        "identity/acme.example",
        "identity/billing@acme.example",
        "configuration-set/baseops-acme-acme-example",
    ]


def test_a_reader_may_empty_its_queue_and_decrypt_through_sqs_alone(resources):
    text = "email:\n  acme.example: {configuration_sets: {default: {events: {readers: [role/bounces]}}}}\n"
    (policy,) = resources(text, "AWS::IAM::RolePolicy")
    reads, decrypts = policy["PolicyDocument"]["Statement"]
    assert policy["RoleName"] == "bounces"
    assert reads["Resource"] == {"Fn::GetAtt": ["AcmeExample5466EventQueue", "Arn"]}
    assert "sqs:SendMessage" not in reads["Action"]
    assert (decrypts["Action"], decrypts["Resource"]) == ("kms:Decrypt", LOGS_KEY)
    assert decrypts["Condition"] == {"StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}}


def test_nothing_is_attached_where_the_policy_is_printed(resources):
    text = "email:\n  acme.example: {attach: print, senders: {role/web: [a@acme.example]}}\n"
    assert resources(text, "AWS::IAM::RolePolicy") == []


def test_an_address_within_a_declared_domain_leans_on_its_configuration_set(resources):
    text = "email:\n  billing@acme.example: {}\n  acme.example: {}\n"
    assert len(resources(text, "AWS::SES::ConfigurationSet")) == 1
    identities = {each["EmailIdentity"]: each for each in resources(text, "AWS::SES::EmailIdentity")}
    assert identities["billing@acme.example"]["ConfigurationSetAttributes"] == {
        "ConfigurationSetName": {"Ref": "AcmeExample5466ConfigurationSet"}
    }
    assert "DkimSigningAttributes" not in identities["billing@acme.example"]


def test_records_are_printed_unless_a_zone_is_named(resources):
    assert resources("email:\n  acme.example: {mail_from: bounce.acme.example}\n", "AWS::Route53::RecordSet") == []


def test_a_zone_gets_dkim_and_mail_from_but_no_dmarc_and_no_mx_of_the_domain(resources):
    text = (
        "account: {email: {receipt_rule_set: own}}\n"
        "email:\n  acme.example: {dns: {zone: Z0123456789}, mail_from: bounce.acme.example, inbound: {all: {}}}\n"
    )
    records = resources(text, "AWS::Route53::RecordSet")
    assert [(each["Type"], each["Name"]) for each in records] == [
        ("CNAME", {"Fn::GetAtt": ["AcmeExample5466Identity", "DkimDNSTokenName1"]}),
        ("CNAME", {"Fn::GetAtt": ["AcmeExample5466Identity", "DkimDNSTokenName2"]}),
        ("CNAME", {"Fn::GetAtt": ["AcmeExample5466Identity", "DkimDNSTokenName3"]}),
        ("MX", "bounce.acme.example."),
        ("TXT", "bounce.acme.example."),
    ]
    assert records[3]["ResourceRecords"] == ["10 feedback-smtp.eu-west-1.amazonses.com."]
    assert records[4]["ResourceRecords"] == ['"v=spf1 include:amazonses.com ~all"']


def test_a_dmarc_record_is_made_only_on_request(resources):
    text = "email:\n  acme.example: {dns: {zone: Z0123456789}, dmarc: {create: true}}\n"
    (record,) = [each for each in resources(text, "AWS::Route53::RecordSet") if each["Type"] == "TXT"]
    assert record["Name"] == "_dmarc.acme.example."
    assert record["ResourceRecords"] == ['"v=DMARC1; p=none; rua=mailto:postmaster@acme.example"']


def test_receipt_rules_keep_the_order_of_the_declaration(full, compiled):
    made = compiled(full)
    first, second = made["AcmeExample5466RepliesReceiptRule"], made["AcmeExample5466RestReceiptRule"]
    assert "After" not in first["Properties"]
    assert second["Properties"]["After"] == {"Ref": "AcmeExample5466RepliesReceiptRule"}
    assert first["DependsOn"] == ["AcmeExample5466Identity", "AcmeExample5466InboundBucketPolicy"]
    assert first["Properties"]["Rule"]["Recipients"] == ["replies@acme.example"]
    assert second["Properties"]["Rule"]["Actions"] == [
        {"S3Action": {"BucketName": "acme-mail-archive", "ObjectKeyPrefix": "all/"}}
    ]


def test_only_ses_writes_mail_to_the_bucket_and_only_from_our_rules(full, compiled):
    statement = compiled(full)["AcmeExample5466InboundBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Condition"]["ArnLike"] == {
        "aws:SourceArn": sub(
            "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:receipt-rule-set/baseops-acme:receipt-rule/*"
        )
    }


def test_what_somebody_else_made_gets_no_resources(declared, compiled):
    assert compiled(declared("email:\n  acme.example: {managed: false}\n")) == {}


def test_the_same_declaration_gives_the_same_bytes(full, compiled):
    assert json.dumps(compiled(full)) == json.dumps(compiled(full))
