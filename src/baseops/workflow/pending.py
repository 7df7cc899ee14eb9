"""What waits outside AWS after apply: DNS records, confirmations, values that a person has to put."""

from __future__ import annotations

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.errors import NotFoundError
from baseops.workflow.compile import Compiled, sections


def pending(compiled: Compiled, clients: Clients) -> list[Finding]:
    """Everything pending, the alert topic's confirmations first. Only reads."""
    found = _unconfirmed(compiled, clients)
    for area, section in sections(compiled.declaration):
        found += area.account.pending(section, compiled.refs, clients)
    return found


def _unconfirmed(compiled: Compiled, clients: Clients) -> list[Finding]:
    # CloudFormation calls the stack complete while a mail subscription waits, and it expires in about three days:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
    site = compiled.declaration.site
    topic = f"arn:aws:sns:{site.region}:{site.accounts[0]}:{site.prefix}-alerts"
    try:
        with translated(f"cannot list the subscriptions of {topic}"):
            pages = clients.client("sns", site.region).get_paginator("list_subscriptions_by_topic")
            found = [each for page in pages.paginate(TopicArn=topic) for each in page["Subscriptions"]]
    except NotFoundError:
        return []
    waiting = [each["Endpoint"] for each in found if each["SubscriptionArn"] == "PendingConfirmation"]
    return [
        Finding(
            Severity.WARNING,
            "pending.subscription",
            ("notify",),
            f"{endpoint} has not confirmed its subscription to the alert topic, which expires in about 3 days",
            "Open the mail from AWS Notifications and follow its link.",
        )
        for endpoint in waiting
    ]
