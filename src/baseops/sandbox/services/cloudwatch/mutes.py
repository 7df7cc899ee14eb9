"""Alarm mute rules: stored, listed by alarm and status. An active one mutes actions; transitions go on.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.cloudwatch.store import MuteRule, store_of
from baseops.semantics.schedules import parse_cron
from baseops.semantics.schedules.cron import zone_of

# Any: moto's backend is untyped, members have AWS's shapes.

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


def put_alarm_mute_rule(backend: Any, **_: Any) -> Members:
    """Make or overwrite a mute rule."""
    given, call = dict(calling().parameters), calling()
    schedule = given["Rule"]["Schedule"]
    _length(schedule["Duration"])
    name = given["Name"]
    arn = f"arn:aws:cloudwatch:{call.region}:{call.account_id}:alarm-mute-rule:{name}"
    tags = {tag["Key"]: tag["Value"] for tag in given.pop("Tags", None) or ()}
    store_of(backend).mutes[name] = MuteRule(arn, given, opened().clock.now(), tags)
    return {}


def get_alarm_mute_rule(backend: Any, alarm_mute_rule_name: str) -> Members:
    """One mute rule and whether it is active now."""
    rule = _rule(backend, alarm_mute_rule_name)
    return {**rule.settings, **_shown(rule)}


def list_alarm_mute_rules(
    backend: Any,
    alarm_name: str | None = None,
    statuses: list[str] | None = None,
    max_records: int = 50,
    next_token: str | None = None,
) -> Members:
    """The mute rules of an alarm, or all; in pages."""
    found = [
        _shown(rule)
        for _, rule in sorted(store_of(backend).mutes.items())
        if alarm_name is None or alarm_name in rule.settings.get("MuteTargets", {}).get("AlarmNames", ())
    ]
    found = [each for each in found if not statuses or each["Status"] in statuses]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_records)} if start + max_records < len(found) else {}
    return {"AlarmMuteRuleSummaries": found[start : start + max_records], **more}


def delete_alarm_mute_rule(backend: Any, alarm_mute_rule_name: str) -> Members:
    """Delete a mute rule; one that is gone already is no error."""
    store_of(backend).mutes.pop(alarm_mute_rule_name, None)
    return {}


def active_for(backend: Any, alarm_name: str) -> MuteRule | None:
    """The first rule that mutes the alarm now."""
    now = opened().clock.now()
    for _, rule in sorted(store_of(backend).mutes.items()):
        named = (rule.settings.get("MuteTargets") or {}).get("AlarmNames", ())
        if alarm_name in named and _status(rule, now) == "ACTIVE":
            return rule
    return None


def _rule(backend: Any, name: str) -> MuteRule:
    found = store_of(backend).mutes.get(name)
    if found is None:
        raise ServiceError(f"Alarm mute rule {name} does not exist", code="ResourceNotFoundException", status=404)
    return found


def _shown(rule: MuteRule) -> dict[str, Any]:
    expiry = {"ExpireDate": rule.settings["ExpireDate"]} if rule.settings.get("ExpireDate") else {}
    return {
        **expiry,
        "AlarmMuteRuleArn": rule.arn,
        "LastUpdatedTimestamp": rule.updated,
        "MuteType": "Scheduled",
        "Status": _status(rule, opened().clock.now()),
    }


def _status(rule: MuteRule, now: datetime) -> str:
    ends = rule.settings.get("ExpireDate")
    if ends is not None and _aware(ends) <= now:
        return "EXPIRED"
    starts = rule.settings.get("StartDate")
    if starts is not None and _aware(starts) > now:
        return "SCHEDULED"
    schedule = rule.settings["Rule"]["Schedule"]
    length = _length(schedule["Duration"])
    return "ACTIVE" if _began_within(schedule, now, length) else "SCHEDULED"


def _began_within(schedule: Mapping[str, str], now: datetime, length: timedelta) -> bool:
    expression, zone = schedule["Expression"], schedule.get("Timezone", "UTC")
    inner = expression.partition("(")[2].rstrip(")")
    if expression.startswith("at("):
        began = datetime.fromisoformat(inner).replace(tzinfo=zone_of(zone))
        return now - length < began <= now
    cron = parse_cron(_six_fields(inner), zone)
    return any(True for _ in cron.occurrences(now - length + timedelta(minutes=1), now + timedelta(minutes=1)))


def _six_fields(five: str) -> str:
    """A mute rule's cron has no year and lets both kinds of days be `*`."""
    minute, hour, day, month, weekday = five.split()[:5]
    if weekday == "*":
        weekday = "?"
    elif day == "*":
        day = "?"
    return f"{minute} {hour} {day} {month} {weekday} *"


def _length(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ServiceError(f"Duration {text} is not an ISO 8601 duration", code="ValidationError", status=400)
    days, hours, minutes = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


extend("cloudwatch", "DeleteAlarmMuteRule", delete_alarm_mute_rule)
extend("cloudwatch", "GetAlarmMuteRule", get_alarm_mute_rule)
extend("cloudwatch", "ListAlarmMuteRules", list_alarm_mute_rules)
extend("cloudwatch", "PutAlarmMuteRule", put_alarm_mute_rule)
