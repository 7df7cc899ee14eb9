"""Finds and replaces dynamic references, `{{resolve:service:reference}}`; the caller looks the values up.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baseops.semantics.templates.errors import TemplateError

# Any: properties are JSON of any shape.

_PATTERN = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


@dataclass(frozen=True)
class StoredParameter:
    """`ssm` or `ssm-secure`: a parameter's name and version ('' for the latest)."""

    name: str
    version: str = ""
    secure: bool = False


@dataclass(frozen=True)
class StoredSecret:
    """`secretsmanager`: a secret's name or ARN, the JSON key ('' for all of it), stage and version."""

    secret_id: str
    json_key: str = ""
    stage: str = ""
    version: str = ""


def contains(value: Any) -> bool:
    """Whether any string in the value holds a dynamic reference."""
    if isinstance(value, str):
        return bool(_PATTERN.search(value))
    if isinstance(value, Mapping):
        return any(contains(each) for each in value.values())
    return any(contains(each) for each in value) if isinstance(value, list) else False


def replaced(value: Any, look_up: Callable[[StoredParameter | StoredSecret], str]) -> Any:
    """The value with every dynamic reference replaced by what `look_up` says."""
    if isinstance(value, str):
        return _PATTERN.sub(lambda match: look_up(_read(match[1], match[2])), value)
    if isinstance(value, Mapping):
        return {key: replaced(each, look_up) for key, each in value.items()}
    return [replaced(each, look_up) for each in value] if isinstance(value, list) else value


def _read(service: str, reference: str) -> StoredParameter | StoredSecret:
    if service != "secretsmanager":
        name, _, version = reference.partition(":")
        return StoredParameter(name, version, secure=service == "ssm-secure")
    parts = reference.split(":")
    length = 7 if parts[0] == "arn" else 1
    secret_id, rest = ":".join(parts[:length]), parts[length:] + [""] * 4
    if len(parts) > length + 4 or rest[0] not in ("", "SecretString"):
        raise TemplateError(f"Incorrect format is used in the following dynamic reference: [{reference}]")
    return StoredSecret(secret_id, *rest[1:4])
