"""The top of a declaration as pydantic models: everything but the five areas, which bring their own.

Rules that need two keys at once are in `meaning.py`; what the values become is in `contract.site`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from baseops.contract.types import AreaName, DrillClass, Purpose
from baseops.fields import AccountId, KeyArn, Region, RoleReference


class _Part(BaseModel):
    # Descriptions stand in Field, not in attribute docstrings: those make pydantic parse this file once a class.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _form(pattern: str, words: str, flags: re.RegexFlag = re.ASCII) -> AfterValidator:
    """A validator of text that says in words what the pattern wants. AWS's names are ASCII; tags are not."""
    compiled = re.compile(pattern, flags)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {words}")
        return value

    return AfterValidator(check)


def _unique(values: Any) -> Any:  # Any: a list of whatever the field holds
    repeated = next((value for place, value in enumerate(values) if value in values[:place]), None)
    if repeated is not None:
        raise ValueError(f"{repeated!r} stands twice in the list; delete one of them")
    return values


_ARN = r"arn:aws[\w-]*"
_PATH = r"(?:[\w+=,.@-]+/)*[\w+=,.@-]+"

Name = Annotated[
    str, _form(r"[a-z][a-z0-9-]{1,19}", "2-20 lower-case letters, digits and hyphens, beginning with a letter")
]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#tagging-restrictions
TagKey = Annotated[
    str,
    _form(r"[\w .:/=+@-]{1,128}", "1-128 letters, digits, spaces and _ . : / = + - @", re.UNICODE),
    _form(r"(?!(?i:aws|baseops):).*", "a key that does not begin with aws: (AWS keeps it) or baseops: (ours)"),
]
TagValue = Annotated[
    str, _form(r"[\w .:/=+@-]{0,256}", "at most 256 letters, digits, spaces and _ . : / = + - @", re.UNICODE)
]
IamPath = Annotated[
    str, StringConstraints(max_length=512), _form(r"/(?:[\x21-\x2e\x30-\x7e]+/)*", "a path that begins and ends with /")
]
PolicyReference = Annotated[
    str,
    _form(rf"policy/{_PATH}|{_ARN}:iam::(?:\d{{12}}|aws):policy/{_PATH}", "policy/name or the ARN of an IAM policy"),
]
SubnetId = Annotated[str, _form(r"subnet-[0-9a-f]{3,17}", "a subnet id such as subnet-0a1b2c3d")]
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
Window = Annotated[
    str,
    _form(rf"(?:{_DAY}(?:[,-]{_DAY})* )?{_TIME}-{_TIME} UTC", 'a weekly window such as "Sun 02:00-05:00 UTC"'),
]


_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _in_order(value: str) -> str:
    try:
        first, last = (date.fromisoformat(each) for each in value.split("/"))
    except ValueError as error:
        raise ValueError(f"expected two dates: {error}") from error
    if last < first:
        raise ValueError("expected the first day before the last")
    return value


Freeze = Annotated[
    str,
    _form(rf"{_DATE}/{_DATE}", "the first and the last day such as 2026-12-20/2027-01-05"),
    AfterValidator(_in_order),
]


class Iam(_Part):
    """What the organisation asks of every IAM role that baseops makes."""

    path: IamPath = Field("/", description="The IAM path of every role.", examples=["/baseops/"])
    permissions_boundary: PolicyReference | None = Field(
        None,
        description="The boundary of every role: `policy/name` in the account, or an ARN.",
        examples=["policy/boundary"],
    )
    service_role: RoleReference | None = Field(
        None, description="The role that CloudFormation works with.", examples=["role/cloudformation"]
    )


class Network(_Part):
    """Where builds and drills may start instances."""

    build_subnet: SubnetId | None = Field(
        None, description="The subnet in which images are built.", examples=["subnet-0a1b2c3d"]
    )
    drill_subnet: SubnetId | None = Field(
        None,
        description="The subnet in which drills start instances; without it they are inconclusive.",
        examples=["subnet-0b2c3d4e"],
    )


