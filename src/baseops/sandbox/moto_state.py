"""moto's process-wide state: made repeatable by a seed when an account opens, dropped when it closes."""

from __future__ import annotations

from inspect import isfunction
from itertools import count
from typing import Any

import moto.core.errors
import moto.core.responses
import moto.core.utils
import moto.utilities.aws_headers
from botocore.session import Session
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend, backend_lock
from moto.core.model_instances import reset_model_data
from moto.moto_api._internal import mock_random

from baseops.sandbox import moto_imports
from baseops.sandbox.loading import moto_loader
from baseops.sandbox.service import forget_state

_requests = count(1)


def prepare(session: Session) -> None:
    """Let moto share our loader, and ask our session for regions: its own would read the user's profile.

    Errors that the models do not list are AWS's too; moto's warning about them would be for its authors. A request
    id takes nothing from the random numbers, or every poll would change the ids that follow.
    """
    moto_imports.install(session)
    for owner, name, ours in (
        (moto.core.utils, "create_loader", moto_loader),
        (moto.core.errors, "warn", _silent),
        (moto.core.responses, "gen_amzn_requestid_long", request_id),
        (moto.utilities.aws_headers, "gen_amzn_requestid_long", request_id),
        (moto.core.responses, "method_names_from_class", _Methods),
        (AccountSpecificBackend, "get_session", lambda: session),
    ):
        setattr(owner, name, ours)


def request_id(headers: dict[str, Any] | None = None) -> str:
    """The next request id, also put into the headers."""
    identity = f"5a9d0b0c-0000-4000-8000-{next(_requests):012x}"
    if headers is not None:
        headers["x-amzn-requestid"] = identity
    return identity


class _Methods:
    """The methods of a class, asked one by one; moto would list them all for each call."""

    def __init__(self, owner: type) -> None:
        self._owner = owner

    def __contains__(self, name: str) -> bool:
        return isfunction(getattr(self._owner, name, None))


def seed(number: int) -> None:
    """Make the ids and secrets that follow repeatable."""
    mock_random.seed(number)


def reset() -> None:
    """Drop the state of every service; those that hold files or threads put them away themselves."""
    # Any: the list holds the backends of every service, each of a class of its own.
    used: list[Any] = vars(BackendDict)["_instances"]
    with backend_lock:
        for backends in used:
            for _, _, backend in backends.iter_backends():
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
            backends.clear()
        used.clear()
    reset_model_data()
    forget_state()


def _silent(*_: Any, **__: Any) -> None:
    """Say nothing."""
