"""The one point through which every call goes, in-process or served: record, faults, authorise, call.

Calls are answered one at a time, under the account's lock. Whoever records or authorises adds a function to
`recorders` or `authorisers`; this module decides nothing about either.
"""

from __future__ import annotations

import _thread
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime

from botocore import xform_name
from moto.core.exceptions import JsonRESTError, ServiceException

from baseops.errors import SandboxError
from baseops.sandbox import answer as answers
from baseops.sandbox import moto_services, services
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.clock import TickingClock
from baseops.sandbox.faults import Fault, Faults
from baseops.sandbox.repeats import Repeats
from baseops.sandbox.service import (
    Members,
    Operation,
    Sandbox,
    ServiceError,
    answering,
    backend_class,
    consequences,
    own_operation,
    parameters_of,
    unknown_operation,
)

Recorder = Callable[[Call, Answer], None]
Authoriser = Callable[[Call], None]
log = logging.getLogger(__name__)


class DefectError(SandboxError):
    """A call broke the sandbox itself: a bug in moto or in us, never AWS's answer. The cause is attached."""


class Dispatcher:
    """Answers calls. A recorder sees each call with its answer; an authoriser refuses by raising `ServiceError`."""

    def __init__(self, sandbox: Sandbox, clock: TickingClock, faults: Faults, lock: _thread.RLock) -> None:
        self.recorders: list[Recorder] = []
        self.authorisers: list[Authoriser] = []
        self.faults = faults
        self.lock = lock
        self._sandbox = sandbox
        self._clock = clock
        self._loaded: set[str] = set()
        self._repeats = Repeats()

    def answer(self, call: Call) -> Answer:
        """Answer a call. Raises `DefectError` when answering it broke."""
        with self.lock:
            fault = self.faults.strike(call)
        if fault and fault.delay and self._clock.may_sleep():
            self._clock.sleep(fault.delay)
        with self.lock:
            self._clock.refresh()
            answer = _dated(self._answer_with(call, fault), self._clock.now())
            self._record(call, answer)
        return answer

    def _answer_with(self, call: Call, fault: Fault | None) -> Answer:
        error = fault.as_error() if fault else None
        if error:
            return answers.failure(call, error)
        if fault and fault.drop == "request":
            return Answer(call, 0, {}, b"", is_dropped=True, is_late=bool(fault.delay))
        answer = self._answer(call)
        if fault and fault.drop == "response":
            late = bool(fault.delay)
            return Answer(call, answer.status, answer.headers, answer.body, is_dropped=True, is_late=late)
        return answer

    def _answer(self, call: Call) -> Answer:
        try:
            with answering(call):
                return self._authorised(call)
        except ServiceException as error:
            return answers.failure(call, error)
        except JsonRESTError as error:
            # How moto's older services refuse; one of ours that asks moto's state may pass it on.
            refusal = ServiceError(str(error.message), code=str(error.error_type), status=error.code)
            return answers.failure(call, refusal)
        except Exception as error:
            log.exception("%s:%s broke the sandbox", call.service, call.operation)
            raise DefectError(
                f"{call.service}:{call.operation} broke the sandbox", f"{type(error).__name__}: {error}"
            ) from error

    def _authorised(self, call: Call) -> Answer:
        self.load(call.service)
        if call.principal.expires and call.principal.expires <= self._clock.now():
            raise expired_token(call)
        for authorise in self.authorisers:
            authorise(call)
        repeated = self._repeats.find(call)
        if repeated:
            return repeated
        answer = self._call(call)
        self._repeats.keep(call, answer)
        if answer.is_success:
            for follow in consequences(call.service, call.operation):
                follow(call, answer)
        return answer

    def answer_part(self, call: Call, work: Callable[[], Members]) -> Members:
        """Authorise, do and record one of several things that a call asks for (BatchGetSecretValue); may raise."""
        try:
            for authorise in self.authorisers:
                authorise(call)
            members = work()
        except ServiceException as error:
            self._record(call, answers.failure(call, error))
            raise
        self._record(call, answers.success(call, members))
        return members

    def _record(self, call: Call, answer: Answer) -> None:
        for record in self.recorders:
            record(call, answer)

    def load(self, service: str) -> None:
        """Import what we have for a service, once for each account."""
        with self.lock:
            if service in self._loaded:
                return
            modules = services.modules_of(service)
            self._loaded.add(service)
            for module in modules:
                on_open = getattr(module, "on_open", None)
                if on_open:
                    on_open(self._sandbox)

    def _call(self, call: Call) -> Answer:
        own = own_operation(call)
        if own:
            check_required(call)
            check_known(call, own)
            return answers.success(call, own(**call.arguments))
        if not moto_services.has_service(call.service):
            raise unknown_service(call)
        try:
            written = moto_services.answer(call.service, call.request)
        except ModuleNotFoundError as error:
            raise unknown_service(call) from error
        except NotImplementedError as error:  # how moto says that it lacks an operation
            raise unknown_operation(call) from error
        if written is None:
            raise unknown_operation(call)
        return answers.raw(call, *written)


def check_required(call: Call) -> None:
    """Refuse a request that lacks a required member; SDKs do so themselves, others may not."""
    shape = call.model.input_shape
    missing = [name for name in (shape.required_members if shape else ()) if name not in call.parameters]
    if missing and call.protocol in ("query", "ec2"):
        raise ServiceError(f"The request must contain the parameter {missing[0]}", code="MissingParameter")
    if missing:
        wanted = "; ".join(
            f"Value null at '{name}' failed to satisfy constraint: Member must not be null" for name in missing
        )
        count = f"{len(missing)} validation error{'s' if len(missing) > 1 else ''} detected"
        raise ServiceError(f"{count}: {wanted}", code="ValidationException")


def check_known(call: Call, operation: Operation) -> None:
    """Refuse members that our operation does not take: what they ask for would silently not happen."""
    taken = parameters_of(operation)
    unknown = [] if taken is None else sorted(set(call.arguments) - taken)
    if unknown:
        names = ", ".join(name for name in call.parameters if xform_name(name) in unknown)
        raise ServiceError(f"the sandbox's {call.service}:{call.operation} does not know {names}")


def unknown_service(call: Call) -> ServiceError:
    """The refusal of a service that the sandbox lacks."""
    return ServiceError(
        f"The sandbox has no service {call.service}; {call.operation} is not available in it",
        code="InvalidAction" if call.protocol in ("query", "ec2") else "UnknownOperationException",
    )


def expired_token(call: Call) -> ServiceError:
    """The refusal of temporary credentials that are too old; each protocol has its own word for it."""
    code = {"ec2": "RequestExpired", "query": "ExpiredToken", "rest-xml": "ExpiredToken"}
    return ServiceError(
        "The security token included in the request is expired",
        code=code.get(call.protocol, "ExpiredTokenException"),
        status=403,
    )


def serves(service: str) -> bool:
    """Whether the sandbox has the service at all."""
    return backend_class(service) is not None or moto_services.has_service(service)


def _dated(answer: Answer, now: datetime) -> Answer:
    """With the account's time, which every answer of AWS carries."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
    return replace(answer, headers={**headers, "Date": format_datetime(now, usegmt=True)})
