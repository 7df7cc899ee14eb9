"""What moto lacks of Amazon SES v1: receipt rules that are removed and moved.

https://docs.aws.amazon.com/ses/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import ServiceError, extend

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


extend("ses", "DeleteReceiptRule", delete_receipt_rule)
extend("ses", "SetReceiptRulePosition", set_receipt_rule_position)
