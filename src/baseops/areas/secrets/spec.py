"""The declaration of secrets and parameters, and what can be said against one without asking AWS.

Pydantic models of the section, then `check`: cross-references, AWS limits and traps. It never reads an account and
never keeps a secret's value: a value that looks like one is refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from baseops.areas.secrets import checks
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import AreaSection, Cron, Duration, EntryName, KeyArn, Region, RoleReference, Strict

_LAMBDA_ARN = r"arn:aws[\w-]*:lambda:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:function:[\w-]{1,64}(?::[\w$-]{1,128})?"


def _secret_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", name):
        raise ValueError(f"expected a secret name of 1-512 letters, digits and /_+=.@-, got {name!r}")
    if re.search(r"-[A-Za-z0-9]{6}$", name):
        raise ValueError(
            f"{name!r} ends in a hyphen and six characters, as the ARNs of secrets do: Secrets Manager may then take "
            f"the name for part of an ARN; write another ending, such as {name + '-value'!r}"
        )
    return name


def _parameter_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_./-]{1,900}", name) or "//" in name or name.endswith("/"):
        raise ValueError(f"expected a parameter name of letters, digits, _ . - and / between levels, got {name!r}")
    if "/" in name and not name.startswith("/"):
        raise ValueError(f"the name of a parameter in a hierarchy begins with a slash: write /{name}")
    if re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
        raise ValueError(f"parameter names that begin with aws or ssm are AWS's own: {name!r} needs another beginning")
    if name.count("/") > 15:
        raise ValueError(f"a parameter has at most 15 levels, {name!r} has {name.count('/')}")
    return name


def _function(value: Any) -> Any:  # Any: whatever stood in the YAML file
    if value == POSTGRES_SINGLE_USER or (isinstance(value, str) and re.fullmatch(_LAMBDA_ARN, value)):
        return value
    raise ValueError(f"expected {POSTGRES_SINGLE_USER} or the ARN of a Lambda function, got {value!r}")


def _value(value: Any) -> Any:  # Any: whatever stood in the YAML file
    if isinstance(value, list) and value and all(isinstance(item, str) and item and "," not in item for item in value):
        return ",".join(value)
    if isinstance(value, str) and value:
        return value
    written = str(value).lower() if isinstance(value, bool) else str(value)
    example = f', such as "{written}"' if isinstance(value, (bool, int, float)) else ""
    raise ValueError(f"expected text in quotes{example} (a StringList also takes a list of texts without commas)")


def _id(prefix: str) -> Any:  # Any: a pydantic annotation
    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(prefix + r"-[0-9a-f]{3,17}", value):
            raise ValueError(f"expected an id such as {prefix}-0a1b2c3d, got {value!r}")
        return value

    return BeforeValidator(check)


SecretName = Annotated[str, AfterValidator(_secret_name)]
ParameterName = Annotated[str, AfterValidator(_parameter_name)]
RotationFunction = Annotated[str, BeforeValidator(_function)]
ParameterValue = Annotated[
    str,
    BeforeValidator(_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[^,]+$"}},
            ]
        }
    ),
]
SubnetId = Annotated[str, _id("subnet")]
SecurityGroupId = Annotated[str, _id("sg")]


class Generate(Strict):
    """How Secrets Manager makes the first value; it is never in a template, and frozen once it was applied.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
    """

    length: int = Field(default=32, ge=1, le=4096, description="How many characters the password has.")
    exclude_characters: str = Field(
        default="", max_length=4096, description='Characters that must not occur in it, such as `"@/\\\\`.'
    )
    exclude_punctuation: bool = False
    exclude_lowercase: bool = False
    exclude_uppercase: bool = False
    exclude_numbers: bool = False
    include_space: bool = False
    require_each_included_type: bool = Field(
        default=True, description="At least one character of each kind that is not excluded."
    )
    template: dict[str, str | int] | None = Field(
        default=None,
        description="The other members of a JSON secret, such as `{username: app, host: db.internal}`; no password.",
    )
    key: str | None = Field(
        default=None, min_length=1, description="The member of the JSON secret that holds the password."
    )


class RotationNetwork(Strict):
    """Where the rotation function runs, so that it reaches the database and Secrets Manager."""

    subnets: list[SubnetId] = Field(min_length=1, max_length=16)
    security_groups: list[SecurityGroupId] = Field(min_length=1, max_length=5)


class Canary(Strict):
    """A secret that nobody uses, with its own copy of the rotation's function: drills rotate it, never the live one.

    Without a `username` what needs the database (setSecret, testSecret) is not exercised, and the drill says so.
    """

    username: str | None = Field(
        default=None,
        min_length=1,
        description="A user of the same database that only the drill uses. Once after apply, give it the generated "
        "password of the secret that is named like the live one with `/canary` at its end.",
    )


class Rotation(Strict):
    """When and by which function the value is replaced, in the service that checks it as well as in the secret."""

    function: RotationFunction | None = Field(
        default=None,
        description="`postgres-single-user` (ships with baseops) or the ARN of a Lambda function of yours.",
    )
    every: Duration | None = Field(default=None, description="How often: from `4h` to `1000d`, in whole hours or days.")
    cron: Cron | None = Field(default=None, description="Or when, in UTC: a cron expression of six fields.")
    window: Duration | None = Field(
        default=None, description="How long after its time a rotation may begin, in whole hours."
    )
    network: RotationNetwork | None = None
    ca_certificates: str | None = Field(
        default=None,
        min_length=1,
        description="A PEM file beside the declaration with the authorities that sign the database's certificate "
        "(for RDS its bundle); without one, those of the Lambda runtime.",
    )
    canary: Canary | None = Field(
        default=None, description="What `prove --class exercise` rotates; `canary: {}` where no user can be spared."
    )


class Instances(Strict):
    """Managed instances by tags, on one of which a command tries to read the value and gives its version alone."""

    reader: dict[str, str] = Field(
        min_length=1, description="Tags of instances that have a reader's role: one of them must get the value."
    )
    stranger: dict[str, str] = Field(
        min_length=1, description="Tags of instances with another role: one of them must be refused."
    )


class Promise(Strict):
    """What `prove` holds the secret to, besides that its readers can read it and nobody else can."""

    max_age: Duration | None = Field(default=None, description="The current value is at most this old.")


class Entry(Strict):
    """One secret in Secrets Manager (`secret`) or one parameter in Parameter Store (`parameter`)."""

    secret: SecretName | None = Field(default=None, description="The name of a secret.")
    parameter: ParameterName | None = Field(
        default=None, description="The name of a parameter; in a hierarchy it begins with a slash."
    )
    type: Literal["SecureString", "String", "StringList"] | None = Field(
        default=None,
        description="Of a parameter. A `SecureString` is unset until `baseops secrets put` is given its value.",
    )
    value: ParameterValue | None = Field(
        default=None, description="Of a `String` or `StringList` parameter: configuration, never a secret."
    )
    description: str | None = Field(default=None, max_length=1024)
    generate: Generate | None = Field(
        default=None, description="Without it the secret is empty until `baseops secrets put` is given its value."
    )
    readers: list[RoleReference] = Field(default=[], description="Roles that read the value at run time.")
    administrators: list[RoleReference] = Field(
        default=[],
        description="Roles that may read and change the value by permissions of their own; they get nothing from here.",
    )
    attach: Literal["inline", "policy", "print"] = Field(
        default="inline",
        description="How readers get their permission: an inline policy on the role, a managed policy that you attach, "
        "or nothing but the text of the policy, printed by `baseops rehearse`.",
    )
    rotation: Rotation | None = None
    resource_policy: bool = Field(
        default=False,
        description="Refuse reading to everybody but readers and administrators, whatever their own policies say.",
    )
    replicas: list[Region] = Field(
        default=[], description="Regions (of the declaration's `regions`) that get a copy of the secret."
    )
    key: KeyArn | None = Field(default=None, description="A KMS key in place of the declaration's own for secrets.")
    tier: Literal["Standard", "Advanced", "Intelligent-Tiering"] | None = Field(
        default=None, description="Of a parameter; a way from `Advanced` back to `Standard` does not exist."
    )
    instances: Instances | None = Field(
        default=None,
        description="Where `prove --class disturb` reads the value: `{reader: {Role: web}, stranger: {Role: batch}}`.",
    )
    promise: Promise = Promise()
    managed: bool = Field(
        default=True, description="False: somebody else made it, baseops only holds it to its promises."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.secret is None) == (self.parameter is None):
            raise ValueError("write either `secret:` with a name in Secrets Manager or `parameter:` with one in SSM")
        return self

    @property
    def name(self) -> str:
        """The name in AWS."""
        return self.secret or self.parameter or ""

    @property
    def kind(self) -> Literal["SecureString", "String", "StringList"]:
        """The type of a parameter; secure unless another is declared."""
        return self.type or "SecureString"

    @property
    def is_put_by_hand(self) -> bool:
        """Whether the value comes from `baseops secrets put` and from nowhere else."""
        return self.generate is None if self.secret else self.kind == "SecureString"


class AccountClaims(Strict):
    """Nothing of the whole account belongs to secrets."""


class Section(AreaSection):
    """The `secrets` of a declaration, by entry name."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()

    @property
    def entries(self) -> dict[str, Entry]:
        """The declared secrets and parameters."""
        return self.__pydantic_extra__


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps that the schema cannot say."""
    return checks.check(section, site)
