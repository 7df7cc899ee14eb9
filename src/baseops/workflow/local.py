"""Opens a local account, or says which extra is missing; the rooms that need none never load the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baseops.errors import SandboxError

if TYPE_CHECKING:
    from baseops.sandbox.account import Account


def open_local_account(**opening: Any) -> Account:
    """A fresh account; the arguments (Any: each has its own type) are those of `sandbox.account.open_account`.

    Raises `SandboxError` where the extra `sandbox` is not installed.
    """
    try:
        from baseops.sandbox.account import open_account
    except ModuleNotFoundError as error:
        why, remedy = f"{error.name} is not installed", "Run: pip install 'baseops-aws[sandbox]'"
        raise SandboxError("there is no sandbox here", why, remedy) from error
    return open_account(**opening)
