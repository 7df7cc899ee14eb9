"""Divides the resources of one stack into templates within CloudFormation's limits, so that nothing ever moves.

A template holds at most 500 resources and 1,000,000 bytes
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html). Units (the resources
of one declared entry) stay whole. New units fill a part only to a softer limit, which leaves room for old ones to
grow where they are. A reference between parts becomes an output and a parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from baseops.contract.types import Json
from baseops.errors import CompileError

MAX_RESOURCES = 500
MAX_BYTES = 1_000_000
MAX_LINKS = 200
SOFT_RESOURCES = 400
SOFT_BYTES = 750_000


@dataclass
class Part:
    """One template in the making. `from_parts` says which parameters come from which part's output."""

    name: str
    resources: dict[str, Json] = field(default_factory=dict)
    outputs: dict[str, Json] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    from_parts: dict[str, tuple[str, str]] = field(default_factory=dict)


def split(
    stack: str,
    resources: Mapping[str, Mapping[str, Json]],
    units: Mapping[str, str],
    outputs: Mapping[str, Json],
    known: Mapping[str, int],
) -> tuple[list[Part], dict[str, int]]:
    """The parts in an order in which they can be applied, and the part number of each unit.

    `known` are the places that the lock remembers. Parts are numbered from 1; the first keeps the stack's name.
    Raises `CompileError` when a remembered part has outgrown the limits or two parts need each other.
    """
    places = _place(resources, units, known)
    home = {title: places[units[title]] for title in resources}
    parts = {number: Part(_part_name(stack, number)) for number in sorted(set(places.values()))}
    for title, resource in resources.items():
        part = parts[home[title]]
        part.resources[title] = _Rewriter(part, parts, home).rewrite(dict(resource))
    for name, value in outputs.items():
        part = parts[_home_of_output(value, home)]
        part.outputs[name] = _Rewriter(part, parts, home).rewrite(value)
    for part in parts.values():
        _check_limits(part)
    return _in_order(list(parts.values())), places


