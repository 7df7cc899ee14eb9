"""A stack as it will be applied: a plain CloudFormation template and where its parameters come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from baseops.contract.types import Json


@dataclass(frozen=True)
class Output:
    """An output of another of our stacks, handed on as a parameter (never by Fn::ImportValue, which freezes)."""

    stack: str
    region: str
    name: str


Source: TypeAlias = str | Output
"""A literal value, or one that is known when another stack is up."""


@dataclass(frozen=True)
class Template:
    """One stack of ours in one region.

    `stack` is the short name (`foundation`, `logs`, `logs-2`), `name` the stack's name in CloudFormation,
    `body` the template as JSON values, `parameters` what each template parameter gets.
    """

    stack: str
    name: str
    region: str
    body: Mapping[str, Json]
    parameters: Mapping[str, Source] = field(default_factory=dict)
