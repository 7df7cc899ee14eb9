"""What Secrets Manager makes and judges itself: random passwords, resource policies. It calls nothing."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import ServiceError
from baseops.sandbox.services.secretsmanager.secret import InvalidParameterError

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
KINDS = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}


class MalformedPolicyError(ServiceError):
    """A resource policy that is no policy."""

    code = "MalformedPolicyDocumentException"


class PublicPolicyError(ServiceError):
    """A resource policy that lets everybody in, where that was forbidden."""

    code = "PublicPolicyException"


def random_password(rules: Mapping[str, Any]) -> str:
    """A password by the rules of GetRandomPassword; the same for the same seed of the account."""
    length = int(rules.get("PasswordLength", 32))
    unwanted = set(rules.get("ExcludeCharacters", ""))
    kinds = [characters for rule, characters in KINDS.items() if not rules.get(rule)]
    kinds += [" "] if rules.get("IncludeSpace") else []
    kinds = ["".join(character for character in kind if character not in unwanted) for kind in kinds]
    kinds = [kind for kind in kinds if kind]
    if not kinds:
        raise InvalidParameterError("InvalidParameterException: The password generation rules exclude every character.")
    if rules.get("RequireEachIncludedType", True) and length < len(kinds):
        raise InvalidParameterError("Password length must be at least the number of required character types.")
    chosen = [mock_random.choice(kind) for kind in kinds] if rules.get("RequireEachIncludedType", True) else []
    chosen += [mock_random.choice("".join(kinds)) for _ in range(length - len(chosen))]
    mock_random.shuffle(chosen)
    return "".join(chosen)


def parsed_policy(text: str) -> dict[str, Any]:
    """A resource policy; raises `MalformedPolicyError` for what is none."""
    try:
        policy = json.loads(text)
        statements = list(statements_of(policy))
    except (ValueError, AttributeError, TypeError):
        raise MalformedPolicyError("This resource policy contains invalid Json.") from None
    if not statements or any(not each.get("Effect") or "Principal" not in each for each in statements):
        raise MalformedPolicyError("This resource policy contains a statement without Effect or Principal.")
    return dict(policy)


def statements_of(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statements of a policy, which may be one alone."""
    statements = policy.get("Statement", [])
    yield from [statements] if isinstance(statements, Mapping) else statements


def is_public(policy: Mapping[str, Any]) -> bool:
    """Whether a policy lets everybody in: allowed, any principal, no condition."""
    return any(
        each["Effect"] == "Allow" and each["Principal"] in ("*", {"AWS": "*"}) and not each.get("Condition")
        for each in statements_of(policy)
    )
