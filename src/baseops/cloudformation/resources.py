"""The one place that bends troposphere: types and properties that it lacks, and its dictionaries as JSON values.

troposphere checks property names and types of what it knows. What AWS has and troposphere has not yet goes
through `raw` and `lacking`; cfn-lint in the tests is the judge of those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar, cast

from troposphere import AWSObject, BaseAWSObject, Tags, encode_to_dict

from baseops.contract.types import Json

Made = TypeVar("Made", bound=BaseAWSObject)


def raw(resource_type: str, title: str, properties: Mapping[str, Any], *, taggable: bool = False) -> AWSObject:
    """A resource of a type that troposphere does not have; `properties` are taken as they are.

    `taggable` types have `Tags` as a list of Key and Value, and get the declared tags like any other.
    """
    name = resource_type.replace("::", "")
    props = {"Tags": (Tags, False)} if taggable else {}
    made = cast("type[AWSObject]", type(name, (AWSObject,), {"resource_type": resource_type, "props": props}))(title)
    made.properties.update(properties)
    return made


def lacking(made: Made, **properties: Any) -> Made:
    """Add properties that troposphere's class does not know to a resource or a property of one."""
    made.properties.update(properties)
    return made


def to_json(made: object) -> dict[str, Json]:
    """A troposphere object, helpers and nested properties included, as JSON values."""
    # An object gives plain values already; encode_to_dict would walk through all of them once more.
    plain = made.to_dict() if isinstance(made, BaseAWSObject) else encode_to_dict(made)
    return cast("dict[str, Json]", plain)


def to_list(tags: object) -> list[dict[str, Any]]:
    """A troposphere Tags object, a list of Key and Value, or None as a plain list."""
    return cast("list[dict[str, Any]]", encode_to_dict(tags) or [])


def logical_id(*words: str) -> str:
    """A logical id from names: `logical_id("too-many-errors", "Alarm")` is `TooManyErrorsAlarm`.

    Logical ids are alphanumeric. A name whose separators cannot be told from the result keeps a short hash,
    so that `a-1` and `a1` do not meet.
    """
    return "".join(_camel(word) for word in words)


def _camel(word: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", word))
    back = re.sub(r"(?<!^)(?=[A-Z])", "-", camel).lower()
    exact = back == word or camel == word
    return camel if exact else camel + sha256(word.encode()).hexdigest()[:4]
