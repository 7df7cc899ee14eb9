"""Whether a service of AWS may reach a topic or a queue: its policy decides, and that of the key that encrypts it.

What it may not reach is dropped without a word, as AWS does. Keys of AWS's own (alias/aws/sns) let no other service
in: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.semantics.policies import Context, MalformedPolicyError, Policies, Policy, Principal, Request, evaluate

if TYPE_CHECKING:
    from baseops.sandbox.clients import PrincipalClients

KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
SESSION_AGE = timedelta(minutes=45)
"""For so long credentials of a role surely last, which a service assumed for an hour."""
# Any: moto's backends are untyped.


class AccessError(Exception):
    """A service may not do what it was asked to; who asked decides what becomes of it."""


@dataclass(frozen=True)
class Sender:
    """A service that acts for a resource of an account. `bare_keys`: it tells KMS neither account nor resource."""

    service: str
    account_id: str
    source_arn: str
    bare_keys: bool = False

    def context(self, *, for_key: bool = False) -> Context:
        """What conditions may ask about it."""
        source = {
            "aws:SourceAccount": self.account_id,
            "aws:SourceArn": self.source_arn,
            "aws:SourceOwner": self.account_id,
        }
        return Context({"aws:SecureTransport": "true", **({} if for_key and self.bare_keys else source)})


def may_publish(sender: Sender, topic_arn: str) -> bool:
    """Whether the topic is there and lets the service in."""
    _, _, _, region, account_id, _ = topic_arn.split(":", 5)
    topic = moto_backend("sns", account_id, region).topics.get(topic_arn)
    if topic is None or not _allows(topic.policy, "sns:Publish", topic_arn, sender, sender.context()):
        return False
    return _may_use_key(sender, getattr(topic, "kms_master_key_id", None), account_id, region)


def may_send(sender: Sender, queue_arn: str) -> bool:
    """Whether the queue is there and lets the service in."""
    _, _, _, region, account_id, name = queue_arn.split(":", 5)
    queue = moto_backend("sqs", account_id, region).queues.get(name)
    if queue is None or not _allows(queue.policy, "sqs:SendMessage", queue_arn, sender, sender.context()):
        return False
    return _may_use_key(sender, getattr(queue, "kms_master_key_id", None), account_id, region)


def _may_use_key(sender: Sender, key_id: str | None, account_id: str, region: str) -> bool:
    if not key_id:
        return True
    if key_id.rpartition("alias/")[2].startswith("aws/"):
        return False
    kms = moto_backend("kms", account_id, region)
    key = kms.keys.get(kms.any_id_to_key_id(key_id))
    if key is None or not getattr(key, "enabled", True):
        return False
    context = sender.context(for_key=True)
    return all(_allows(key.policy, action, key.arn, sender, context) for action in KEY_ACTIONS)


def _allows(document: Any, action: str, resource: str, sender: Sender, context: Context) -> bool:
    if not document:
        return False
    try:
        policy = Policy.parse(json.loads(document) if isinstance(document, str) else document, "resource")
    except (MalformedPolicyError, TypeError, ValueError):
        return False
    principal = Principal.parse(f"{sender.service}.amazonaws.com")
    return evaluate(Request(principal, action, resource, context), Policies(resource=policy)).allowed


def role_session(sender: Sender, role_arn: str) -> PrincipalClients:
    """A session of a role whose trust policy lets the service in. Raises `AccessError` where there is none.

    A service uses a role's credentials for a while before it assumes the role again.
    """
    refuse_role(sender, role_arn)
    account_id, now = role_arn.split(":")[4], opened().clock.now()
    kept = _sessions(account_id)
    known = (sender.service, getattr(_role(account_id, role_arn), "id", ""))
    since, session = kept.get(known, (now, None))
    if session is None or now - since > SESSION_AGE:
        session = opened().session_as(role_arn, sender.service.replace(".", "-"))
        kept[known] = (now, session)
    return session


def _sessions(account_id: str) -> dict[tuple[str, str], tuple[datetime, PrincipalClients]]:
    """The sessions beside the roles of an account, by service and role id; they go with it when it closes."""
    backend = moto_backend("iam", account_id, "aws")
    if not hasattr(backend, "sandbox_sessions"):
        backend.sandbox_sessions = {}
    found: dict[tuple[str, str], tuple[datetime, PrincipalClients]] = backend.sandbox_sessions
    return found


def refuse_role(sender: Sender, role_arn: str) -> None:
    """Raise `AccessError` where the role is not there or its trust policy does not let the service in."""
    account_id = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    role = _role(account_id, role_arn)
    if role is None:
        raise AccessError(f"The role {role_arn} does not exist")
    if not _allows(role.assume_role_policy_document, "sts:AssumeRole", role_arn, sender, sender.context()):
        raise AccessError(f"{sender.service}.amazonaws.com may not assume the role {role_arn}")


def may_invoke(sender: Sender, function_policy: Any, function_arn: str) -> bool:
    """Whether a function's policy lets the service call it."""
    return _allows(function_policy, "lambda:InvokeFunction", function_arn, sender, sender.context())


def may_write_logs(sender: Sender, region: str, group_arn: str) -> bool:
    """Whether a resource policy of CloudWatch Logs lets the service write into the group."""
    policies = moto_backend("logs", sender.account_id, region).resource_policies.values()
    return any(
        _allows(each.policy_document, "logs:PutLogEvents", group_arn, sender, sender.context()) for each in policies
    )


def _role(account_id: str, role_arn: str) -> Any:
    roles = moto_backend("iam", account_id, "aws").roles.values()
    return next((each for each in roles if each.arn == role_arn), None)
