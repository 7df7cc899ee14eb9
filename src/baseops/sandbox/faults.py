"""Faults that are let loose on calls: AWS errors, delays, broken connections; by rule, repeatable by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal

from baseops.errors import SandboxError
from baseops.sandbox.call import Call
from baseops.sandbox.service import ServiceError

STATUS = {
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "ExpiredToken": 403,
    "UnauthorizedOperation": 403,
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with which calls. `service` and `operation` are botocore's names or patterns such as `Put*`.

    `error` is AWS's code; `delay` is in seconds of the account's clock, for callers that can wait; `drop` breaks the
    connection before the call takes effect ("request") or after it ("response"); with a delay, the caller's read
    timeout ends it. `times` ends the rule after so many hits, `after` lets that many matching calls pass first,
    `probability` decides call by call. `where` names members of the request and the values they must have,
    `principal` is a pattern of the caller's ARN.
    """

    service: str = "*"
    operation: str = "*"
    error: str | None = None
    message: str = "injected by the sandbox"
    status: int | None = None
    delay: float = 0.0
    drop: Literal["request", "response"] | None = None
    probability: float = 1.0
    times: int | None = None
    after: int = 0
    region: str = "*"
    principal: str = "*"
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.error or self.delay or self.drop):
            raise SandboxError("a fault does nothing", "it names no error, no delay and no drop", "Say one of them")
        if not 0 <= self.probability <= 1:
            raise SandboxError(f"probability {self.probability} of a fault", "it must lie between 0 and 1")
        if self.delay < 0 or self.after < 0 or (self.times is not None and self.times < 1):
            raise SandboxError("a fault counts below its least", "delay and after are at least 0, times at least 1")
        if self.drop not in (None, "request", "response"):
            raise SandboxError(f"a fault drops {self.drop}", "only the request or the response can be dropped")

    def matches(self, call: Call) -> bool:
        """Whether it is about this call; `where` compares members of the request."""
        names = ((call.service, self.service), (call.operation, self.operation), (call.region, self.region))
        if not all(fnmatchcase(name, pattern) for name, pattern in names):
            return False
        if self.principal != "*" and not fnmatchcase(call.principal.arn, self.principal):
            return False
        return all(call.parameters.get(name) == value for name, value in self.where.items())

    def as_error(self) -> ServiceError | None:
        """The error to answer with."""
        if self.error is None:
            return None
        return ServiceError(self.message, code=self.error, status=self.status or STATUS.get(self.error, 400))


@dataclass
class _Rule:
    fault: Fault
    passed: int = 0
    hits: int = 0

    def strikes(self, call: Call, random: Random) -> bool:
        if self.hits == self.fault.times or not self.fault.matches(call):
            return False
        self.passed += 1
        if self.passed <= self.fault.after:
            return False
        if self.fault.probability < 1 and random.random() >= self.fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The rules of an account. The first that strikes a call decides; what struck is kept in `struck`."""

    def __init__(self, seed: int = 0) -> None:
        self.struck: list[tuple[str, str, Fault]] = []
        self._random = Random(seed)  # noqa: S311  # repeatable on purpose
        self._rules: list[_Rule] = []

    def add(self, fault: Fault) -> None:
        """Let it loose."""
        self._rules.append(_Rule(fault))

    def reseed(self, seed: int) -> None:
        """From here on decide as another seed does."""
        self._random.seed(seed)

    def clear(self) -> None:
        """Take all rules back."""
        self._rules.clear()

    def active(self) -> list[Fault]:
        """The rules that can still strike."""
        return [rule.fault for rule in self._rules if rule.hits != rule.fault.times]

    def strike(self, call: Call) -> Fault | None:
        """The fault that a call meets."""
        for rule in self._rules:
            if rule.strikes(call, self._random):
                self.struck.append((call.service, call.operation, rule.fault))
                return rule.fault
        return None


def fault_from(document: Mapping[str, Any]) -> Fault:
    """A rule as JSON (the control endpoint): the fields of `Fault`; unknown ones are refused."""
    unknown = set(document) - set(Fault.__dataclass_fields__)
    if unknown:
        known = ", ".join(Fault.__dataclass_fields__)
        raise SandboxError(f"a fault has no {', '.join(sorted(unknown))}", f"it knows {known}")
    return Fault(**document)
