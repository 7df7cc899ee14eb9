"""When a role was last used, and where, as GetRole and the account's details say.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
"""

from __future__ import annotations

from moto.iam.models import iam_backends

from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.service import Sandbox, opened


def note(call: Call, _answer: Answer) -> None:
    """A recorder: note the use of the caller's role."""
    principal = call.principal
    if principal.role_arn is None:
        return
    for role in iam_backends[principal.account_id]["aws"].roles.values():
        if role.arn == principal.role_arn:
            role.last_used = opened().clock.now()
            role.last_used_region = call.region  # type: ignore[assignment]  # moto never sets it


def on_open(sandbox: Sandbox) -> None:
    """Listen to every call."""
    sandbox.dispatcher.recorders.append(note)
