"""When a secret is rotated next, by the rules of its rotation schedule (UTC). Pure.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox.services.secretsmanager.secret import InvalidParameterError
from baseops.semantics.schedules import parse_cron

_SHORTEST = timedelta(hours=4)
_RATE = re.compile(r"rate\((\d+) (hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((.+)\)")
_DAY = timedelta(days=1)


def check_rules(rules: Mapping[str, Any]) -> None:
    """Refuse rules in AWS's words."""
    if "AutomaticallyAfterDays" in rules and "ScheduleExpression" in rules:
        raise InvalidParameterError("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
    if "ScheduleExpression" not in rules:
        return
    expression = rules["ScheduleExpression"]
    try:
        interval = _interval(expression)
        if interval is None:
            parse_cron(_cron(expression))
        elif interval < _SHORTEST:
            raise InvalidParameterError("The rotation interval must be at least 4 hours.")
    except ValueError as error:
        raise InvalidParameterError(f"Invalid ScheduleExpression: {expression} ({error})") from error


def window(rules: Mapping[str, Any], after: datetime) -> tuple[datetime, datetime]:
    """The next window that begins after a time: its beginning and its end."""
    expression = rules.get("ScheduleExpression") or f"rate({rules.get('AutomaticallyAfterDays', 30)} days)"
    interval = _interval(expression)
    if interval is None:
        begin = next(parse_cron(_cron(expression)).after(after))
    elif interval % _DAY:
        begin = after + interval
    else:
        begin = _midnight(after + interval)
    hours = re.fullmatch(r"(\d+)h", rules.get("Duration", ""))
    if hours:
        return begin, begin + timedelta(hours=int(hours[1]))
    by_the_hour = interval is not None and interval % _DAY
    return begin, begin + timedelta(hours=1) if by_the_hour else _midnight(begin + _DAY)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _interval(expression: str) -> timedelta | None:
    found = _RATE.fullmatch(expression)
    if not found:
        return None
    return timedelta(**{found[2] if found[2].endswith("s") else f"{found[2]}s": int(found[1])})


def _cron(expression: str) -> str:
    found = _CRON.fullmatch(expression)
    if not found:
        raise ValueError("neither rate(…) nor cron(…)")
    return found[1]
