"""Whether keys and queues that exist already, and are named in the declaration, let AWS's services use them.

Where they do not, AWS refuses without a word: alerts do not arrive, log groups take no key. Reads only, and no policy
of theirs is ever changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from baseops import foundation
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.needs import KeyNeed, Needs
from baseops.contract.site import Site
from baseops.declaration.regions import partition_of
from baseops.errors import AccessError, NotFoundError
from baseops.semantics import keys

# Any: statements of policies, botocore's answers.


def keys_in_account(site: Site, clients: Clients, needs: Sequence[Needs]) -> Iterator[Finding]:
    """Keys that replace ours: there, enabled, for encryption, and open to the services that will use them."""
    for (purpose, region), arn in sorted(site.keys.items()):
        path = ("keys", purpose)
        client = clients.client("kms", region)
        try:
            with translated(f"cannot read the key {arn}"):
                key = client.describe_key(KeyId=arn)["KeyMetadata"]
        except NotFoundError:
            yield _error("key", path, f"there is no key {arn}", "Name one that exists.")
            continue
        if key["KeyState"] != "Enabled" or key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            state = f"it is {key['KeyState']}, of the kind {key.get('KeySpec')}"
            yield _error("key", path, f"the key {arn} cannot encrypt: {state}", "Name an enabled symmetric key.")
            continue
        need = foundation.key_needs(site, needs, region).get(purpose)
        if need:
            yield from _key_policy(client, site, need, arn)


def _key_policy(client: Any, site: Site, need: KeyNeed, arn: str) -> Iterator[Finding]:
    try:
        with translated(f"cannot read the policy of the key {arn}"):
            policy = json.loads(client.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    except AccessError as error:
        message = f"whether {arn} lets services use it is not known: {error.why}"
        yield Finding(Severity.WARNING, "account.key-policy", ("keys", need.purpose), message, error.remedy)
        return
    account = arn.split(":")[4]
    names = {"account": account, "partition": partition_of(site.region)}
    for wanted in keys.statements(need.services, region=need.region, **names):
        principal = _service(wanted)
        if principal and not any(_admits(each, principal) for each in _listed(policy.get("Statement", []))):
            yield _error(
                "key-policy",
                ("keys", need.purpose),
                f"the policy of the key {arn} does not let {principal} use it",
                f"Add to it: {json.dumps(wanted, sort_keys=True)}",
            )


def queues_in_account(site: Site, clients: Clients) -> Iterator[Finding]:
    """Queues that are told of alarms: there, and open to SNS."""
    for place, subscriber in enumerate(site.notify):
        if subscriber.protocol != "sqs":
            continue
        _, _, _, region, account, name = subscriber.endpoint.split(":", 5)
        client, path = clients.client("sqs", region), ("notify", place)
        try:
            with translated(f"cannot read the queue {name}"):
                url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
                found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        except (AccessError, NotFoundError) as error:
            yield _error("queue", path, f"{subscriber.endpoint} cannot be read: {error.why}", "Name one that exists.")
            continue
        statements = _listed(json.loads(found.get("Policy", "{}")).get("Statement", []))
        if not any(_admits(each, "sns.amazonaws.com") for each in statements):
            yield _error(
                "queue",
                path,
                f"the policy of {subscriber.endpoint} does not let sns.amazonaws.com send to it",
                f"Allow sqs:SendMessage to sns.amazonaws.com there, from arn:*:sns:*:*:{site.prefix}-alerts.",
            )


def _service(statement: Any) -> str:
    principal = statement.get("Principal")
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


def _admits(statement: Any, service: str) -> bool:
    """Whether a statement names the service, or everybody; its conditions are the owner's affair."""
    principal = statement.get("Principal", {})
    named = [principal] if isinstance(principal, str) else [*_listed(principal.get("Service", []))]
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))
    return statement.get("Effect") == "Allow" and (everybody or service in named)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _error(rule: str, path: tuple[str | int, ...], message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, f"account.{rule}", path, message, remedy)
