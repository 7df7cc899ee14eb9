"""Who is calling, whether the declaration lists that account, and whether both clocks agree."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.site import Site
from baseops.errors import InconclusiveError, UsageError

FARTHEST = timedelta(minutes=5)


def caller_account(clients: Clients) -> str:
    """The caller's account id. Calls sts:GetCallerIdentity, which needs no permission."""
    with translated("cannot find out which account the credentials belong to"):
        return str(clients.client("sts").get_caller_identity()["Account"])


def require_listed(clients: Clients, site: Site) -> str:
    """The caller's account id; `UsageError` when the declaration does not list it."""
    account = caller_account(clients)
    if account not in site.accounts:
        raise UsageError(
            f"account {account} is not listed in the declaration {site.name}",
            f"accounts: {', '.join(site.accounts)}",
            f'Use the credentials of a listed account, or add "{account}" under accounts.',
        )
    return account


def require_right_clock(clients: Clients, clock: Clock) -> None:
    """`InconclusiveError` where this machine's clock and AWS's are further apart than a signature may be old.

    By the Date of an answer of sts:GetCallerIdentity, to the second.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
    """
    with translated("cannot find out what time it is in AWS"):
        answer = clients.client("sts").get_caller_identity()
    there, here = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]), clock.now()
    if abs(there - here) > FARTHEST:
        raise InconclusiveError(
            f"this machine's clock says {here:%Y-%m-%d %H:%M:%S} UTC, and AWS's {there:%Y-%m-%d %H:%M:%S}",
            "ages would be judged by the wrong one",
            "Set this machine's clock (a sandbox served with --speed, --start or --virtual has one of its own)",
        )
