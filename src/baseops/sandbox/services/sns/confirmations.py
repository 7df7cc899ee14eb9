"""Subscriptions wait until who owns the address says yes, and are forgotten when nobody does.

Mail and web addresses have to be confirmed; queues and functions of the topic's own account need not be. While a
subscription waits, lists show no ARN of it, and nothing is delivered.
https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened

# Any: moto's backend and subscriptions are untyped.

VALID = timedelta(days=3)
PENDING = "PendingConfirmation"
_ASKED = ("email", "email-json", "http", "https")
_PAGE = 100


def subscribe(backend: Any, **_: Any) -> Members:
    """Subscribe an endpoint; one that has to be asked first gets a mail with a link."""
    given = calling().parameters
    known = set(backend.subscriptions)
    made = backend.subscribe(given["TopicArn"], given.get("Endpoint", ""), given["Protocol"])
    attributes = dict(given.get("Attributes") or {})
    # The scope first: it decides how the policy is read.
    for name in sorted(attributes, key=lambda each: each != "FilterPolicyScope"):
        backend.set_subscription_attributes(made.arn, name, attributes[name])
    if made.arn not in known and made.protocol in _ASKED:
        _ask(backend, made)
    shown = made.arn if given.get("ReturnSubscriptionArn") or not is_pending(made) else "pending confirmation"
    return {"SubscriptionArn": shown}


def is_pending(subscription: Any) -> bool:
    """Whether nobody has said yes yet."""
    return str(subscription.attributes.get(PENDING)).lower() == "true"


def _ask(backend: Any, subscription: Any) -> None:
    token = str(mock_random.get_random_hex(160))
    subscription.sandbox_token = token
    subscription.attributes |= {PENDING: "true", "ConfirmationWasAuthenticated": "false"}
    link = urlencode({"TopicArn": subscription.topic_arn, "Token": token, "Endpoint": subscription.endpoint})
    place = f"https://sns.{backend.region_name}.amazonaws.com/confirmation.html?{link}"
    opened().mailbox.put(
        subscription.endpoint,
        f"You have chosen to subscribe to the topic:\n{subscription.topic_arn}\n\n"
        f"To confirm this subscription, click or visit the link below:\n{place}\n",
    )

    def forget() -> None:
        if backend.subscriptions.get(subscription.arn) is subscription and is_pending(subscription):
            del backend.subscriptions[subscription.arn]

    opened().clock.ticker.after(VALID.total_seconds(), forget, f"confirmation of {subscription.arn}")


def confirm_subscription(
    backend: Any, topic_arn: str, token: str, authenticate_on_unsubscribe: str | None = None
) -> Members:
    """Say yes, with the token of the mail's link."""
    del authenticate_on_unsubscribe
    backend.get_topic(topic_arn)
    for each in backend.subscriptions.values():
        if each.topic_arn == topic_arn and getattr(each, "sandbox_token", None) == token:
            each.attributes[PENDING] = "false"
            return {"SubscriptionArn": each.arn}
    raise ServiceError("Invalid token", code="InvalidParameter", status=400)


def list_subscriptions_by_topic(backend: Any, topic_arn: str, next_token: str | None = None) -> Members:
    """A topic's subscriptions; in pages."""
    backend.get_topic(topic_arn)
    return _page((each for each in backend.subscriptions.values() if each.topic_arn == topic_arn), next_token)


def list_subscriptions(backend: Any, next_token: str | None = None) -> Members:
    """All subscriptions; in pages."""
    return _page(backend.subscriptions.values(), next_token)


def _page(found: Iterable[Any], token: str | None) -> Members:
    every, start = list(found), int(token or 0)
    more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(every) else {}
    return {"Subscriptions": [_shown(each) for each in every[start : start + _PAGE]], **more}


def _shown(subscription: Any) -> dict[str, str]:
    return {
        "SubscriptionArn": PENDING if is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


extend("sns", "ConfirmSubscription", confirm_subscription)
extend("sns", "ListSubscriptions", list_subscriptions)
extend("sns", "ListSubscriptionsByTopic", list_subscriptions_by_topic)
extend("sns", "Subscribe", subscribe)
