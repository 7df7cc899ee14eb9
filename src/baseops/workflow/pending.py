"""What waits outside AWS after apply: DNS records, confirmations, values that a person has to put."""

from __future__ import annotations

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.contract.template import Output
from baseops.errors import NotFoundError
from baseops.workflow.compile import Compiled, sections
from baseops.workflow.inputs import Outputs


def pending(compiled: Compiled, clients: Clients) -> list[Finding]:
    """Everything pending, the alert topic's confirmations first. Only reads."""
    found = _unconfirmed(compiled, clients)
    for area, section in sections(compiled.declaration):
        found += area.account.pending(section, compiled.refs, clients)
    return found


def _unconfirmed(compiled: Compiled, clients: Clients) -> list[Finding]:
    # CloudFormation calls the stack complete while a mail subscription waits, and it expires in about three days:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
    return [
        Finding(
            Severity.WARNING,
            "pending.subscription",
            ("notify",),
            f"{endpoint} has not confirmed its subscription to the alert topic in {topic.region}, "
            "which expires in about 3 days",
            "Open the mail from AWS Notifications and follow its link.",
        )
        for topic in _topics(compiled)
        for endpoint in _waiting(topic, clients, compiled.declaration.site)
    ]


def _topics(compiled: Compiled) -> list[Output]:
    """The alert topics of all regions that have one."""
    return [
        Output(template.stack, template.region, "AlertTopicArn")
        for template in compiled.templates
        if isinstance(outputs := template.body.get("Outputs"), dict) and "AlertTopicArn" in outputs
    ]


def _waiting(topic: Output, clients: Clients, site: Site) -> list[str]:
    arn = Outputs(clients, site).find(topic)
    if arn is None:
        return []
    try:
        with translated(f"cannot list the subscriptions of {arn}"):
            pages = clients.client("sns", topic.region).get_paginator("list_subscriptions_by_topic")
            found = [each for page in pages.paginate(TopicArn=arn) for each in page["Subscriptions"]]
    except NotFoundError:
        return []
    return [each["Endpoint"] for each in found if each["SubscriptionArn"] == "PendingConfirmation"]
