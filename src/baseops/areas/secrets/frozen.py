"""What must stay as it was first applied: how a secret was generated.

CloudFormation replaces the live value when `GenerateSecretString` changes
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html), and
the application is locked out. So the lock remembers a fingerprint from the first compile on, and another one is
refused. A fingerprint is made of the declared rules, never of a value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.contract.lock import Lock
from baseops.contract.types import Json
from baseops.errors import CompileError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Generate, Section


def generation(generate: Generate) -> dict[str, Json]:
    """`GenerateSecretString`, as CloudFormation writes it; what is not declared is left to its defaults."""
    written: dict[str, Json] = {"PasswordLength": generate.length}
    flags = {
        "ExcludeLowercase": generate.exclude_lowercase,
        "ExcludeNumbers": generate.exclude_numbers,
        "ExcludePunctuation": generate.exclude_punctuation,
        "ExcludeUppercase": generate.exclude_uppercase,
        "IncludeSpace": generate.include_space,
    }
    written |= {name: True for name, value in flags.items() if value}
    if not generate.require_each_included_type:
        written["RequireEachIncludedType"] = False
    if generate.exclude_characters:
        written["ExcludeCharacters"] = generate.exclude_characters
    if generate.template is not None and generate.key is not None:
        written["SecretStringTemplate"] = json.dumps(generate.template, sort_keys=True)
        written["GenerateStringKey"] = generate.key
    return written


def password_rules(generate: Generate) -> dict[str, Json]:
    """The same rules as parameters of GetRandomPassword, for the passwords that a rotation makes."""
    own = ("SecretStringTemplate", "GenerateStringKey")
    return {name: value for name, value in generation(generate).items() if name not in own}


def fingerprint(entry: Entry) -> str:
    """A short hash of how the secret is generated, or `by hand`."""
    if entry.generate is None:
        return "by hand"
    text = json.dumps(generation(entry.generate), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprints(section: Section) -> Mapping[str, str]:
    """The fingerprints of all secrets that baseops makes, under `secrets/NAME`."""
    return {
        f"secrets/{entry.name}": fingerprint(entry)
        for entry in section.entries.values()
        if entry.secret and entry.managed
    }


def refuse_changes(name: str, entry: Entry, lock: Lock) -> None:
    """Raise `CompileError` when the secret was first applied with another `generate`."""
    key = f"secrets/{entry.name}"
    if lock.frozen.get(key, fingerprint(entry)) == fingerprint(entry):
        return
    raise CompileError(
        f"secrets.{name}.generate: the rules are not those that {entry.name} was made with",
        "CloudFormation would replace the live value, and whoever uses it would be locked out",
        f"Write `generate` as it was; a new value is put with: baseops secrets put {entry.name} --overwrite. To have "
        f"the value replaced all the same, take the line {key} out of `frozen` in baseops.lock.",
    )
