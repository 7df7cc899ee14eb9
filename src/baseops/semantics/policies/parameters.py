"""The ways in which a parameter's value can be read from Parameter Store, each authorised on a resource of its own.

GetParametersByPath is authorised on the path alone: who may read `/a` recursively gets `/a/b` even where `/a/b` is
denied to them, and GetParameterHistory returns the current value too. So that "others are refused" means all four
actions, and every path above the parameter.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from baseops.semantics.policies.patterns import Context

ACTIONS = ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory")


@dataclass(frozen=True)
class Reading:
    """One way to read a value: the action, the resource it is authorised on, and the keys it comes with."""

    action: str
    resource: str
    context: Context = field(default_factory=Context)


def readings(name: str, *, account: str, region: str, partition: str = "aws") -> Iterator[Reading]:
    """Every way to read the parameter of a name such as `/app/db/password`; a path may end in a slash or not."""
    prefix = f"arn:{partition}:ssm:{region}:{account}:parameter"
    for action in ACTIONS:
        yield Reading(action, f"{prefix}/{name.removeprefix('/')}")
    parts = name.strip("/").split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        path = "".join(f"/{part}" for part in parts[:depth])
        # What lies deeper than the path's own level is read recursively only.
        for recursive in ("true", "false") if depth == len(parts) else ("true",):
            for resource in dict.fromkeys((f"{prefix}{path or '/'}", f"{prefix}{path}/")):
                yield Reading("ssm:GetParametersByPath", resource, Context({"ssm:Recursive": recursive}))
