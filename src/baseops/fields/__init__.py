"""Field types that the areas' declarations share: names, durations, regions, account ids, role references.

Pydantic types only: they check one value and say in plain words what to write instead.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from baseops.semantics.schedules import parse_cron


class Strict(BaseModel):
    """What every model of the declaration is: unknown keys are refused, values do not change.

    A docstring under a field describes it in the JSON schema, which reads it from the source. pydantic's own
    `use_attribute_docstrings` would do so at every start, for a quarter of the models' time.
    `defer_build`: a model that only ever stands inside another needs no validator of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class AreaSection(Strict):
    """What every area's `Section` is: entries by name, and beside them what is claimed for the whole account.

    A subclass types both; every key but `account` is an entry, and errors carry the entry's name as it is written::

        class Section(AreaSection):
            __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
            account: AccountClaims = AccountClaims()

            @property
            def entries(self) -> dict[str, Entry]:
                return self.__pydantic_extra__
    """

    model_config = ConfigDict(extra="allow")


_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def _duration(value: Any) -> timedelta:  # Any: whatever stood in the YAML file
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d{1,6})([mhdw])", value) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError(f"expected a duration such as 15m, 30h, 8d or 4w, got {value!r}")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def print_duration(value: timedelta) -> str:
    """The shortest text that parses to the same duration: 30 hours are `30h`, 48 hours `2d`."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit in ("w", "d", "h", "m") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(print_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[mhdw]$", "examples": ["15m", "30h", "8d", "4w"]}),
]
"""A length of time: minutes, hours, days or weeks."""


def _days(value: timedelta) -> timedelta:
    if value % timedelta(days=1):
        raise ValueError(f"expected whole days such as 7d or 4w, got {print_duration(value)}")
    return value


Days = Annotated[Duration, AfterValidator(_days)]
"""A length of time that AWS counts in whole days."""


def matching(pattern: str, words: str) -> Any:
    """A validator for `Annotated[str, …]` that refuses other texts: "expected {words}, got …".

    AWS's names are ASCII: digits and letters of other scripts match nothing.
    """

    def check(value: Any) -> Any:  # Any: whatever stood in the YAML file
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"expected {words}, got {value!r}")
        return value

    return BeforeValidator(check)


EntryName = Annotated[
    str,
    matching(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", "a name of 1-40 lower-case letters, digits and hyphens"),
    StringConstraints(max_length=40),
]
"""The name of a declared entry or of something in it."""

AccountId = Annotated[str, matching(r"\d{12}", 'a quoted 12-digit account id such as "111111111111"')]
Region = Annotated[str, matching(r"[a-z]{2,4}(?:-[a-z]+)+-\d", "a region such as eu-west-1")]
RoleReference = Annotated[
    str,
    matching(
        r"role/[\w+=,.@/-]{1,576}|arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}",
        "a role such as role/web or its ARN",
    ),
]
"""An IAM role of this account as `role/path/name`, or the ARN of any."""


def _cron(value: Any) -> Any:  # Any: whatever stood in the YAML file
    if not isinstance(value, str):
        # pydantic turns a ValueError into a problem, a TypeError into a traceback.
        raise ValueError(f'expected a cron expression such as "0 3 ? * SUN *", got {value!r}')  # noqa: TRY004
    parse_cron(value)
    return value.removeprefix("cron(").removesuffix(")")


Cron = Annotated[str, BeforeValidator(_cron)]
"""The six fields of an EventBridge cron expression: minutes, hours, day, month, weekday, year."""

KeyArn = Annotated[
    str,
    matching(
        r"arn:aws[\w-]*:kms:[a-z]{2,4}(?:-[a-z]+)+-\d:\d{12}:key/[\w-]{1,128}",
        "the ARN of a KMS key (not of an alias) such as arn:aws:kms:eu-west-1:111111111111:key/1234abcd-…",
    ),
]

TagKey = Annotated[
    str,
    matching(r"(?!aws:)[^\x00-\x1f]{1,128}", "a tag key of 1-128 characters that does not begin with aws:"),
]
TagValue = Annotated[
    str,
    matching(r"[^\x00-\x1f]{0,256}", "a quoted tag value of at most 256 characters"),
]
TagMap = dict[TagKey, TagValue]
"""Tags by key. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
