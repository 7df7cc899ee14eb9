"""When things were created, in the several ways in which AWS says it; and the kinds of which it says nothing.

A sweep compares the age of every other kind with the journal. Of these it can only compare mark, creator and name;
the mark is of one journal entry, and the name that of one run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_SNS = "https://docs.aws.amazon.com/sns/latest/api"
AGELESS = {
    "AWS::EC2::SecurityGroup": f"{_EC2}/API_SecurityGroup.html",
    "AWS::Events::Rule": "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html",
    "AWS::SES::ConfigurationSet": (
        "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html"
    ),
    "AWS::SNS::Subscription": f"{_SNS}/API_GetSubscriptionAttributes.html",
    "AWS::SNS::Topic": f"{_SNS}/API_GetTopicAttributes.html",
}
"""The kinds that have no creation time, each with the page of the call that says everything else of it."""

_FIRST_MILLISECONDS = 1e11
"""As seconds it would be the year 5138, as milliseconds it is 1973."""


def moment(told: Any) -> datetime | None:
    """The time that an answer means: a datetime, seconds or milliseconds since 1970 (also as text), ISO 8601.

    None for what is none of these. Any: botocore's answers.
    """
    if isinstance(told, datetime):
        return told.astimezone(UTC)
    try:
        number = float(told)
        return datetime.fromtimestamp(number / 1000 if number >= _FIRST_MILLISECONDS else number, UTC)
    except (OverflowError, TypeError, ValueError):
        return _written(told)


def _written(told: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        return None
    # Without a zone it could be anybody's noon.
    return found.astimezone(UTC) if found.tzinfo else None
