"""What moto lacks of Amazon SES v1: receipt rules removed and moved; mail and identities are those of our SES v2.

https://docs.aws.amazon.com/ses/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import ServiceError, extend
from baseops.semantics.mail.addresses import fold

# Any throughout: moto's backends are untyped, and answers are members of AWS's shapes.


def delete_receipt_rule(backend: Any, *, rule_set_name: str, rule_name: str) -> dict[str, Any]:
    """Remove a rule; removing one that is not there is no error."""
    rule_set = backend.describe_receipt_rule_set(rule_set_name)
    rule_set.rules[:] = [rule for rule in rule_set.rules if rule["Name"] != rule_name]
    return {}


def set_receipt_rule_position(
    backend: Any, *, rule_set_name: str, rule_name: str, after: str | None = None
) -> dict[str, Any]:
    """Put a rule behind another one, or first."""
    rule_set = backend.describe_receipt_rule_set(rule_set_name)
    names = [rule["Name"] for rule in rule_set.rules]
    for name in (rule_name, after):
        if name is not None and name not in names:
            raise ServiceError(f"Rule does not exist: {name}", code="RuleDoesNotExist", status=400)
    moved = rule_set.rules.pop(names.index(rule_name))
    names.remove(rule_name)
    rule_set.rules.insert(names.index(after) + 1 if after else 0, moved)
    return {}


def verify_email_identity(backend: Any, *, email_address: str) -> dict[str, Any]:
    """Ask the owner of an address, again if it is known already; only v1 has an operation for that.

    https://docs.aws.amazon.com/ses/latest/APIReference/API_VerifyEmailIdentity.html
    """
    v2 = _v2(backend)
    known = v2.identities.get(fold(email_address))
    if known:
        v2.ask(known)
    else:
        v2.create_email_identity(email_identity=email_address)
    return {}


def send_email(
    backend: Any,
    *,
    source: str,
    destination: dict[str, list[str]],
    message: dict[str, Any],
    configuration_set_name: str = "",
    tags: list[dict[str, str]] | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Send a message of parts."""
    recipients = [each for addresses in destination.values() for each in addresses]
    named = [(tag["Name"], tag["Value"]) for tag in tags or ()]
    sent = _v2(backend).send(source, recipients, message["Subject"]["Data"], configuration_set_name, named)
    return {"MessageId": sent.message_id}


def send_raw_email(
    backend: Any,
    *,
    raw_message: dict[str, bytes],
    source: str = "",
    destinations: list[str] | None = None,
    configuration_set_name: str = "",
    tags: list[dict[str, str]] | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Send a whole message."""
    return _v2(backend).send_email(  # type: ignore[no-any-return]  # a member of the backend by its name
        content={"Raw": {"Data": raw_message["Data"]}},
        from_email_address=source,
        destination={"ToAddresses": destinations or []},
        configuration_set_name=configuration_set_name,
        email_tags=tags,
    )


def _v2(backend: Any) -> Any:
    """Our SES v2 of the same account and region; both versions send from the same identities."""
    from baseops.sandbox.services.sesv2.backend import SesV2Backend

    return SesV2Backend.of(backend.account_id, backend.region_name)


extend("ses", "SendEmail", send_email)
extend("ses", "SendRawEmail", send_raw_email)
extend("ses", "DeleteReceiptRule", delete_receipt_rule)
extend("ses", "SetReceiptRulePosition", set_receipt_rule_position)
extend("ses", "VerifyEmailIdentity", verify_email_identity)