class Notify(_Part):
    """One subscriber of the alert topics: exactly one of the keys."""

    email: Annotated[str, _form(r"[^\s@]+@[^\s@]+\.[^\s@]+", "a mail address")] | None = Field(
        None,
        description="A mail address; AWS sends it a link that somebody has to confirm.",
        examples=["ops@acme.example"],
    )
    sms: Annotated[str, _form(r"\+[1-9][0-9]{6,14}", "a telephone number such as +491701234567")] | None = Field(
        None, description="A telephone number in E.164 form.", examples=["+491701234567"]
    )
    https: Annotated[str, _form(r"https://[^\s/]+(?:/\S*)?", "a URL that begins with https://")] | None = Field(
        None,
        description="A URL that confirms the subscription and takes alerts.",
        examples=["https://alerts.acme.example/aws"],
    )
    sqs: (
        Annotated[str, _form(rf"{_ARN}:sqs:[a-z0-9-]+:\d{{12}}:[\w-]{{1,80}}", "the ARN of a standard SQS queue")]
        | None
    ) = Field(None, description="The ARN of a standard queue.", examples=["arn:aws:sqs:eu-west-1:111111111111:alerts"])
    lambda_: (
        Annotated[str, _form(rf"{_ARN}:lambda:[a-z0-9-]+:\d{{12}}:function:\S+", "the ARN of a Lambda function")] | None
    ) = Field(
        None,
        alias="lambda",
        description="The ARN of a function.",
        examples=["arn:aws:lambda:eu-west-1:111111111111:function:alerts"],
    )

    def subscribers(self) -> list[tuple[str, str]]:
        """The protocol, in Amazon SNS's word, and endpoint of each key that is there."""
        return [(name.rstrip("_"), value) for name, value in self if value is not None]


class Drills(_Part):
    """What drills may do."""

    allow: Annotated[tuple[DrillClass, ...], AfterValidator(_unique)] = Field(
        ("observe",),
        description="The classes that may run: observe reads only, exercise removes what it makes, disturb "
        "passes through what people or production depend on.",
        examples=[["observe", "exercise"]],
    )
    window: Window | None = Field(
        None, description="When drills may run that do more than read.", examples=["Sun 02:00-05:00 UTC"]
    )
    max_cost_usd: float = Field(2.0, ge=0, le=1000, description="What one run may cost.", examples=[2])
    freeze: tuple[Freeze, ...] = Field(
        (), description="Days on which no drill runs, first and last, in UTC.", examples=[["2026-12-20/2027-01-05"]]
    )


class Evidence(_Part):
    """How the results of drills are kept."""

    retention_days: int = Field(400, ge=1, le=36500, description="How long evidence is kept.", examples=[400])
    object_lock: bool = Field(
        False, description="Whether nobody may delete evidence earlier (Object Lock, GOVERNANCE).", examples=[True]
    )


class Top(_Part):
    """A baseops declaration: what an AWS account should have and promise."""

    version: Literal[1] = Field(description="The version of the declaration's format.", examples=[1])
    name: Name = Field(description="Names the stacks: they begin with baseops-NAME.", examples=["acme"])
    accounts: Annotated[tuple[AccountId, ...], Field(min_length=1), AfterValidator(_unique)] = Field(
        description="The account ids that this declaration is for; any other account is refused.",
        examples=[["111111111111"]],
    )
    region: Region = Field(description="The primary region.", examples=["eu-west-1"])
    regions: Annotated[tuple[Region, ...], AfterValidator(_unique)] = Field(
        (), description="Further regions, for copies.", examples=[["us-east-1"]]
    )
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=45)] = Field(
        {}, description="The tags of everything that baseops makes.", examples=[{"owner": "platform"}]
    )
    iam: Iam = Iam()
    network: Network = Network()
    notify: tuple[Notify, ...] = Field(
        (), description="Who is told of alarms.", examples=[[{"email": "ops@acme.example"}]]
    )
    drills: Drills = Drills()
    evidence: Evidence = Evidence()
    keys: dict[Purpose, KeyArn | dict[Region, KeyArn]] = Field(
        {},
        description="Existing KMS keys in place of ours: one ARN for the primary region, or an ARN by region.",
    )
    # The areas bring their own models; here their keys are only known by name. Any: they are checked there.
    images: Any = None
    backups: Any = None
    logs: Any = None
    secrets: Any = None
    email: Any = None
    account: dict[AreaName, Any] | None = Field(
        None, description="What is claimed for the whole account and region, by area.", examples=[{"images": {}}]
    )
