"""What follows when an alarm changes its state: history, an event, actions unless muted or suppressed, composites.

A change that mute rules or a suppressor hold back is still an event, so EventBridge sees it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
"""

from __future__ import annotations

from typing import Any, cast

from baseops.sandbox.service import opened
from baseops.sandbox.services.cloudwatch import messages
from baseops.sandbox.services.cloudwatch.actions import act
from baseops.sandbox.services.cloudwatch.history import note
from baseops.sandbox.services.cloudwatch.mutes import active_for
from baseops.sandbox.services.cloudwatch.store import Alarm, store_of
from baseops.sandbox.services.events.bus import put_event
from baseops.semantics.alarms import State, alarm_name, parse_rule

# Any: moto's backend is untyped.

ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_COMPOSITE_SECONDS = 1.0
_MUTED_LOOK_SECONDS = 60.0


def change(backend: Any, alarm: Alarm, state: str, reason: str, reason_data: str | None = None) -> None:
    """Give the alarm a state with all that follows, where it is another one."""
    former = messages.Former(alarm.state, alarm.reason, alarm.reason_data, alarm.changed)
    alarm.state, alarm.reason, alarm.reason_data = state, reason, reason_data
    if state == former.state:
        return
    alarm.changed = opened().clock.now()
    summary = f"Alarm updated from {former.state} to {state}"
    note(backend, alarm, "StateUpdate", summary, messages.history_data(alarm, former))
    put_event(
        backend.account_id,
        backend.region_name,
        source="aws.cloudwatch",
        detail_type="CloudWatch Alarm State Change",
        detail=messages.event_detail(alarm, former),
        resources=[alarm.arn],
    )
    if alarm.settings.get("ActionsSuppressor"):
        _ask_suppressor(backend, alarm, former)
    else:
        act_unless_muted(backend, alarm, former)
    for each in _parents(backend, alarm):
        _look_soon(backend, each.name)


def act_unless_muted(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    """Take the actions of the alarm's state; a mute rule holds them back until it ends."""
    if not alarm.settings.get("ActionsEnabled", True):
        return
    rule = active_for(backend, alarm.name)
    if rule is None:
        for action in alarm.settings.get(ACTIONS[alarm.state]) or ():
            act(backend, alarm, former, action)
        return
    note(backend, alarm, "Action", "Alarm actions were muted", {"muteRule": rule.arn, "state": alarm.state})
    _later(backend, alarm, former, _MUTED_LOOK_SECONDS, lambda: act_unless_muted_still(backend, alarm, former))


def act_unless_muted_still(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    """Once the mute rule has ended, the actions of a state that lasts are taken after all."""
    if active_for(backend, alarm.name) is None:
        act_unless_muted(backend, alarm, former)
    else:
        _later(backend, alarm, former, _MUTED_LOOK_SECONDS, lambda: act_unless_muted_still(backend, alarm, former))


def evaluate_composite(backend: Any, name: str) -> None:
    """The state of a composite alarm from those of the alarms in its rule."""
    alarms = store_of(backend).alarms
    alarm = alarms.get(name)
    if alarm is None or alarm.type != "CompositeAlarm":
        return
    rule = parse_rule(str(alarm.settings["AlarmRule"]))
    states: dict[str, State] = {alarm_name(each): "INSUFFICIENT_DATA" for each in rule.names}
    states |= {each.name: cast("State", each.state) for each in alarms.values()}
    state = rule.state(states)
    if state != alarm.state:
        change(backend, alarm, state, f"{rule} is {'fulfilled' if state == 'ALARM' else 'not fulfilled'}")


def _ask_suppressor(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    """Wait for the suppressor to ring; act when it does not in time, or when it has stopped and its extension is over.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
    """
    waits = float(alarm.settings.get("ActionsSuppressorWaitPeriod") or 0)
    if _is_suppressed(backend, alarm):
        _suppressed(backend, alarm, former)
    elif waits:
        _later(backend, alarm, former, waits, lambda: _after_wait(backend, alarm, former))
    else:
        act_unless_muted(backend, alarm, former)


def _after_wait(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    if _is_suppressed(backend, alarm):
        _suppressed(backend, alarm, former)
    else:
        act_unless_muted(backend, alarm, former)


def _suppressed(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    suppressor = str(alarm.settings["ActionsSuppressor"])
    note(backend, alarm, "Action", "Alarm actions were suppressed", {"actionsSuppressor": suppressor})
    _look_at_suppressor(backend, alarm, former)


def _look_at_suppressor(backend: Any, alarm: Alarm, former: messages.Former) -> None:
    if _is_suppressed(backend, alarm):
        again = _MUTED_LOOK_SECONDS
        _later(backend, alarm, former, again, lambda: _look_at_suppressor(backend, alarm, former))
        return
    extension = float(alarm.settings.get("ActionsSuppressorExtensionPeriod") or 0)
    _later(backend, alarm, former, extension, lambda: _after_wait(backend, alarm, former))


def _is_suppressed(backend: Any, alarm: Alarm) -> bool:
    suppressor = store_of(backend).alarms.get(alarm_name(str(alarm.settings["ActionsSuppressor"])))
    return suppressor is not None and suppressor.state == "ALARM"


def _later(backend: Any, alarm: Alarm, former: messages.Former, seconds: float, then: Any) -> None:
    """Do it later, if the alarm is still there and in this very state."""
    since = alarm.changed

    def go_on() -> None:
        if store_of(backend).alarms.get(alarm.name) is alarm and alarm.changed == since:
            then()

    opened().clock.ticker.after(seconds, go_on, f"actions of {alarm.name} since {former.state}")


def _parents(backend: Any, alarm: Alarm) -> list[Alarm]:
    return [
        each
        for each in store_of(backend).alarms.values()
        if each.type == "CompositeAlarm"
        and alarm.name in map(alarm_name, parse_rule(str(each.settings["AlarmRule"])).names)
    ]


def _look_soon(backend: Any, name: str) -> None:
    opened().clock.ticker.after(_COMPOSITE_SECONDS, lambda: evaluate_composite(backend, name), f"alarm {name}")
