"""The rules of composite alarms: trees, held against the states of other alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-combining.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from baseops.semantics.alarms.evaluation import State


@dataclass(frozen=True, slots=True)
class InState:
    """`ALARM("x")`: an alarm, by name or ARN, is in a state."""

    state: State
    alarm: str

    def __str__(self) -> str:
        return f"{self.state}({_quoted(self.alarm)})"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`AT_LEAST(2, ALARM, (a, b, c))`: so many of the alarms, or so many percent, are in a state, or are not."""

    count: int
    is_percentage: bool
    state: State
    is_negated: bool
    alarms: tuple[str, ...]

    @property
    def wanted(self) -> int:
        """How many alarms it takes."""
        return math.ceil(self.count * len(self.alarms) / 100) if self.is_percentage else self.count

    def __str__(self) -> str:
        condition = f"NOT {self.state}" if self.is_negated else self.state
        unit = "%" if self.is_percentage else ""
        return f"AT_LEAST({self.count}{unit}, {condition}, ({', '.join(map(_quoted, self.alarms))}))"


@dataclass(frozen=True, slots=True)
class Constant:
    """`TRUE` or `FALSE`."""

    value: bool

    def __str__(self) -> str:
        return "TRUE" if self.value else "FALSE"


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT …`."""

    part: Node

    def __str__(self) -> str:
        return f"NOT ({self.part})" if isinstance(self.part, (And, Or)) else f"NOT {self.part}"


@dataclass(frozen=True, slots=True)
class And:
    """`… AND …`."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, (And, Or)) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """`… OR …`."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(f"({part})" if isinstance(part, (And, Or)) else str(part) for part in self.parts)


Node: TypeAlias = InState | AtLeast | Constant | Not | And | Or


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that has been read."""

    source: str
    tree: Node
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The alarms that it mentions, as written (names or ARNs), each once."""
        return tuple(dict.fromkeys(names_in(self.tree)))

    def holds(self, states: Mapping[str, State]) -> bool:
        """Whether the rule is fulfilled; `LookupError` names an alarm whose state is not given.

        An alarm that the rule calls by its ARN is looked up by its name too.
        """
        return _holds(self.tree, states)

    def renamed(self, names: Mapping[str, str]) -> Node:
        """The tree with alarms called by other names; those that `names` does not know keep theirs."""
        return _renamed(self.tree, names)

    def state(self, states: Mapping[str, State]) -> State:
        """The state of the composite alarm: ALARM or OK."""
        return "ALARM" if self.holds(states) else "OK"

    def __str__(self) -> str:
        return str(self.tree)


def alarm_name(reference: str) -> str:
    """The name of an alarm that may be given by its ARN."""
    return reference.partition(":alarm:")[2] or reference


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def names_in(node: Node) -> Iterator[str]:
    """The alarms that a rule mentions, in order."""
    if isinstance(node, InState):
        yield node.alarm
    elif isinstance(node, AtLeast):
        yield from node.alarms
    elif isinstance(node, Not):
        yield from names_in(node.part)
    elif isinstance(node, (And, Or)):
        for part in node.parts:
            yield from names_in(part)


def _state_of(alarm: str, states: Mapping[str, State]) -> State:
    for name in (alarm, alarm_name(alarm)):
        if name in states:
            return states[name]
    raise LookupError(f"the rule mentions alarm {alarm!r}, whose state is not known")


def _holds(node: Node, states: Mapping[str, State]) -> bool:
    if isinstance(node, InState):
        return _state_of(node.alarm, states) == node.state
    if isinstance(node, AtLeast):
        fitting = sum((_state_of(alarm, states) == node.state) != node.is_negated for alarm in node.alarms)
        return fitting >= node.wanted
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Not):
        return not _holds(node.part, states)
    results = [_holds(part, states) for part in node.parts]
    return all(results) if isinstance(node, And) else any(results)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    if isinstance(node, InState):
        return replace(node, alarm=names.get(node.alarm, node.alarm))
    if isinstance(node, AtLeast):
        return replace(node, alarms=tuple(names.get(alarm, alarm) for alarm in node.alarms))
    if isinstance(node, Not):
        return Not(_renamed(node.part, names))
    if isinstance(node, (And, Or)):
        return replace(node, parts=tuple(_renamed(part, names) for part in node.parts))
    return node