def _place(
    resources: Mapping[str, Mapping[str, Json]], units: Mapping[str, str], known: Mapping[str, int]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for title, resource in resources.items():
        unit = units[title]
        counts[unit] = counts.get(unit, 0) + 1
        sizes[unit] = sizes.get(unit, 0) + len(json.dumps(resource, separators=(",", ":"))) + len(title) + 4
    places = {unit: known[unit] for unit in counts if unit in known}
    filled: dict[int, list[int]] = {}
    for unit, number in places.items():
        total = filled.setdefault(number, [0, 0])
        total[0] += counts[unit]
        total[1] += sizes[unit]
    # What belongs to no entry goes first: all others may refer to it.
    for unit in sorted((name for name in counts if name not in places), key=lambda name: name != ""):
        number = _room_for(counts[unit], sizes[unit], filled)
        places[unit] = number
        total = filled.setdefault(number, [0, 0])
        total[0] += counts[unit]
        total[1] += sizes[unit]
    return places


def _room_for(count: int, size: int, filled: Mapping[int, list[int]]) -> int:
    number = 1
    while number in filled and (filled[number][0] + count > SOFT_RESOURCES or filled[number][1] + size > SOFT_BYTES):
        number += 1
    return number


def _part_name(stack: str, number: int) -> str:
    return stack if number == 1 else f"{stack}-{number}"


def _home_of_output(value: Json, home: Mapping[str, int]) -> int:
    named = [home[name] for name in _mentioned(value) if name in home]
    return named[0] if named else min(home.values(), default=1)


def _mentioned(value: Json) -> list[str]:
    if isinstance(value, list):
        return [name for item in value for name in _mentioned(item)]
    if not isinstance(value, dict):
        return []
    if set(value) == {"Ref"}:
        return [str(value["Ref"])]
    if set(value) == {"Fn::GetAtt"}:
        target = value["Fn::GetAtt"]
        return [str(target[0]) if isinstance(target, list) else str(target).split(".")[0]]
    if set(value) == {"Fn::Sub"}:
        text = value["Fn::Sub"]
        body = str(text[0]) if isinstance(text, list) else str(text)
        more = _mentioned(text[1]) if isinstance(text, list) else []
        return [name.split(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", body)] + more
    return [name for item in value.values() for name in _mentioned(item)]


class _Rewriter:
    """Turns references that leave a part into parameters of it and outputs of the other part."""

    def __init__(self, part: Part, parts: Mapping[int, Part], home: Mapping[str, int]) -> None:
        self.part = part
        self.parts = parts
        self.home = home

    def rewrite(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self.rewrite(item) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return {"Ref": self._name(str(value["Ref"]), "")}
        if set(value) == {"Fn::GetAtt"} and isinstance(value["Fn::GetAtt"], list):
            title, attribute = (str(item) for item in value["Fn::GetAtt"])
            name = self._name(title, attribute)
            return value if name == title else {"Ref": name}
        if set(value) == {"Fn::Sub"}:
            return {"Fn::Sub": self._sub(value["Fn::Sub"])}
        return {key: self._attribute(key, item) for key, item in value.items()}

    def _attribute(self, key: str, item: Json) -> Json:
        if key != "DependsOn" or not item:
            return self.rewrite(item)
        wanted = item if isinstance(item, list) else [item]
        # Another part is applied before this one or after it as a whole: DependsOn has nothing to add.
        return [title for title in wanted if self.parts[self.home[str(title)]] is self.part]

    def _sub(self, text: Json) -> Json:
        body, more = (str(text[0]), text[1]) if isinstance(text, list) else (str(text), None)
        local = set(more) if isinstance(more, dict) else set()

        def place(found: re.Match[str]) -> str:
            title, _, attribute = found[1].partition(".")
            if found[1].startswith("!") or found[1] in local:
                return found[0]
            name = self._name(title, attribute)
            return found[0] if name == title else f"${{{name}}}"

        body = re.sub(r"\$\{([^}]+)\}", place, body)
        return body if more is None else [body, self.rewrite(more)]

    def _name(self, title: str, attribute: str) -> str:
        """The title itself when it is at home here, else the parameter that brings it."""
        if title not in self.home:
            if "::" not in title:
                self.part.parameters.add(title)
            return title
        other = self.parts[self.home[title]]
        if other is self.part:
            return title
        name = f"{title}{attribute.replace('.', '') or 'Ref'}"
        other.outputs[name] = {"Fn::GetAtt": [title, attribute]} if attribute else {"Ref": title}
        self.part.parameters.add(name)
        self.part.from_parts[name] = (other.name, name)
        return name


def _check_limits(part: Part) -> None:
    size = len(json.dumps(part.resources, separators=(",", ":")))
    for amount, limit, noun in (
        (len(part.resources), MAX_RESOURCES, "resources"),
        (size, MAX_BYTES, "bytes"),
        (len(part.parameters), MAX_LINKS, "parameters"),
        (len(part.outputs), MAX_LINKS, "outputs"),
    ):
        if amount > limit:
            raise CompileError(
                f"stack {part.name} would have {amount} {noun}",
                f"CloudFormation allows {limit}, and what is in a stack never moves to another",
                "Move some entries of the area to a declaration of their own.",
            )


def _in_order(parts: list[Part]) -> list[Part]:
    done: list[Part] = []
    left = list(parts)
    while left:
        names = {part.name for part in done}
        ready = [part for part in left if {home for home, _ in part.from_parts.values()} <= names]
        if not ready:
            raise CompileError(
                f"stacks {', '.join(part.name for part in left)} would need each other",
                "entries that refer to one another were placed in different parts earlier",
                "Rename one of the entries, so that it is placed anew.",
            )
        done += ready
        left = [part for part in left if part not in ready]
    return done
