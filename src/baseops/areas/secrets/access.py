"""Who may read what: the least policies for readers, and the resource policy that refuses everybody else.

Policy documents are plain JSON whose texts may hold `${AWS::Partition}` and `${AWS::AccountId}`; `for_template`
makes `Fn::Sub` of them, `for_account` makes them literal. Nothing is attached or evaluated here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.semantics.roles import Role, at_home, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

Attach = Literal["inline", "policy", "print"]
KeyOf = Callable[[str], Json]
"""What stands for the secrets key of a region in a statement: an ARN, or a Ref to a parameter."""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: all inline policies of a role together,
# a managed policy; white space does not count.
MAX_SIZE: Mapping[str, int] = {"inline": 10_240, "policy": 6_144, "print": 10_240}


@dataclass(frozen=True)
class ReaderPolicy:
    """What one role may read, by all entries that attach it in the same way."""

    role: Role
    attach: Attach
    entries: tuple[str, ...]
    document: Mapping[str, Json]


def secret_arn(name: str, region: str) -> str:
    """The ARN of a secret of that name and of no other: six characters that Secrets Manager chooses follow it.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html#auth-and-access_examples_wildcard
    """
    return f"arn:${{AWS::Partition}}:secretsmanager:{region}:${{AWS::AccountId}}:secret:{name}-??????"


def parameter_arn(name: str, region: str) -> str:
    """The ARN of a parameter."""
    return f"arn:${{AWS::Partition}}:ssm:{region}:${{AWS::AccountId}}:parameter/{name.lstrip('/')}"


def any_key(region: str) -> Json:
    """A key ARN of the usual length, for sizes and for the policy's text before the keys exist."""
    return f"arn:${{AWS::Partition}}:kms:{region}:${{AWS::AccountId}}:key/00000000-0000-0000-0000-000000000000"


def reader_policies(section: Section, site: Site, key_of: KeyOf = any_key) -> list[ReaderPolicy]:
    """One policy for each reader and way to attach it, in the order of the declaration.

    Entries that are not managed give none. Policies for readers of other accounts are printed.
    """
    readers: dict[tuple[str, Attach], tuple[Role, list[str]]] = {}
    for name, entry in section.entries.items():
        for role in map(role_of, entry.readers if entry.managed else ()):
            # A role's name is its own in the whole account, whatever its path and however it is written.
            is_home = at_home(role, site.accounts)
            key = (role.name, entry.attach) if is_home else (role.arn, "print")
            readers.setdefault(key, (role, []))[1].append(name)
    return [
        ReaderPolicy(role, attach, tuple(names), _document(section, names, site, key_of))
        for (_, attach), (role, names) in readers.items()
    ]


def size(policy: ReaderPolicy) -> int:
    """How many characters IAM counts: those that are not white space, names filled in."""
    text = json.dumps(for_account(policy.document, "111111111111"), separators=(",", ":"))
    return len("".join(text.split()))


def _document(section: Section, names: Iterable[str], site: Site, key_of: KeyOf) -> dict[str, Json]:
    entries = [section.entries[name] for name in names]
    secrets = [entry for entry in entries if entry.secret]
    parameters = [entry for entry in entries if entry.parameter]
    statements = [*_read_secrets(secrets, site), *_read_parameters(parameters, site)]
    secure = [entry for entry in parameters if entry.kind == "SecureString"]
    for region in (site.region, *site.regions):
        statements += _decrypt(_held_in(secrets, region, site), region, key_of, _SECRETS)
        statements += _decrypt(_held_in(secure, region, site), region, key_of, _PARAMETERS)
    return {"Version": "2012-10-17", "Statement": cast("Json", statements)}


def _held_in(entries: list[Entry], region: str, site: Site) -> list[Entry]:
    return [entry for entry in entries if region == site.region or region in entry.replicas]


def _read_secrets(entries: list[Entry], site: Site) -> list[dict[str, Json]]:
    if not entries:
        return []
    arns = [secret_arn(entry.name, region) for entry in entries for region in (site.region, *entry.replicas)]
    return [
        {
            "Sid": "ReadSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": cast("Json", arns),
        },
        # It has no resource of its own and gives nothing without GetSecretValue on each secret.
        {
            "Sid": "ReadSecretsInBatches",
            "Effect": "Allow",
            "Action": "secretsmanager:BatchGetSecretValue",
            "Resource": "*",
        },
    ]


