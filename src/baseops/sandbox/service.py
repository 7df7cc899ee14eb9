"""How AWS services get into the sandbox: whole ones (`SandboxBackend`), single operations (`extend`), consequences.

A service is a class with one method for each operation, called as boto3 calls it (`CreateLifecyclePolicy` is
`create_lifecycle_policy`), with the request's top-level members as keyword arguments in the same spelling; nested
values keep AWS's names. It returns the members of the answer as a dict in AWS's names. It never sees HTTP: the
botocore model says how a request is read and an answer written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from botocore import xform_name
from moto.core.base_backend import BaseBackend
from moto.core.exceptions import ServiceException
from moto.moto_api._internal import mock_random

from baseops.contract.clients import Clients
from baseops.errors import SandboxError

if TYPE_CHECKING:
    from datetime import datetime

    from baseops.sandbox.answer import Answer
    from baseops.sandbox.call import Call
    from baseops.sandbox.clients import PrincipalClients
    from baseops.sandbox.clock import TickingClock
    from baseops.sandbox.dispatcher import Dispatcher
    from baseops.sandbox.mailbox import Mailbox
    from baseops.sandbox.services.cloudtrail.history import History

# What an operation takes and gives: members of AWS's shapes, whose types only the botocore model knows.
Members = Mapping[str, Any]
Operation = Callable[..., Members | None]
Consequence = Callable[["Call", "Answer"], None]


class ServiceError(ServiceException):
    """An error in AWS's own words; subclasses name their `code`, and `status` where the model does not say it.

    Further members of the error's shape are given by name: `ResourceNotFoundException("…", ResourceType="policy")`.
    """

    code = "ValidationException"
    status: int | None = None

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None, **members: object) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.status = status or self.status
        self.__dict__.update(members)


class Sandbox(Protocol):
    """The open account, as a service sees it."""

    @property
    def account_id(self) -> str:
        """The account that the declaration is applied to."""

    @property
    def region(self) -> str:
        """Its primary region."""

    @property
    def clock(self) -> TickingClock:
        """The time, and what happens at which time (`clock.ticker`)."""

    @property
    def folder(self) -> Path:
        """Where to write block files; another one in a forked copy."""

    @property
    def folders(self) -> Sequence[Path]:
        """Where to read them: `folder`, then those of the accounts that this is a copy of."""

    def client(self, service: str, region: str | None = None) -> Any:
        """A client with all rights in the account; Any, as botocore makes the classes at run time."""

    def clients_of(self, account_id: str) -> Clients:
        """The same for another account."""

    def unlocked(self) -> AbstractContextManager[None]:
        """Let other calls through while a service waits for a process that makes some (a Lambda function)."""

    def session_as(self, role_arn: str, session_name: str = "sandbox") -> PrincipalClients:
        """The clients of an assumed role, with that role's rights and keys."""

    @property
    def trail(self) -> History:
        """Every call that was made, as CloudTrail knows it."""

    @property
    def mailbox(self) -> Mailbox:
        """Where services write to people."""

    @property
    def receivers(self) -> Mapping[str, int]:
        """Hosts outside AWS that answer what is posted to them, with which status."""

    @property
    def dispatcher(self) -> Dispatcher:
        """What answers calls, for those that come from elsewhere (a function's own)."""


_opened: list[Sandbox] = []


def opened() -> Sandbox:
    """The account that is open in this process."""
    if not _opened:
        raise SandboxError("no sandbox account is open", "a service was called outside one", "Call open_account first")
    return _opened[-1]


def is_opened(sandbox: Sandbox | None = None) -> bool:
    """Whether an account is open in this process; this very one, when given."""
    return bool(_opened) and sandbox in (None, _opened[-1])


def set_opened(sandbox: Sandbox | None) -> None:
    """Say which account is open; only `account` does this."""
    _opened[:] = [sandbox] if sandbox else []


class _Calls(threading.local):
    """The calls that a thread is answering, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Call] = []


_calls = _Calls()


def calling() -> Call:
    """The call that is being answered, the innermost one: who calls, from which region."""
    if not _calls.stack:
        raise SandboxError("no call is being answered", "this runs by schedule or outside the sandbox")
    return _calls.stack[-1]


def is_answering() -> bool:
    """Whether this thread is answering a call: what it calls now, it calls on the way."""
    return bool(_calls.stack)


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """Say which call is being answered; only the dispatcher does this, under the account's lock."""
    _calls.stack.append(call)
    try:
        yield
    finally:
        _calls.stack.pop()


