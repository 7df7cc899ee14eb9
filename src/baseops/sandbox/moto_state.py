"""moto's process-wide state: made repeatable by a seed when an account opens, dropped when it closes."""

from __future__ import annotations

from typing import Any

import moto.core.errors
import moto.core.utils
from botocore.session import Session
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend, backend_lock
from moto.core.model_instances import reset_model_data
from moto.moto_api._internal import mock_random

from baseops.sandbox import moto_imports
from baseops.sandbox.loading import shared_loader
from baseops.sandbox.service import forget_state


def prepare(session: Session) -> None:
    """Let moto share our loader, and ask our session for regions: its own would read the user's profile.

    Errors that the models do not list are AWS's too; moto's warning about them would be for its authors.
    """
    moto_imports.install(session)
    for owner, name, ours in (
        (moto.core.utils, "create_loader", shared_loader),
        (moto.core.errors, "warn", _silent),
        (AccountSpecificBackend, "get_session", lambda: session),
    ):
        setattr(owner, name, ours)


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