def _read_parameters(entries: list[Entry], site: Site) -> list[dict[str, Json]]:
    """GetParameter and GetParameters, and neither of the two other actions that give values.

    GetParametersByPath is authorised on the path and then gives all that is below, whatever is denied there;
    GetParameterHistory gives former values too.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    """
    if not entries:
        return []
    return [
        {
            "Sid": "ReadParameters",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
            "Resource": [parameter_arn(entry.name, site.region) for entry in entries],
        }
    ]


@dataclass(frozen=True)
class _Service:
    """How a service uses KMS in its caller's name: its endpoint, and what it puts into the encryption context."""

    name: str
    sid: str
    context: str
    operator: str
    arn: Callable[[str, str], str]


_SECRETS = _Service("secretsmanager", "DecryptSecrets", "SecretARN", "StringLike", secret_arn)
_PARAMETERS = _Service("ssm", "DecryptParameters", "PARAMETER_ARN", "StringEquals", parameter_arn)


def _decrypt(entries: list[Entry], region: str, key_of: KeyOf, service: _Service) -> list[dict[str, Json]]:
    by_key: dict[str, list[Entry]] = {}
    for entry in entries:
        own = entry.key if entry.key and entry.key.split(":")[3] == region else ""
        by_key.setdefault(own or "", []).append(entry)
    place = "".join(part.capitalize() for part in region.split("-"))
    return [
        {
            "Sid": f"{service.sid}{place}{number or ''}",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": own or key_of(region),
            "Condition": key_condition(service, region, [service.arn(entry.name, region) for entry in held]),
        }
        for number, (own, held) in enumerate(by_key.items())
    ]


def key_condition(service: _Service, region: str, arns: list[str]) -> Json:
    """The bounds of a permission on a key: through the service alone, for these secrets or parameters alone."""
    via: dict[str, Json] = {"kms:ViaService": f"{service.name}.{region}.amazonaws.com"}
    context: dict[str, Json] = {f"kms:EncryptionContext:{service.context}": cast("Json", arns)}
    if service.operator == "StringEquals":
        return {"StringEquals": {**via, **context}}
    return {"StringEquals": via, service.operator: context}


def rotation_statements(name: str, key: Json, region: str, secret: Json) -> list[dict[str, Json]]:
    """What a rotation function does to its secret and to no other; `secret` is its ARN.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
    """
    return [
        {
            "Sid": "RotateItsSecret",
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            "Resource": secret,
        },
        {
            "Sid": "MakePasswords",
            "Effect": "Allow",
            "Action": "secretsmanager:GetRandomPassword",
            "Resource": "*",
        },
        {
            "Sid": "UseTheKeyOfItsSecret",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key,
            "Condition": key_condition(_SECRETS, region, [secret_arn(name, region)]),
        },
    ]


def resource_policy(entry: Entry, extra: Iterable[Json] = ()) -> dict[str, Json]:
    """Refuses reading to everybody but readers, administrators, the account's root user and `extra` role ARNs.

    The root user stays in, so that the secret can always be repaired. Readers of other accounts are allowed here,
    as their own account's policies alone cannot do it.
    """
    roles = [role_of(reference) for reference in (*entry.readers, *entry.administrators)]
    root = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
    known: list[Json] = [*dict.fromkeys(role.arn for role in roles), *extra, root]
    statements: list[Json] = [
        {
            "Sid": "NobodyElseReads",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
            "Condition": {
                "ArnNotLike": {"aws:PrincipalArn": known},
                "Bool": {"aws:PrincipalIsAWSService": "false"},
            },
        }
    ]
    foreign = [role.arn for role in map(role_of, entry.readers) if role.account]
    if foreign:
        statements.append(
            {
                "Sid": "ReadersOfOtherAccounts",
                "Effect": "Allow",
                "Principal": {"AWS": cast("Json", foreign)},
                "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                "Resource": "*",
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def for_template(value: Json) -> Json:
    """The document with `Fn::Sub` around every text that names a pseudo parameter."""
    if isinstance(value, str):
        return {"Fn::Sub": value} if "${" in value else value
    if isinstance(value, Mapping):
        return value if set(value) == {"Fn::Sub"} else {key: for_template(item) for key, item in value.items()}
    return [for_template(item) for item in value] if isinstance(value, list) else value


def for_account(value: Json | Mapping[str, Json], account: str, partition: str = "aws") -> Json:
    """The document with the account and partition filled in."""
    if isinstance(value, str):
        return value.replace("${AWS::AccountId}", account).replace("${AWS::Partition}", partition)
    if isinstance(value, Mapping):
        return {key: for_account(item, account, partition) for key, item in value.items()}
    return [for_account(item, account, partition) for item in value] if isinstance(value, list) else value
