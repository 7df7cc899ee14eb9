"""Received mail: receipt rules in the order of the declaration, and the encrypted bucket that keeps the mail.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, s3, ses

from baseops.areas.email.identities import Identity, inbound_rules, rule_name, rule_set_name
from baseops.areas.email.sending import identity_title
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import private_bucket, refuse_plain_http
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.email.spec import InboundRule, Section

# Any: troposphere takes a text or a helper such as Ref for every property.

RULE_SET = "ReceiptRuleSet"


def add_inbound(stack: StackBuilder, section: Section, refs: Refs) -> None:
    """The rule set when it is ours, the buckets, and every rule after the one before it."""
    rules = inbound_rules(section)
    name = rule_set_name(section, refs.site.prefix)
    rule_set: Any = name
    if rules and section.account.receipt_rule_set == "own":
        rule_set = Ref(stack.add(ses.ReceiptRuleSet(RULE_SET, RuleSetName=name)))
    for identity in {each.name: each for each, _, rule in rules if not rule.to.bucket}.values():
        with stack.unit(identity.name):
            _bucket(stack, identity, name, refs)
    former = None
    for identity, key, rule in rules:
        with stack.unit(identity.name):
            former = stack.add(_rule(identity, key, rule, rule_set, former))


def bucket_title(identity: Identity) -> str:
    """The logical id of the bucket that keeps an identity's mail."""
    return identity.logical_id("InboundBucket")


def prefix_of(key: str, rule: InboundRule) -> str:
    """Where in the bucket a rule's mail is."""
    return rule.to.prefix or f"{key}/"


def _rule(
    identity: Identity, key: str, rule: InboundRule, rule_set: Any, former: ses.ReceiptRule | None
) -> ses.ReceiptRule:
    bucket = rule.to.bucket or Ref(bucket_title(identity))
    properties: dict[str, Any] = {"After": Ref(former)} if former else {}
    # SES tries to write when the rule is made, so the bucket's policy comes first.
    wait = [] if rule.to.bucket else [f"{bucket_title(identity)}Policy"]
    return ses.ReceiptRule(
        identity.logical_id(key, "ReceiptRule"),
        RuleSetName=rule_set,
        Rule=ses.Rule(
            Name=rule_name(identity, key),
            Enabled=True,
            Recipients=list(rule.recipients or [identity.name]),
            ScanEnabled=rule.scan,
            TlsPolicy=rule.tls.capitalize(),
            Actions=[ses.Action(S3Action=ses.S3Action(BucketName=bucket, ObjectKeyPrefix=prefix_of(key, rule)))],
        ),
        DependsOn=[identity_title(identity), *wait],
        **properties,
    )


def _bucket(stack: StackBuilder, identity: Identity, rule_set: str, refs: Refs) -> None:
    title = bucket_title(identity)
    stack.add(private_bucket(title, key=stack.use(refs.key("logs")), rules=_keep(identity)))
    stack.add(_bucket_policy(title, rule_set))


def _bucket_policy(title: str, rule_set: str) -> s3.BucketPolicy:
    # https://docs.aws.amazon.com/ses/latest/dg/receiving-email-permissions.html
    source = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:receipt-rule-set/"
    allow = {
        "Sid": "SesPutsMail",
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": Sub(f"${{{title}.Arn}}/*"),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
            "ArnLike": {"aws:SourceArn": Sub(f"{source}{rule_set}:receipt-rule/*")},
        },
    }
    refuse = refuse_plain_http("s3:*", GetAtt(title, "Arn"), Sub(f"${{{title}.Arn}}/*"))
    return s3.BucketPolicy(
        f"{title}Policy",
        Bucket=Ref(title),
        PolicyDocument={"Version": "2012-10-17", "Statement": [allow, refuse]},
    )


def _keep(identity: Identity) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            Id=f"keep-{key}", Status="Enabled", Prefix=prefix_of(key, rule), ExpirationInDays=max(1, rule.keep.days)
        )
        for key, rule in identity.entry.inbound.items()
        if rule.keep and not rule.to.bucket
    ]
