"""Carries values between a template's words and an API's: cases, types and policy documents.

CloudFormation says `LogGroupName: "14"` where an API says `logGroupName: 14`; both follow the operation's model,
so the model decides. It never calls a service except for the one operation that `call` names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from baseops.sandbox.kinds.kind import HandlerError, Props

# Any throughout: values are JSON of whatever shape the API's model says, and botocore's classes exist at run time.


def call(client: Any, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation with template values, cast to the operation's input model; None values are left out.

    A key that the model lacks is refused as CloudFormation's handlers do.
    """
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    given = {name: value for name, value in values.items() if value is not None}
    answer: dict[str, Any] = getattr(client, operation)(**fit(model.input_shape, given))
    return answer


def fit(shape: Any, value: Any) -> Any:
    """A template value as the botocore shape wants it."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, value)
    if kind == "list":
        return [fit(shape.member, each) for each in value]
    if kind == "map":
        return {str(key): fit(shape.value, each) for key, each in value.items()}
    return _scalar(kind, value)


def _structure(shape: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    names = {member.lower(): member for member in shape.members}
    fitted = {}
    for key, each in value.items():
        member = names.get(key.lower())
        if member is None:
            raise HandlerError(f"#: extraneous key [{key}] is not permitted")
        fitted[member] = fit(shape.members[member], each)
    return fitted


def _scalar(kind: str, value: Any) -> Any:
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return as_bool(value)
    if kind == "string":
        return as_text(value)
    return value


def as_bool(value: Any) -> bool:
    """A template's true or "true"."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def as_text(value: Any) -> str:
    """A template's scalar as an API's string; a document becomes JSON, as policies travel."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (Mapping, list)) else str(value)


def document(value: Any) -> Any:
    """A policy as the API returned it (text or parsed), parsed."""
    return json.loads(value) if isinstance(value, str) else value


def pascal(value: Any) -> Any:
    """An API's answer with every key's first letter in upper case, as templates write it."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: pascal(each) for key, each in value.items()}
    return [pascal(each) for each in value] if isinstance(value, list) else value


def only(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named ones that are there."""
    return {name: values[name] for name in names if name in values}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags of a map as a template's list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A list of tags (`Key`/`Value`, `TagKey`/`TagValue` or lower case) as a map."""
    pairs = ({key.lower().removeprefix("tag"): each for key, each in tag.items()} for tag in tags)
    return {str(pair["key"]): str(pair["value"]) for pair in pairs}


def tag_changes(old: Props, new: Props, name: str = "Tags") -> tuple[dict[str, str], list[str]]:
    """What to tag and which keys to untag, between two property sets with tags as a list or a map."""
    before, after = (_tags(props.get(name)) for props in (old, new))
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, [key for key in before if key not in after]


def _tags(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(key): as_text(each) for key, each in value.items()}
    return {str(tag["Key"]): as_text(tag["Value"]) for tag in value or ()}