class SandboxBackend(BaseBackend):
    """One service in one account and region. Say `register()` after the class."""

    service: ClassVar[str] = ""
    """botocore's name."""
    is_global: ClassVar[bool] = False
    """One backend for all regions, as IAM has."""
    instances: ClassVar[dict[tuple[str, str], SandboxBackend]]

    @classmethod
    def register(cls, name: str | None = None) -> None:
        """Answer for the service, in place of moto where moto has it."""
        cls.service = name or cls.service
        cls.instances = {}
        _backends[cls.service] = cls

    @classmethod
    def of(cls, account_id: str, region: str) -> Self:
        """The backend of an account and region, made on first use."""
        place = (account_id, "aws" if cls.is_global else region)
        if place not in cls.instances:
            cls.instances[place] = cls(place[1], account_id)
        return cls.instances[place]  # type: ignore[return-value]  # `instances` belongs to this very class

    @classmethod
    def everywhere(cls) -> Iterator[Self]:
        """Every backend of the service that has been asked for anything."""
        yield from list(cls.instances.values())  # type: ignore[misc]  # as above

    @property
    def sandbox(self) -> Sandbox:
        """The open account."""
        return opened()

    @property
    def clients(self) -> Clients:
        """Clients with all rights in this backend's account; their default region is the sandbox's own."""
        return opened().clients_of(self.account_id)

    def now(self) -> datetime:
        """The sandbox's time, aware, in UTC."""
        clock: TickingClock = opened().clock
        return clock.now()

    def hex(self, digits: int) -> str:
        """Random hexadecimal digits for ids; the same ones for the same seed."""
        return str(mock_random.get_random_hex(digits))

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this service, as most services build it."""
        return f"arn:aws:{self.service}:{self.region_name}:{self.account_id}:{resource}"


_backends: dict[str, type[SandboxBackend]] = {}
_extensions: dict[tuple[str, str], Operation] = {}
_consequences: dict[tuple[str, str], list[Consequence]] = {}


def extend(service: str, operation: str, function: Operation) -> None:
    """Add an operation to a service, or put ours in the place of moto's.

    `function(backend, **members)` is called as a method of a `SandboxBackend` would be; for a service of moto,
    `backend` is moto's own for the account and region.
    """
    _extensions[service, operation] = function


def follow(service: str, operation: str, function: Consequence) -> None:
    """Call `function(call, answer)` after each success of an operation, before the answer is sent.

    For consequences across services. `answer.members` is what boto3 would give for it, also for moto's operations.
    """
    _consequences.setdefault((service, operation), [])
    if function not in _consequences[service, operation]:
        _consequences[service, operation].append(function)


def backend_class(service: str) -> type[SandboxBackend] | None:
    """The class registered for a service."""
    return _backends.get(service)


def extension(service: str, operation: str) -> Operation | None:
    """What `extend` put in for an operation."""
    return _extensions.get((service, operation))


def consequences(service: str, operation: str) -> tuple[Consequence, ...]:
    """What `follow` asked for, in that order."""
    return tuple(_consequences.get((service, operation), ()))


def own_operation(call: Call) -> Operation | None:
    """The function of ours that answers a call; None where moto has to."""
    added = extension(call.service, call.operation)
    if added:
        return partial(added, call.backend)
    owner = backend_class(call.service)
    if owner is None:
        return None
    method: Operation | None = getattr(owner.of(call.account_id, call.region), xform_name(call.operation), None)
    if method is None:
        raise unknown_operation(call)
    return method


def parameters_of(operation: Operation) -> frozenset[str] | None:
    """The members that an operation takes, as boto3 spells methods; None when it takes any (`**rest`)."""
    parameters = signature(operation).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


def unknown_operation(call: Call) -> ServiceError:
    """The refusal of an operation that the sandbox lacks, in the words of the service's protocol.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (InvalidAction)
    """
    if call.protocol in ("query", "ec2"):
        return ServiceError(
            f"The action {call.operation} is not valid for this web service ({call.service} in the sandbox)",
            code="InvalidAction",
        )
    return ServiceError(
        f"Unknown operation {call.operation}: the sandbox has no {call.service}:{call.operation}",
        code="UnknownOperationException",
    )


def forget_state() -> None:
    """Drop what the services hold, when an account closes; the services themselves stay registered."""
    for owner in _backends.values():
        owner.instances.clear()
