"""What a target gets of an event: the whole, a part, a constant, or a template with parts put in.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# Any: events are JSON.

_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACE = re.compile(r"<([\w.-]+)>")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[\w.-]+>|[^"<]+|.', re.DOTALL)


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    """The text that the target gets."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(selected(event, target["InputPath"]))
    if target.get("InputTransformer"):
        return _transformed(target["InputTransformer"], event, rule_arn)
    return json.dumps(event)


def selected(event: Any, path: str) -> Any:
    """What a path such as `$.detail.state.value` selects; None where there is nothing."""
    found = event
    for name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if index:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        else:
            found = found.get(name or quoted) if isinstance(found, Mapping) else None
    return found


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    values: dict[str, Any] = {
        name: selected(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.json": event,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.ingestion-time": event["time"],
    }
    return "".join(_filled(token, values) for token in _TOKEN.findall(transformer["InputTemplate"]))


def _filled(token: str, values: Mapping[str, Any]) -> str:
    """Within quotes a text stands bare; outside it gets its own."""
    if token.startswith('"') and len(token) > 1:
        return _PLACE.sub(lambda found: _within(found, values), token)
    name = token[1:-1]
    return json.dumps(values[name]) if token.startswith("<") and name in values else token


def _within(found: re.Match[str], values: Mapping[str, Any]) -> str:
    if found[1] not in values:
        return found[0]
    value = values[found[1]]
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
