"""Decides whether a service gets through: an alarm or SES into a topic, a topic into a queue, both past the key; pure.

A service is let in by the policy of the topic or queue, and by that of the key that encrypts it. What it may not reach
is dropped without a word.
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.semantics.policies import Context, MalformedPolicyError, Policies, Policy, Principal, Request, evaluate

# Any: policy documents and botocore's answers.
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
STRANGER = "999999999999"
"""Some account that is not ours; a policy that lets it in lets in everybody."""


@dataclass(frozen=True)
class Key:
    """A key as DescribeKey and GetKeyPolicy give it. `policy` is None for a key of AWS's own."""

    arn: str
    state: str
    policy: Mapping[str, Any] | None


@dataclass(frozen=True)
class Sender:
    """A service that acts for a resource of an account: `ses` for a configuration set, `sns` for a topic.

    Without a source it tells of none, as EventBridge does.
    """

    service: str
    source_arn: str = ""

    @property
    def account(self) -> str:
        """Whose the resource is."""
        return self.source_arn.split(":")[4]

    def context(self, *, with_source: bool = True) -> Context:
        """What conditions may ask about it."""
        if not self.source_arn:
            return Context({"aws:SecureTransport": "true"})
        source = {"aws:SourceAccount": self.account, "aws:SourceArn": self.source_arn, "aws:SourceOwner": self.account}
        return Context({"aws:SecureTransport": "true", **(source if with_source else {})})

    def of_a_stranger(self) -> Sender:
        """The same service, as another account's resource of the same name would make it act."""
        return Sender(self.service, self.source_arn.replace(f":{self.account}:", f":{STRANGER}:", 1))


def refusal(sender: Sender, action: str, resource: str, policy: str, key: Key | None) -> str:
    """Why the service may not do it; empty when it may. `policy` is the resource's own, as AWS gives it."""
    document = _document(policy)
    if document is None or not _allows(document, sender, action, resource):
        whose = f" for {_short(sender.source_arn)}" if sender.source_arn else ""
        return f"its policy does not let {sender.service}.amazonaws.com do {action}{whose}"
    if key is None:
        return ""
    if key.policy is None:
        return f"it is encrypted with a key of AWS's own, which lets no other service in: {sender.service} loses events"
    if key.state != "Enabled":
        return f"its key is {key.state}"
    refused = [each for each in KEY_ACTIONS if not _allows(key.policy, sender, each, key.arn)]
    if refused:
        return f"the policy of its key does not let {sender.service}.amazonaws.com do {' and '.join(refused)}"
    return ""


def doubt(sender: Sender, key: Key | None) -> str:
    """What the evaluation has to take on trust: that the service tells KMS for what it acts.

    AWS documents it of SNS, and shows SES's statement without conditions:
    https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html
    """
    if sender.service != "ses" or key is None or key.policy is None:
        return ""
    plain = all(_allows(key.policy, sender, each, key.arn, with_source=False) for each in KEY_ACTIONS)
    return "" if plain else "the key asks for a source, and AWS does not say that SES tells KMS one"


def is_open(sender: Sender, action: str, resource: str, policy: str) -> bool:
    """Whether any account's resource could make the service do it (the confused deputy).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    document = _document(policy)
    return document is not None and _allows(document, sender.of_a_stranger(), action, resource)


def _allows(
    document: Mapping[str, Any], sender: Sender, action: str, resource: str, *, with_source: bool = True
) -> bool:
    try:
        policy = Policy.parse(document, "resource")
    except MalformedPolicyError:
        return False
    principal = Principal.parse(f"{sender.service}.amazonaws.com")
    request = Request(principal, action, resource, sender.context(with_source=with_source))
    return evaluate(request, Policies(resource=policy)).allowed


def _document(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


def _short(arn: str) -> str:
    return arn.split(":", 5)[-1]
